"""Ship set: the fewest artifacts that serve every device. Pure."""
