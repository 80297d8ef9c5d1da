"""Which operators of a file leave an accelerator, before anything is timed: one module an accelerator's software."""
