"""Times that may say "not resolvable": steady state, fresh processes, turns of two files, and what disturbed them."""
