"""App code for one artifact of a bundle: preprocessing, integers, labels and a golden self-test, one module a platform."""
