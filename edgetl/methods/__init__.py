"""Ways of transfer: one per file. Each makes, of a recipe's phase, what the training loop runs."""
