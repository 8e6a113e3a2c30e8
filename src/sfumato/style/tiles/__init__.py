"""Large pictures in tiles, with exact gradients, and the plan of memory and time."""

from sfumato._renamed import renamed_in

__getattr__ = renamed_in(__name__)
