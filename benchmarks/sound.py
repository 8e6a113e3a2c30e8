"""Sounds in the manner of others, judged: ours beside equalising, a mosaic, and the published method.

    .venv-bench/bin/python -m pip install --no-deps basic-pitch==0.4.0
    .venv-bench/bin/python -m benchmarks.sound [--pairs P1 P2 P3] [--methods ours eq] [--ulyanov-iterations 60]

A pair is a tune on one instrument, another tune on another, whose sound is wanted, and the ideal answer: the first tune
on the second instrument. Settings were chosen by the `TUNED` pairs, and not by those that are `HELD_OUT`; the limits
below were fixed before those were first run.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np

import sfumato
from benchmarks.sound_files import LEVEL, make_sounds, read
from benchmarks.sound_measures import RATE, Judge, Judgement
from benchmarks.sound_ulyanov import ulyanov
from benchmarks.table import markdown
from sfumato.arrays import Array
from sfumato.sound.starts import equalised, mosaic


class Pair(NamedTuple):
    """Names of a content, of the style, and of the ideal answer."""

    content: str
    style: str
    ideal: str


TUNED = {
    "P1": Pair("green_piano", "ode_guitar", "green_guitar"),
    "P2": Pair("ode_guitar", "green_piano", "ode_piano"),
    "P3": Pair("green_violin", "ode_trumpet", "green_trumpet"),
}
HELD_OUT = {
    "H1": Pair("ode_nylon", "green_violin", "ode_violin"),
    "H2": Pair("green_trumpet", "ode_piano", "green_piano"),
    "H3": Pair("ode_violin", "green_guitar", "ode_guitar"),
    "H4": Pair("green_guitar", "ode_nylon", "green_nylon"),
}
PAIRS = TUNED | HELD_OUT

OURS, EQ, MOSAIC, ULYANOV, IDEAL, UNCHANGED = "ours", "eq", "mosaic", "ulyanov", "ideal answer", "unchanged"

AHEAD, WORST = 0.8, 0.6
"""dB by which our mean distance to the ideal answer shall be below equalising's and the mosaic's, and by which that of
no single pair shall be above equalising's."""

LEAST_NOTE, MOST_LEAK = 0.85, 0.15
"""F1 of notes against the content's, at least; against the style's, at most. On every pair."""

LEAST_CHROMA, LEAST_ONSET, MOST_FRECHET, NEAREST = 0.85, 0.88, 0.18, 9.0
"""Of the first pair: chroma and onsets kept, timbre reached, and dB to the ideal answer."""

NEAREST_MEAN = 9.9
"""dB to the ideal answer, in the mean over the tuned pairs."""


class Judged(NamedTuple):
    """A method's answer to a pair, with the seconds that it took."""

    judgement: Judgement
    seconds: float


