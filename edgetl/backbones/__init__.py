"""Backbones: one family per file. A section of a recipe names the family, its width and its input size."""
