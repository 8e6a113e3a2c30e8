"""Sfumato beside its peers, job by job, as ratios within one run.

python -m benchmarks                        everything: about an hour
python -m benchmarks style --sizes 512      one job
python -m benchmarks mnist spiral --quick   whether it works
"""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks import (
    contest,
    roofline,
    style,
    style_sfumato,
    style_tensorflow,
    style_to_loss,
    style_torch,
    training,
    training_jax,
    training_keras,
    training_scikit_learn,
    training_sfumato,
    training_torch,
)
from benchmarks.contest import Program, say
from benchmarks.machine import describe, usable_cores
from benchmarks.table import Goals, job_table, tensor_table, tensor_verdicts, verdict, verdict_table

IMAGES = Path(__file__).parent.parent / "examples" / "images"

SIZES = {256: (9, None), 512: (5, 1.0), 1024: (3, 0.5)}
"""Long edges of job 5's pictures, each with its rounds, and our part of the leanest peer's memory that is wanted."""


class Part(NamedTuple):
    """What a job has to say.

    Attributes:
        title: Of the table.
        table: In Markdown.
        verdict: Its line in the table of goals; empty if it has none.
        on_tensors: Its lines in that of ours on PyTorch's tensors.
    """

    title: str
    table: str
    verdict: list[str]
    on_tensors: Sequence[Sequence[str]] = ()


