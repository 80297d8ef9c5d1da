"""Layer tables of published networks, one family per module: what a network costs, known without building it."""
