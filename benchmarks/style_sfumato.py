"""Ours in job 5."""

import contextlib
import itertools
from pathlib import Path

import numpy as np

from benchmarks.contest import OURS, Program
from benchmarks.libraries import torch_devices, use_blas, use_torch
from benchmarks.style import settings
from benchmarks.workers import Array
from sfumato.arrays import to_numpy
from sfumato.engine import Engine, choose_engine, has_numba
from sfumato.style import StyleProblem
from sfumato.style.tiles.memory import PREPARED_PIXELS, make_plan


def programs(folder: Path, threads: int) -> list[Program]:
    """With NumPy, by compiled loops, and on PyTorch's tensors wherever they can be, in 32 and in 16 bits."""
    return [
        *(
            [
                Program(
                    OURS, "StyleProblem, numba", SfumatoStyle, (folder, threads, None, "float32", "numba"), kind="numba"
                )
            ]
            if has_numba()
            else []
        ),
        Program(OURS, "StyleProblem, numpy", SfumatoStyle, (folder, threads), kind="numpy"),
        *(
            Program(
                OURS,
                f"torch {precision}{'' if device == 'cpu' else f', {device}'}",
                SfumatoStyle,
                (folder, threads, device, precision),
                kind="torch",
                precision=precision,
                device=device,
            )
            for device, precision in itertools.product(torch_devices(), ("float32", "bfloat16"))
        ),
    ]


class SfumatoStyle:
    """Ours: the objective that `StyleTransfer` minimises, in the context in which it does.

    Args:
        folder: Where pictures and weights lie.
        threads: Number of threads.
        device: Of PyTorch's tensors; None for NumPy's arrays.
        precision: Of the network.
        backend: Of NumPy's arrays: "numpy" or "numba".
    """

    def __init__(
        self,
        folder: Path,
        threads: int,
        device: str | None = None,
        precision: str = "float32",
        backend: str = "numpy",
    ) -> None:
        self.about = use_blas(threads)
        engine = Engine(backend)
        if device is not None:
            self.about = use_torch(threads)
            engine = choose_engine("torch", device, precision)  # before BLAS's threads go to the kernels
        self.stack = contextlib.ExitStack()
        on_arrays = not engine.on_tensors
        self.stack.enter_context(engine.computing())  # until the process ends
        pictures = np.load(folder / "pictures.npz")
        problem = StyleProblem(settings(), pictures["content"], pictures["style"], engine=engine)
        self.x = engine.master.put(pictures["x"].ravel())
        height, width = pictures["content"].shape[:2]
        plan = make_plan(problem, height, width)
        self.stack.enter_context(engine.computing(keep_memory=on_arrays or height * width <= PREPARED_PIXELS))
        self.objective = problem.objective(height, width, tile=plan.tile, prepared=plan.prepared)

    def run(self) -> None:
        """Loss and gradient, once."""
        to_numpy(self.objective(self.x).gradient[:1])  # a GPU is not done before

    def answer(self) -> dict[str, Array]:
        """Loss and gradient."""
        evaluation = self.objective(self.x)
        return {"loss": np.array(evaluation.loss), "gradient": to_numpy(evaluation.gradient)}
