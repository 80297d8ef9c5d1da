"""Networks that came from elsewhere, read as data: what Keras saved whole, and SavedModels."""
