"""An update channel: signed, versioned, expiring, on any storage; what publishes to it, and a reference client."""
