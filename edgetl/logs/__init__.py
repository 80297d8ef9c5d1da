"""What other tools' logs say about the speed of a model: one module a kind of log, named as the tool that writes it."""
