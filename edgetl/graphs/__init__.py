"""What a converted file's graph is made of, operator by operator: one module a format, named as its converter."""