def main() -> None:
    """Print a table for each pair, means, and what was asked of ours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/sounds"), help="where the sounds are, or are made")
    parser.add_argument("--out", type=Path, help="folder to write every answer to, as WAV")
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=list(PAIRS), metavar="PAIR")
    parser.add_argument("--methods", nargs="+", choices=[EQ, MOSAIC, ULYANOV, OURS], default=[EQ, MOSAIC, OURS])
    parser.add_argument("--seconds", type=float, default=5.0, help="of every sound")
    parser.add_argument("--ulyanov-iterations", type=int, default=300)
    parser.add_argument("--ulyanov-filters", type=int, default=4096)
    arguments = parser.parse_args()
    make_sounds(arguments.folder)

    def theirs(content: Array, style: Array) -> Array:
        answer = ulyanov(content, style, filters=arguments.ulyanov_filters, iterations=arguments.ulyanov_iterations)
        print(f"Ulyanov: {answer.evaluations} evaluations, losses of style and content {answer.losses}", flush=True)
        return answer.sound

    methods: dict[str, Callable[[Array, Array], Array]] = {
        EQ: lambda content, style: equalised(levelled(content), [(levelled(style), 1.0)]),
        MOSAIC: lambda content, style: mosaic(levelled(content), [(levelled(style), 1.0)]),
        ULYANOV: theirs,
        OURS: lambda content, style: sfumato.play((content, RATE), (style, RATE)).samples[:, 0],
    }
    judged: dict[str, dict[str, Judged]] = {}
    for name in arguments.pairs:
        pair = PAIRS[name]
        content, style, ideal = (read(arguments.folder, sound, arguments.seconds) for sound in pair)
        judge = Judge(content, style, ideal)
        judged[name] = {UNCHANGED: Judged(judge(content), 0.0), IDEAL: Judged(judge(ideal), 0.0)}
        for method in arguments.methods:
            begin = time.perf_counter()
            sound = methods[method](content, style)
            judged[name][method] = Judged(judge(sound), time.perf_counter() - begin)
            if arguments.out:
                _write(arguments.out / f"{name}-{method}.wav", sound)
        print(f"\n{name}: {pair.content} in the manner of {pair.style}\n\n{table(judged[name])}", flush=True)
    for title, names in (("tuned", TUNED), ("held out", HELD_OUT)):
        rows = [judged[name] for name in names if name in judged]
        if len(rows) == len(names):
            print(f"\nMean dB to the ideal answer, pairs {title}:", end=" ")
            print(", ".join(f"{method} {mean_ideal(rows, method):.2f}" for method in rows[0] if method != IDEAL))
    if {OURS, EQ, MOSAIC} <= set(arguments.methods):
        print("\n" + markdown(["asked of ours", "limit", "measured", ""], verdicts(judged)))


def table(judged: dict[str, Judged]) -> str:
    """A line for each method."""
    head = ["", "note", "leak", "chroma", "onset", "Fréchet", "ideal dB", "flatness", "s"]
    lines = []
    for method, (judgement, seconds) in judged.items():
        values = [f"{value:.2f}" for value in judgement[:-1]]
        lines.append([method, *values, f"{judgement.flatness:.1f}", f"{seconds:.1f}" if seconds else ""])
    return markdown(head, lines)


def mean_ideal(rows: Iterable[dict[str, Judged]], method: str) -> float:
    """Mean distance of a method's answers to the ideal ones, in dB."""
    return fmean(row[method].judgement.ideal or 0.0 for row in rows)


def verdicts(judged: dict[str, dict[str, Judged]]) -> list[Sequence[str]]:
    """What was asked, of the pairs that were run: the limit, the measured value, and whether it is met."""
    lines: list[Sequence[str]] = []

    def at_least(what: str, limit: float, value: float) -> None:
        lines.append([what, f"≥ {limit:.2f}", f"{value:.2f}", "met" if value >= limit else "**missed**"])

    def at_most(what: str, limit: float, value: float) -> None:
        lines.append([what, f"≤ {limit:.2f}", f"{value:.2f}", "met" if value <= limit else "**missed**"])

    for name, row in judged.items():
        ours = row[OURS].judgement
        at_least(f"{name}: notes kept", LEAST_NOTE, ours.note)
        at_most(f"{name}: leak of the style's notes", MOST_LEAK, ours.leak)
        at_most(f"{name}: dB above equalising", WORST, (ours.ideal or 0.0) - (row[EQ].judgement.ideal or 0.0))
    if "P1" in judged:
        first = judged["P1"][OURS].judgement
        at_least("P1: chroma", LEAST_CHROMA, first.chroma)
        at_least("P1: onsets", LEAST_ONSET, first.onset)
        at_most("P1: Fréchet", MOST_FRECHET, first.frechet)
        at_most("P1: dB to the ideal answer", NEAREST, first.ideal or 0.0)
    tuned = [judged[name] for name in TUNED if name in judged]
    if len(tuned) == len(TUNED):
        at_most("tuned pairs: mean dB to the ideal answer", NEAREST_MEAN, mean_ideal(tuned, OURS))
    held_out = [judged[name] for name in HELD_OUT if name in judged]
    if len(held_out) == len(HELD_OUT):
        for peer in (EQ, MOSAIC):
            ahead = mean_ideal(held_out, peer) - mean_ideal(held_out, OURS)
            at_least(f"held-out pairs: mean dB nearer to the ideal answer than {peer}", AHEAD, ahead)
    return lines


def levelled(sound: Array) -> Array:
    """The sound at the level at which `play` works."""
    scaled: Array = (sound * (LEVEL / np.sqrt(np.mean(np.square(sound))))).astype(np.float32)
    return scaled


def _write(path: Path, sound: Array) -> None:
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound * min(1.0, 0.99 / np.abs(sound).max()), RATE, subtype="PCM_16")


if __name__ == "__main__":
    main()