class Bench:
    """A run of the benchmark: what it was asked for, and what the programs said about themselves."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.about: set[str] = set()

    def mnist(self) -> Iterator[Part]:
        """Job 1."""
        title = "1. MNIST, 784-15-9-10, batches of 1000, an epoch of Adam"
        yield self._training(title, lambda folder: training.mnist(folder, (), (15, 9), 1000), 15, Goals(1.5, 0.5))

    def wide(self) -> Iterator[Part]:
        """Job 2."""
        title = "2. MNIST, 784-256-128-10, batches of 128, an epoch of Adam"
        yield self._training(title, lambda folder: training.mnist(folder, (), (256, 128), 128), 9, Goals(1.2))

    def spiral(self) -> Iterator[Part]:
        """Job 3."""
        title = "3. Spiral, 2-100-3, all 300 points, 2000 steps of gradient descent"
        yield self._training(title, training.spiral, 15, Goals(3.0))

    def convnet(self) -> Iterator[Part]:
        """Job 4."""
        title = "4. MNIST, 32 and 64 filters of 3 x 3 with pooling, 128 units, batches of 128, an epoch of Adam"
        yield self._training(title, lambda folder: training.mnist(folder, (32, 64), (128,), 128), 3, Goals(1.2, 0.5))

    def style(self) -> Iterator[Part]:
        """Job 5."""
        asked = self.arguments
        for size in asked.sizes or ([256] if asked.quick else SIZES):
            rounds, memory = SIZES.get(size, (3, None))
            with TemporaryDirectory() as folder:
                style.prepare(Path(folder), asked.content, asked.style, size)
                everyone = (style_sfumato, style_torch, style_tensorflow)
                programs = [own for who in everyone for own in who.programs(Path(folder), asked.threads)]
                title = f"5. Style transfer, loss and gradient at {size} px"
                yield self._contest(title, programs, style.TOLERANCES, rounds, Goals(2.0, memory))

    def pastiche(self) -> Iterator[Part]:
        """Job 6."""
        asked = self.arguments
        size, steps = (128, 20) if asked.quick else (512, asked.steps)
        title = f"6. Style transfer at {size} px until pastiche's objective is what {steps} steps of pastiche reach"
        say(title)
        pictures = asked.content, asked.style
        device, goals = asked.device or "cpu", Goals(2.5)
        yield Part(title, *style_to_loss.compare(*pictures, size, steps, asked.threads, goals, self.about, device))

    def roofline(self) -> Iterator[Part]:
        """The convolutions of job 5 one by one."""
        title = f"Convolutions of VGG19 for a picture of {roofline.EDGE} x {roofline.EDGE}"
        say(title)
        rounds = 1 if self.arguments.quick else self.arguments.rounds or 5
        yield Part(title, roofline.table(self.arguments.threads, rounds, self.about), [])

    def _training(self, title: str, prepare: Callable[[Path], training.Training], rounds: int, goals: Goals) -> Part:
        with TemporaryDirectory() as folder:
            task = prepare(Path(folder))
            everyone = (training_sfumato, training_torch, training_jax, training_keras, training_scikit_learn)
            programs = [own for who in everyone for own in who.programs(task, self.arguments.threads)]
            return self._contest(title, programs, training.TOLERANCES, rounds, goals)

    def _contest(
        self, title: str, programs: list[Program], tolerances: contest.Tolerances, rounds: int, goals: Goals
    ) -> Part:
        say(title)
        asked = self.arguments
        chosen = [
            program
            for program in programs
            if (program.usual or asked.all_settings)
            and (program.library == contest.OURS or not asked.peers or program.library in asked.peers)
            and not (asked.eager and program.kind.startswith("compiled"))
            and (not asked.device or _is_on(program, asked.device))
        ]
        rounds = 1 if asked.quick else asked.rounds or rounds
        rows = contest.hold(chosen, tolerances, rounds, self.about)
        return Part(title, job_table(rows), verdict(title, rows, goals), tensor_verdicts(title, rows))


def _is_on(program: Program, device: str) -> bool:
    """Whether a program computes on a device, such as "cuda"; or is ours on NumPy, whose answers all are held to."""
    numpy = program.library == contest.OURS and program.kind != "torch"
    return numpy or program.device.partition(":")[0] == device


JOBS: dict[str, Callable[[Bench], Iterator[Part]]] = {
    "style": Bench.style,
    "spiral": Bench.spiral,
    "mnist": Bench.mnist,
    "wide": Bench.wide,
    "convnet": Bench.convnet,
    "roofline": Bench.roofline,
    "pastiche": Bench.pastiche,
}
"""What can be asked for, in the order in which it is done."""


def main() -> None:
    """Do the jobs that were asked for, and print each table as it is there; at the end, goals and machine."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__, formatter_class=form)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"any of {', '.join(JOBS)}; all by default")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="for every program; by default all cores")
    parser.add_argument(
        "--rounds", type=int, help="runs of each contestant's fastest setting; by default what the job needs"
    )
    parser.add_argument("--quick", action="store_true", help="one round, and small pictures: whether it works")
    parser.add_argument("--all-settings", action="store_true", help="also those that were never their library's best")
    parser.add_argument("--peers", nargs="+", metavar="LIBRARY", help="such as PyTorch; all by default")
    parser.add_argument("--eager", action="store_true", help="without what PyTorch compiles, which can take minutes")
    parser.add_argument("--device", help="of PyTorch's programs, such as cuda; by default all, and cpu for pastiche")
    parser.add_argument("--sizes", type=int, nargs="+", help="long edges of the pictures of job `style`")
    parser.add_argument("--steps", type=int, default=300, help="of pastiche in job `pastiche`")
    parser.add_argument("--content", type=Path, default=IMAGES / "chelsea.jpg", help="of jobs `style` and `pastiche`")
    parser.add_argument(
        "--style", type=Path, default=IMAGES / "starry_night.jpg", help="of jobs `style` and `pastiche`"
    )
    parser.add_argument("--coretype", help="OPENBLAS_CORETYPE for NumPy's programs, such as Haswell: no AVX-512 there")
    arguments = parser.parse_args()
    unknown = set(arguments.jobs) - set(JOBS)
    if unknown:
        parser.error(f"no job is called {', '.join(sorted(unknown))}: there are {', '.join(JOBS)}")
    if arguments.coretype:  # this process has loaded its own BLAS; those that it starts read it anew
        os.environ["OPENBLAS_CORETYPE"] = arguments.coretype
    bench, verdicts, on_tensors = Bench(arguments), [], list[Sequence[str]]()
    try:
        for name, job in JOBS.items():
            for part in job(bench) if name in arguments.jobs or not arguments.jobs else ():
                print(f"### {part.title}\n\n{part.table}\n", flush=True)
                verdicts += [part.verdict] if part.verdict else []
                on_tensors += part.on_tensors
    finally:  # a job that fails takes nothing of the others with it
        if verdicts:
            print(f"### Goals\n\n{verdict_table(verdicts)}\n")
        if on_tensors:
            print(f"### On PyTorch tensors\n\n{tensor_table(on_tensors)}\n")
        print(f"### Machine\n\n{describe(bench.about, arguments.threads, arguments.coretype)}")


if __name__ == "__main__":
    main()
