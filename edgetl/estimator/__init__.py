"""Latency of a network on a device that is not on the desk, from published measurements, with an interval.

Physics first: `roofline` says that a latency is a fixed cost, a cost for each layer, and work and traffic of each kind over the
device's rates. What it misses is alike for like networks on like devices: `residual` learns that from all rows of a pool. How
far both may be trusted is measured by leaving out what is predicted (`crossval`), never assumed.
"""
