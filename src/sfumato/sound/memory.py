"""The memory and the time that a sound takes."""

import time
from collections.abc import Callable
from typing import NamedTuple

from sfumato.checks import bytes_as_text
from sfumato.engine import Engine, allowed_memory
from sfumato.errors import InputError
from sfumato.sound.rendering import SIZE, frames_of
from sfumato.sound.settings import SoundSettings

PROGRAM = 150_000_000
"""Bytes of Python, its libraries and what does not grow with the sound."""

WORK = 34
"""Vectors of the length of theta that an evaluation takes beside L-BFGS's pairs, at most: spectra of two sizes, which
are complex, and what is kept of them for their backward pass. Measured: see `tests/cli/sound`."""

HISTORIES = (10, 5, 3)
"""Pairs that L-BFGS keeps: as many of these as fit."""

PROBES = 3
"""Evaluations by which the time is estimated."""

EVALUATIONS_A_STEP = 1.05
"""Evaluations that L-BFGS takes for a step, measured."""


class Estimate(NamedTuple):
    """What a run will take.

    Attributes:
        memory_bytes: Of the whole process, at the peak.
        seconds: Of time, if all steps are taken.
    """

    memory_bytes: int
    seconds: float


def needed_memory(samples: int, history: int, itemsize: int = 4) -> int:
    """Bytes that the whole process takes for a sound of so many samples at the rate that is worked with."""
    return PROGRAM + frames_of(samples) * (SIZE // 2 + 1) * itemsize * (WORK + 2 * history)


def pairs_to_keep(settings: SoundSettings, samples: int, rate: int, engine: Engine) -> int:
    """Pairs that L-BFGS keeps: the most that the memory allows.

    Raises:
        InputError: if even the fewest do not fit, with what to take instead.
    """
    memory, itemsize = allowed_memory(settings.memory_bytes, engine), 8 if engine.precision == "float64" else 4
    for history in HISTORIES:
        if needed_memory(samples, history, itemsize) <= memory:
            return history
    each = (needed_memory(samples, HISTORIES[-1], itemsize) - PROGRAM) / (samples / rate)
    fits = int((memory - PROGRAM) / each)
    remedy = f"take a part of it (seconds={fits})" if fits >= 1 else "allow more"
    raise InputError(
        f"{samples / rate:.0f} s of sound take {bytes_as_text(needed_memory(samples, HISTORIES[-1], itemsize))} of "
        f"memory, and {bytes_as_text(memory)} are allowed; {remedy}"
    )


def seconds_an_evaluation(evaluate: Callable[[], object]) -> float:
    """Time of one evaluation: the least of a few."""
    times = []
    for _ in range(PROBES):
        begin = time.perf_counter()
        evaluate()
        times.append(time.perf_counter() - begin)
    return min(times)
