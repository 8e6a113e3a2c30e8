"""JAX's part in jobs 1 to 3: gradient and update in one compiled function, a whole epoch of steps inside of it."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.contest import Program
from benchmarks.libraries import use_jax
from benchmarks.training import PIXEL, STEPS, Training
from benchmarks.workers import Array


def programs(training: Training, threads: int) -> list[Program]:
    """A compiled step, and a compiled epoch, which JAX's documentation advises; no convolutions."""
    if training.filters:
        return []
    return [
        Program("JAX", f"jit, {unit} in one call", JaxTraining, (training, threads, unit)) for unit in ("epoch", "step")
    ]


class JaxTraining:
    """The usual functional loop, on data that are in memory, with the memory of weights and moments donated.

    Args:
        training: What to train.
        threads: Number of threads, of those that JAX may run on.
        unit: "epoch" for all steps of one in `lax.scan`, or of all epochs where each has one step; or "step".
    """

    def __init__(self, training: Training, threads: int, unit: str) -> None:
        self.about = use_jax(threads)
        import jax

        self.jax, self.training, self.unit = jax, training, unit
        self.x, self.y = self._arrays(*training.data())
        self.step = functools.partial(_step, training.adam, training.rate)
        self.state = self._first()
        self.one = jax.jit(self.step, donate_argnums=0)
        self.many = jax.jit(self._many, donate_argnums=0)

    def run(self) -> None:
        """All epochs."""
        batch, state, size = self.training.batch, self._first(), len(self.y)
        if batch is None:
            rows = np.zeros((self.training.epochs, 0), np.int32)
        else:
            rows = np.random.default_rng(0).permutation(size).astype(np.int32)
        if self.unit == "step":
            count = self.training.epochs if batch is None else -(-size // batch)
            for number in range(count):
                x, y = (self.x, self.y) if batch is None else self._taken(rows[number * batch : (number + 1) * batch])
                state, _ = self.one(state, x, y)
        elif batch is None:
            state, _ = self.many(state, self.x, self.y, rows)
        else:
            whole = size // batch * batch
            state, _ = self.many(state, self.x, self.y, rows[:whole].reshape(-1, batch))
            if whole < size:
                state, _ = self.one(state, *self._taken(rows[whole:]))
        self.jax.block_until_ready(state)

    def answer(self) -> dict[str, Array]:
        """Losses and weights of a few steps."""
        x, y = self._arrays(*self.training.few())
        state, losses = self._first(), []
        for _ in range(STEPS):
            state, loss = self.one(state, x, y)
            losses.append(float(loss))
        return self.training.answer(losses, [np.asarray(weight) for weight in state[0]])

    def _first(self) -> Any:
        """First weights, moments and number of the step."""
        numpy = self.jax.numpy
        weights = [numpy.array(weight) for weight in self.training.weights()]
        v, s = ([numpy.zeros_like(weight) for weight in weights] for _ in range(2))
        return weights, v, s, numpy.zeros((), numpy.float32)

    def _arrays(self, x: Array, y: Array) -> tuple[Any, Any]:
        return self.jax.numpy.array(x), self.jax.numpy.array(y.astype(np.int32))

    def _taken(self, rows: Array) -> tuple[Any, Any]:
        return self.x[rows], self.y[rows]

    def _many(self, state: Any, x: Any, y: Any, rows: Any) -> Any:
        """A step for each row of numbers; on all examples where the rows are empty."""

        def on_rows(state: Any, some: Any) -> Any:
            return self.step(state, x[some], y[some]) if rows.shape[1] else self.step(state, x, y)

        return self.jax.lax.scan(on_rows, state, rows)


def _loss(weights: list[Any], x: Any, y: Any) -> Any:
    """Mean cross-entropy of the network, whose pixels are bytes until here."""
    import jax

    a = x.astype(np.float32) * PIXEL if x.dtype == np.uint8 else x
    for number in range(0, len(weights), 2):
        z = a @ weights[number] + weights[number + 1]
        a = jax.nn.relu(z)
    return -jax.numpy.mean(jax.numpy.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1))


def _step(adam: bool, rate: float, state: Any, x: Any, y: Any) -> Any:
    """The state after a step of Adam or gradient descent, and the loss before."""
    import jax

    weights, v, s, t = state
    loss, gradients = jax.value_and_grad(_loss)(weights, x, y)
    each: Callable[..., Any] = jax.tree.map
    if not adam:
        return (each(lambda w, g: w - rate * g, weights, gradients), v, s, t), loss
    t = t + 1
    v = each(lambda v, g: 0.9 * v + 0.1 * g, v, gradients)
    s = each(lambda s, g: 0.999 * s + 0.001 * g * g, s, gradients)
    ratio, correction = rate / (1 - 0.9**t), (1 - 0.999**t) ** -0.5
    weights = each(lambda w, v, s: w - ratio * v / (correction * jax.numpy.sqrt(s) + 1e-8), weights, v, s)
    return (weights, v, s, t), loss
