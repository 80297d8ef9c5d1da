"""Ways to reach a device, one per module; and the runner that works there."""
