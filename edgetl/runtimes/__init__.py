"""Runtimes: one inference engine per file: open an artifact, run it, time it."""
