"""Stages: one verb per file. Each reads finished folders and fills one new folder, in a child process of its own."""
