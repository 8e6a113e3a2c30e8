"""Pictures through a network in tiles: exact gradients, and the plan of memory and time."""
