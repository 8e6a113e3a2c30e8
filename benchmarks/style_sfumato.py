"""Ours in job 5."""

import contextlib
from pathlib import Path

import numpy as np

from benchmarks.contest import OURS, Program
from benchmarks.libraries import use_blas
from benchmarks.style import settings
from benchmarks.workers import Array
from sfumato.kernels.threads import parallel_kernels
from sfumato.style import StyleProblem
from sfumato.style.memory import make_plan


def programs(folder: Path, threads: int) -> list[Program]:
    """Ours has one way."""
    return [Program(OURS, "StyleProblem", SfumatoStyle, (folder, threads))]


class SfumatoStyle:
    """Ours: the objective that `StyleTransfer` minimises, in the context in which it does."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.about = use_blas(threads)
        self.stack = contextlib.ExitStack()
        self.stack.enter_context(parallel_kernels())  # until the process ends
        pictures = np.load(folder / "pictures.npz")
        problem = StyleProblem(settings(), pictures["content"], pictures["style"])
        self.x = pictures["x"].ravel()
        height, width = pictures["content"].shape[:2]
        plan = make_plan(problem, height, width)
        self.objective = problem.objective(height, width, tile=plan.tile, prepared=plan.prepared)

    def run(self) -> None:
        """Loss and gradient, once."""
        self.objective(self.x)

    def answer(self) -> dict[str, Array]:
        """Loss and gradient."""
        evaluation = self.objective(self.x)
        return {"loss": np.array(evaluation.loss), "gradient": evaluation.gradient}
