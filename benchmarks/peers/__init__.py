"""One module a way to make a file by hand from the same float network; found by file name."""
