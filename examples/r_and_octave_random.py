"""The random numbers that R and Octave draw from a seed, so that a run can start where the reference's did.

The programs beside this one use it, and chapter 8. NumPy's own generator of the time is still `np.random.RandomState`.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri


def r_uniform(seed: int) -> Iterator[float]:
    """What R's runif draws after set.seed: the Mersenne twister, filled by a congruential generator."""
    state, filled = seed, []
    for _ in range(675):
        state = (69069 * state + 1) % 2**32
        filled.append(state)
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": np.array(filled[51:], dtype=np.uint32), "pos": 624}}
    while True:
        yield float(twister.random_raw()) * 2.0**-32


def r_normal(count: int, uniform: Iterator[float]) -> NDArray[np.float64]:
    """What R's rnorm draws: the normal quantile of 59 uniform bits."""
    high = 2.0**27
    bits = [np.floor(high * next(uniform)) + next(uniform) for _ in range(count)]
    return np.asarray(ndtri(np.array(bits) / high))


def r_sample(n: int, size: int, seed: int) -> list[int]:
    """What sample(n, size) draws after set.seed in R before 3.6, counted from 0."""
    uniform, left, drawn = r_uniform(seed), list(range(n)), []
    for _ in range(size):
        place = int(len(left) * next(uniform))
        drawn.append(left[place])
        left[place] = left[-1]
        left.pop()
    return drawn


def octave_uniform(seed: float) -> Iterator[float]:
    """What Octave's rand draws after rand("seed", seed): L'Ecuyer's two combined generators, in single precision."""
    words = np.array([seed], dtype="<f8").view("<i4")
    first, second = (max(1, abs(int(word))) for word in words)
    second %= 2147483399
    while True:
        first = 40014 * first % 2147483563
        second = 40692 * second % 2147483399
        yield float(np.float32((first - second) % 2147483562 or 2147483562) * np.float32(4.656613057e-10))
