"""Sources of labelled images: one per file. They list and read; decoding is `edgetl.preprocess`'s."""
