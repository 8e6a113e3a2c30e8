"""scikit-learn's part in jobs 1 to 3."""

import itertools
import warnings

import numpy as np

from benchmarks.contest import Program
from benchmarks.libraries import use_blas
from benchmarks.training import PIXEL, STEPS, Training
from benchmarks.workers import Array


def programs(training: Training, threads: int) -> list[Program]:
    """It has one way, and no convolutions."""
    task = (training, threads)
    return [] if training.filters else [Program("scikit-learn", "MLPClassifier", ScikitLearnTraining, task)]


class ScikitLearnTraining:
    """`MLPClassifier.fit` on float32 data, going on from where it is (`warm_start`)."""

    def __init__(self, training: Training, threads: int) -> None:
        import sklearn
        from sklearn.neural_network import MLPClassifier

        self.about = f"scikit-learn {sklearn.__version__} on {use_blas(threads)}"
        self.training = training
        x, self.y = training.data()
        self.x = np.multiply(x, PIXEL, dtype=np.float32) if x.dtype == np.uint8 else x
        self.network = MLPClassifier(
            training.hidden,
            solver="adam" if training.adam else "sgd",
            alpha=0.0,
            momentum=0.0,
            learning_rate_init=training.rate,
            batch_size=training.batch or len(self.y),
            shuffle=training.batch is not None,
            max_iter=training.epochs,
            tol=0.0,
            n_iter_no_change=training.epochs,
            warm_start=True,
        )

    def run(self) -> None:
        """All epochs."""
        self._fit(self.x, self.y)

    def answer(self) -> dict[str, Array]:
        """Losses and weights of a few steps."""
        size = len(self.training.few()[1])
        x, y = self.x[:size], self.y[:size]
        settings = self.network.get_params()
        self.network.set_params(max_iter=1)
        self._fit(x, y)  # which lays out the network
        weights = self.training.weights()
        self.network.coefs_, self.network.intercepts_ = weights[::2], weights[1::2]
        self.network.set_params(max_iter=STEPS, n_iter_no_change=STEPS)
        self._fit(x, y)
        self.network.set_params(**settings)
        moved = itertools.chain.from_iterable(zip(self.network.coefs_, self.network.intercepts_, strict=True))
        return self.training.answer(self.network.loss_curve_[-STEPS:], list(moved))

    def _fit(self, x: Array, y: Array) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it has not converged, which is not asked of it
            self.network.fit(x, y)
