"""The memory and the time that a sound takes."""

import statistics
import time
from typing import NamedTuple

from sfumato.checks import bytes_as_text
from sfumato.engine import allowed_memory
from sfumato.errors import InputError
from sfumato.sound.job import PlayingJob
from sfumato.sound.problem import SoundProblem
from sfumato.sound.rendering import SIZE, frames_of
from sfumato.sound.starts import SHIFTS

BINS = SIZE // 2 + 1

PROGRAM = 120_000_000
"""Bytes of Python, its libraries and what does not grow with the sound."""

WORK = 36
"""Spectra, as large as the gains, that an evaluation takes beside L-BFGS's pairs, at most: those of two sizes, which
are complex, and what is kept of them for their backward pass. Measured: 33 in mono, 35 in stereo."""

STYLE_WORK = 6
"""Spectra of all styles together that are in memory at once before the run begins; measured: 4."""

MOSAIC_FRAMES, MOSAIC_ACTIVITIES = 3, 7
"""Copies of a mosaic's frames at once, and of the matrix that says when each sounds; measured: 2.6 and 6."""

HISTORIES = (10, 5, 3)
"""Pairs that L-BFGS keeps: as many of these as fit."""

PROBES = 5
"""Steps by which the time is estimated."""


class Estimate(NamedTuple):
    """Memory and time of a run.

    Attributes:
        memory_bytes: Of the whole process, at the peak.
        seconds: Of time, if all steps are taken.
    """

    memory_bytes: int
    seconds: float


def needed_memory(problem: SoundProblem, history: int) -> int:
    """Bytes that the whole process takes to play."""
    return PROGRAM + max(_beginning(problem), _run(problem, history))


def _run(problem: SoundProblem, history: int) -> int:
    """Bytes of evaluations and of L-BFGS's pairs."""
    itemsize = 8 if problem.engine.precision == "float64" else 4
    spectrum = frames_of(len(problem.mid)) * BINS
    return itemsize * spectrum * (WORK + 2 * history)


def _beginning(problem: SoundProblem) -> int:
    """Bytes of the styles' spectra and of the sound to start from, which are computed in float32."""
    frames = sum(frames_of(len(style.samples)) for style in problem.styles)
    needed = 4 * STYLE_WORK * frames * BINS
    if problem.has_content and problem.settings.start == "mosaic":
        activities = MOSAIC_ACTIVITIES * frames_of(len(problem.mid))
        needed += 4 * len(SHIFTS) * frames * (MOSAIC_FRAMES * BINS + activities)
    return needed


def pairs_to_keep(problem: SoundProblem) -> int:
    """Pairs that L-BFGS keeps: the most that the memory allows.

    Raises:
        InputError: if even the fewest do not fit, with what to take instead.
    """
    memory = allowed_memory(problem.settings.memory_bytes, problem.engine)
    for history in HISTORIES:
        if needed_memory(problem, history) <= memory:
            return history
    least = HISTORIES[-1]
    needed, beginning, run = needed_memory(problem, least), _beginning(problem), _run(problem, least)
    setting, seconds, part = "seconds", len(problem.mid) / problem.rate, run
    if beginning > run:
        setting, seconds, part = "style_seconds", sum(len(s.samples) for s in problem.styles) / problem.rate, beginning
    fits = int((memory - PROGRAM) * seconds / part)
    remedy = f"take a part of it ({setting}={fits})" if fits >= 1 else "allow more"
    raise InputError(
        f"{seconds:.0f} s of {'the style' if beginning > run else 'sound'} take {bytes_as_text(needed)} of memory, and "
        f"{bytes_as_text(memory)} are allowed; {remedy}"
    )


def seconds_a_step(job: PlayingJob) -> float:
    """Time of a step: the median of a few from the start, after the first, which has more to do."""
    state, times = job.first(), []
    for _ in range(PROBES):
        begin = time.perf_counter()
        objective, rate = job.next_step(state)
        state.theta, state.optimizer_state, _ = job.optimizer.step(objective, state.theta, state.optimizer_state, rate)
        times.append(time.perf_counter() - begin)
    return statistics.median(times[1:])
