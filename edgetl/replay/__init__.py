"""An app's way from a photo to a name, done again right and wrong: which mistake explains what the app answered."""
