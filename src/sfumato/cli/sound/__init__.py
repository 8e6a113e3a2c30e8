"""The command `sound`."""
