"""The program `python -m scripts.fuzz`: reads damaged files, and prints a table of what came of them."""

import argparse
import contextlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from scripts.fuzz.kinds import KINDS
from scripts.fuzz.seeds import Seeds, make_files
from scripts.fuzz.workers import READ, REFUSED, Input, Outcome, content_of, outcomes

HEAD = f"{'kind':<22} {'inputs':>8} {'read':>8} {'refused':>8} {'findings':>8}"


def plan(kinds: Sequence[str], inputs: int, program: int, first: int = 0) -> list[Input]:
    """Inputs of some kinds by their shares, at least one of each.

    Those of the program are even numbers of each kind's, as many of each kind. They are mixed, so that no time is spent
    on one kind alone.
    """
    whole, planned = sum(KINDS[kind].share for kind in kinds), []
    for place, kind in enumerate(kinds):
        count = max(1, round(inputs * KINDS[kind].share / whole))
        runs = (program * (place + 1)) // len(kinds) - (program * place) // len(kinds)
        every = max(1, count // runs) if runs else count + 1
        numbers = range(count)
        asked = {number for number in numbers if number % every == every - 1 and number // every < runs}
        planned += [(number / count, Input(kind, first + number, number in asked)) for number in numbers]
    return [one for _, one in sorted(planned)]


def fuzz(inputs: list[Input], seed: int, jobs: int, kept: Path) -> bool:
    """Read the inputs, print the findings and the table; returns whether there were none.

    Ctrl-C ends it early, with the table of what has been read.
    """
    counts: Counter[tuple[str, str]] = Counter()
    began, by_program = time.perf_counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        seeds = make_files(Path(folder))
        with contextlib.suppress(KeyboardInterrupt):  # then the table is of what there is
            for outcome in outcomes([one for one in inputs if one.kind in seeds], seed, seeds, Path(folder), jobs):
                good = outcome.outcome in (READ, REFUSED)
                counts[outcome.input.kind, outcome.outcome if good else "finding"] += 1
                by_program += outcome.input.program
                if not good:
                    print(f"{outcome.outcome}: {_keep(outcome, seed, seeds, kept)}", flush=True)
    seconds = time.perf_counter() - began
    print(HEAD)
    for kind in dict.fromkeys(one.kind for one in inputs):
        _row(kind, [counts[kind, what] for what in (READ, REFUSED, "finding")])
    found = [sum(n for (_, what), n in counts.items() if what == one) for one in (READ, REFUSED, "finding")]
    _row("all", found)
    rate = sum(found) / seconds
    print(f"seed {seed}: {by_program} by the program; {seconds:.0f} s, {rate:.0f} inputs a second, {jobs} workers")
    return not found[-1]


def _row(name: str, numbers: Iterable[int]) -> None:
    numbers = list(numbers)
    print(f"{name:<22} {sum(numbers):>8}", *(f"{number:>8}" for number in numbers))


def _keep(outcome: Outcome, seed: int, seeds: Seeds, kept: Path) -> str:
    """Keep a finding's file, and what is known of it; returns how to repeat it, and where it is."""
    kind, number, program = outcome.input
    kept.mkdir(parents=True, exist_ok=True)
    path = kept / f"{kind.replace(' ', '-')}-{seed}-{number}{KINDS[kind].suffix}"
    path.write_bytes(content_of(outcome.input, seed, seeds))
    path.with_name(path.name + ".txt").write_text(f"{outcome.outcome}\n{outcome.details}", encoding="utf-8")
    by = " --program 1" if program else " --program 0"
    return f'{path}; again: --only "{kind}" --seed {seed} --first {number} --inputs 1{by}'


def main() -> None:
    """Fuzz as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m scripts.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="how many (default: 100000)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn at random (default: 0)")
    parser.add_argument("--only", action="append", choices=KINDS, metavar="KIND", help=f"one of {', '.join(KINDS)}")
    parser.add_argument("--jobs", type=int, default=2, help="workers (default: 2)")
    parser.add_argument("--program", type=int, default=300, help="inputs that the real program reads (default: 300)")
    parser.add_argument("--first", type=int, default=0, help="number of the first input of each kind (default: 0)")
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="for findings (default: runs/fuzz)")
    asked = parser.parse_args()
    inputs = plan(asked.only or list(KINDS), asked.inputs, asked.program, asked.first)
    sys.exit(0 if fuzz(inputs, asked.seed, asked.jobs, asked.out) else 1)


if __name__ == "__main__":
    main()
