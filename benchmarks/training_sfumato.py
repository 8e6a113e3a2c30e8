"""Ours in jobs 1 to 4."""

import numpy as np

from benchmarks.contest import OURS, Program
from benchmarks.libraries import torch_devices, use_blas, use_torch
from benchmarks.training import PIXEL, STEPS, Training, make_network
from benchmarks.workers import Array
from sfumato import Adam, CategoricalCrossEntropy, FitResult, GradientDescent, RunOptions, fit
from sfumato.data import Examples, Scaling
from sfumato.engine import has_numba


def programs(training: Training, threads: int) -> list[Program]:
    """By compiled loops, which `fit` chooses for long trainings; by NumPy; and on tensors, wherever they can be."""
    on_arrays = [
        Program(OURS, f"fit, {engine}", SfumatoTraining, (training, threads, engine), kind=engine)
        for engine in (["numba"] if has_numba() else []) + ["numpy"]
    ]
    on_tensors = [
        Program(
            OURS,
            f"torch, {device}",
            SfumatoTraining,
            (training, threads, f"torch:{device}"),
            kind="torch",
            device=device,
        )
        for device in torch_devices()
    ]
    return [*on_arrays, *on_tensors]


class SfumatoTraining:
    """Ours: `fit`, whole, with everything that it checks and reports.

    Args:
        training: What to train.
        threads: Number of threads.
        engine: What computes: "numba", "numpy" or "torch:cpu".
    """

    def __init__(self, training: Training, threads: int, engine: str) -> None:
        self.about = use_blas(threads)
        if engine.startswith("torch"):
            self.about = use_torch(threads)
        self.engine = engine
        self.training = training
        self.x, self.y = training.data()
        self.network = make_network(training, self.x.shape[1:])

    def run(self) -> None:
        """All epochs."""
        self._fit(self.x, self.y, self.training.batch, self.training.epochs)

    def answer(self) -> dict[str, Array]:
        """Losses and weights of a few steps."""
        result = self._fit(*self.training.few(), None, STEPS)
        weights = [value for own in self.network.parameters(result.theta) for value in own]
        return self.training.answer([record.train_loss for record in result.history], weights)

    def _fit(self, x: Array, y: Array, batch: int | None, epochs: int) -> FitResult:
        return fit(
            self.network,
            CategoricalCrossEntropy(),
            Examples(x, y),
            scaling=Scaling(np.zeros(()), np.array(PIXEL)) if x.dtype == np.uint8 else None,
            optimizer=Adam() if self.training.adam else GradientDescent(),
            learning_rate=self.training.rate,
            batch_size=batch or "full",
            epochs=epochs,
            run=RunOptions(engine=self.engine),
        )
