"""Converters: one file format per file. Each makes what was asked for, reads it back, and refuses it when it is another."""
