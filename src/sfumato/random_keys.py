"""Random numbers by key: a new generator is made from `(seed, stream, step)` wherever numbers are drawn.

Randomness is a key and never a state. So a run can resume in its middle, a gradient check meets the same dropout mask
at every evaluation, and two draws for different purposes never share numbers.
"""

from enum import IntEnum
from numbers import Integral

import numpy as np

from sfumato.errors import InputError


class Stream(IntEnum):
    """Purposes of random numbers; each has a stream of its own."""

    INITIALIZATION = 0
    SHUFFLING = 1
    DROPOUT = 2
    DATA = 3
    CHECKING = 4
    PICTURE = 5
    SEARCH = 6
    SOUND = 7


def generator(seed: int, stream: Stream, step: int = 0) -> np.random.Generator:
    """Random generator for one purpose at one step, the same wherever and whenever it is made.

    Philox is a counter-based generator (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): seed and
    stream are its key, and the step is the highest word of its counter, so that a step has 2^192 blocks of its own.

    Args:
        seed: The run's seed, 0 to 2^64 - 1.
        stream: What the numbers are for.
        step: Which step, epoch or draw of that stream they are for.

    Raises:
        InputError: if the seed is out of its range.
    """
    if not (isinstance(seed, Integral) and 0 <= seed < 2**64):
        raise InputError(f"the seed must be a whole number from 0 to 2^64 - 1, not {seed}")
    bits = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64), counter=[0, 0, 0, step])
    return np.random.Generator(bits)


class Draw(IntEnum):
    """Steps of `Stream.DATA`, so that making, splitting and limiting data under one seed share no numbers."""

    MAKE = 0
    SPLIT = 1
    LIMIT = 2
