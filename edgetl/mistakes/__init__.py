"""Plug-ins: one mistake of an app a file, between the bytes of a photo and the name of its class."""
