"""The bundle: what is in it, how it is written, signed, and checked by whoever receives it."""
