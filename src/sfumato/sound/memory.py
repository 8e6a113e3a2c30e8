"""The memory and the time that a sound takes."""

import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

from sfumato.checks import bytes_as_text
from sfumato.engine import Engine, allowed_memory
from sfumato.errors import InputError
from sfumato.sound.files import samples_in
from sfumato.sound.job import PlayingJob
from sfumato.sound.problem import SoundProblem, length_of
from sfumato.sound.rendering import SIZE, frames_of
from sfumato.sound.settings import SoundSettings, SoundSource
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


class Lengths(NamedTuple):
    """Lengths that the memory of a run depends on.

    Attributes:
        samples: Of the sound.
        styles: Samples of each style.
        rate: Samples a second of both.
        mosaic: Whether it starts from a mosaic.
    """

    samples: int
    styles: list[int]
    rate: int
    mosaic: bool


def lengths_by_headers(
    settings: SoundSettings, content: SoundSource | None, styles: Sequence[tuple[SoundSource, float]]
) -> Lengths | None:
    """Lengths of a run before its sounds are read; None where the headers do not tell."""
    heard = [length_of(style, settings.style_begin, settings.style_seconds) for style, _ in styles]
    known = [one for one in heard if one is not None]
    if content is not None:
        own = length_of(content, settings.begin, settings.seconds)
    elif settings.seconds is not None and known:
        own = samples_in(settings.seconds, known[0][1]), known[0][1]
    else:
        own = None
    if own is None or len(known) < len(heard):
        return None
    rate = own[1] if settings.sample_rate == "full" else int(settings.sample_rate)
    at_rate = [samples * rate // before for samples, before in (own, *known)]
    return Lengths(at_rate[0], at_rate[1:], rate, content is not None and settings.start == "mosaic")


def lengths_of(problem: SoundProblem) -> Lengths:
    """Lengths of a run whose sounds are read."""
    mosaic = problem.has_content and problem.settings.start == "mosaic"
    return Lengths(len(problem.mid), [len(style.samples) for style in problem.styles], problem.rate, mosaic)


def needed_memory(lengths: Lengths, history: int, engine: Engine) -> int:
    """Bytes that the whole process takes to play."""
    return PROGRAM + max(_beginning(lengths), _run(lengths, history, engine))


def _run(lengths: Lengths, history: int, engine: Engine) -> int:
    """Bytes of evaluations and of L-BFGS's pairs."""
    itemsize = 8 if engine.precision == "float64" else 4
    return itemsize * frames_of(lengths.samples) * BINS * (WORK + 2 * history)


def _beginning(lengths: Lengths) -> int:
    """Bytes of the styles' spectra and of the sound to start from, which are computed in float32."""
    frames = [frames_of(samples) for samples in lengths.styles]
    needed = 4 * STYLE_WORK * sum(frames) * BINS
    if lengths.mosaic:
        activities = MOSAIC_ACTIVITIES * frames_of(lengths.samples)
        needed += 4 * len(SHIFTS) * max(frames) * (MOSAIC_FRAMES * BINS + activities)
    return needed


def pairs_to_keep(lengths: Lengths, settings: SoundSettings, engine: Engine) -> int:
    """Pairs that L-BFGS keeps: the most that the memory allows.

    Raises:
        InputError: if even the fewest do not fit, with what to take instead.
    """
    memory = allowed_memory(settings.memory_bytes, engine)
    for history in HISTORIES:
        if needed_memory(lengths, history, engine) <= memory:
            return history
    least = HISTORIES[-1]
    needed, beginning, run = needed_memory(lengths, least, engine), _beginning(lengths), _run(lengths, least, engine)
    setting, seconds, part = "seconds", lengths.samples / lengths.rate, run
    if beginning > run:
        setting, seconds, part = "style_seconds", sum(lengths.styles) / lengths.rate, beginning
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
