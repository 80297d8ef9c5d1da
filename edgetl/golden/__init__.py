"""Golden photos: bytes of photos in a bundle, what an app must make of them step by step, and how far it may be off."""
