"""L-BFGS: a quasi-Newton method with the pairs of the last few steps and a line search (Nocedal and Wright 2006).

Newton steps along -H^-1 g, with H the matrix of second derivatives. BFGS builds H^-1 from what each step showed: moving
by s changed the gradient by y, so H^-1 y = s. L-BFGS keeps the last few pairs (s, y) only, and multiplies H^-1 with g
straight from them (the two-loop recursion, algorithm 7.4):

    q = -g
    from the newest pair to the oldest:   a_i = s_i q / s_i y_i,    q = q - a_i y_i
    q = c q,                              c = s y / y y of the newest pair, the scale of H^-1 that it suggests
    from the oldest pair to the newest:   b_i = y_i q / s_i y_i,    q = q + (a_i - b_i) s_i

At every moment q is a combination of g, the y and the s. So the loops need no vectors, only the products among them
(the a_i and b_i follow from s_i g, y_i g, s_i y_j and y_i y_j), and then one combination at the end:

    s_i q = -s_i g - sum_(j newer) a_j s_i y_j
    y_i q = -c (y_i g + sum_j a_j y_i y_j) + sum_(j older) (a_j - b_j) s_j y_i
    q     = -c g - c sum_j a_j y_j + sum_j (a_j - b_j) s_j

With the s and the y as rows of two matrices S and Y, a step takes the products S g and Y g and that combination, each
in one pass over the memory of all pairs; and of the products among pairs a new one brings S y and Y y.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from sfumato.arrays import Array, namespace, total, zeros
from sfumato.errors import InputError
from sfumato.kernels.ops import ops
from sfumato.objective import Evaluation, Objective
from sfumato.optimizers.base import Optimizer


class Curvature(NamedTuple):
    """State of L-BFGS: the pairs of the last few steps, and the evaluation at theta.

    Attributes:
        s: The last steps, (history, size); row `pairs % history` is overwritten next.
        y: The change of the gradient by each of these steps, (history, size).
        pairs: Number of pairs stored since the start.
        converged: Whether the last step found no lower point to go to.
        here: The evaluation at the current theta, if known; a checkpoint leaves it out, as it can be had again.
        products: Products of the pairs, if known; a checkpoint leaves them out too.
    """

    s: Array
    y: Array
    pairs: int
    converged: bool
    here: Evaluation | None = None
    products: "_Products | None" = None


class _Products(NamedTuple):
    """Products of the stored pairs in float64, (history, history): s_i y_j, for j no older than i, and y_i y_j."""

    sy: Array
    yy: Array

    def add(self, state: "Curvature", row: int) -> None:
        """Fill in those of the pair in this row with all pairs."""
        y = state.y[row]
        self.sy[:, row] = ops().stacked_products(state.s, y)
        self.yy[:, row] = self.yy[row] = ops().stacked_products(state.y, y)


class _Trial(NamedTuple):
    """A trial point of the line search: its step length, with the loss and its slope there, and the full evaluation."""

    alpha: float
    loss: float
    slope: float
    evaluation: Evaluation


@dataclass(frozen=True)
class LBFGS(Optimizer[Curvature]):
    """Limited-memory BFGS with a line search for the strong Wolfe conditions (algorithms 7.5, 3.5 and 3.6).

    It needs the same objective at every step, so the full batch. It can stop and resume bit for bit: its state is all
    that it remembers.

    Args:
        history: Number of pairs kept; 10 is the usual choice between 3 and 20.
        sufficient_decrease: c1: the loss must fall by this share of what the slope promises.
        curvature: c2: the slope must flatten to this share of what it was.
        max_evaluations: Evaluations that one line search may take.
    """

    history: int = 10
    sufficient_decrease: float = 1e-4
    curvature: float = 0.9
    max_evaluations: int = 25

    State = Curvature
    learning_rate = 1.0
    full_batch = True

    def __post_init__(self) -> None:
        if self.history < 1:
            raise InputError(f"L-BFGS must keep at least one pair, not {self.history}")
        if not 0 < self.sufficient_decrease < self.curvature < 1:
            raise InputError(
                "the line search needs 0 < sufficient decrease < curvature < 1, "
                f"not {self.sufficient_decrease} and {self.curvature}"
            )
        if self.max_evaluations < 1:
            raise InputError(f"a line search needs at least one evaluation, not {self.max_evaluations}")
        object.__setattr__(self, "vectors", 2 * self.history)

    def __str__(self) -> str:
        return "L-BFGS"

    def init(self, theta: Array) -> Curvature:
        shape = (self.history, len(theta))
        return Curvature(zeros(shape, theta), zeros(shape, theta), 0, converged=False)

    def step(
        self, objective: Objective, theta: Array, state: Curvature, learning_rate: float
    ) -> tuple[Array, Curvature, Evaluation]:
        """Take one step; `learning_rate` is the first length tried, in units of the quasi-Newton step: 1 is right."""
        here = state.here or objective(theta)
        products = state.products or self._products(state)
        direction = self._direction(here.gradient, state, products)
        if not state.pairs:  # nothing known of the curvature yet: begin with a step of length one at most
            learning_rate *= min(1.0, 1.0 / max(total(abs(here.gradient)), _limits(theta).tiny))
        found = self._search(objective, theta, direction, here, learning_rate)
        if found is None or found.loss >= here.loss:  # the memory may mislead: forget it, and go straight downhill next
            return theta, state._replace(pairs=0, converged=not state.pairs, here=here, products=products), here
        s, y = found.alpha * direction, found.evaluation.gradient - here.gradient
        theta = theta + s
        pairs = state.pairs
        # else the pair says nothing of a minimum; relative to both lengths, so that the loss's scale does not matter
        if float(s @ y) > _limits(theta).eps * np.sqrt(float(s @ s)) * np.sqrt(float(y @ y)):
            row = pairs % self.history
            state.s[row], state.y[row] = s, y
            products.add(state, row)
            pairs += 1
        return theta, Curvature(state.s, state.y, pairs, False, found.evaluation, products), here

    def converged(self, state: Curvature) -> bool:
        return state.converged

    def painting_rate(self, state: Curvature, learning_rate: float, size: int) -> float:
        """Learning rate of a step: 1 but for the first, whose direction, the gradient, is not scaled by pairs yet."""
        return 1.0 if state.pairs else learning_rate * size

    def remembering(self, steps: int) -> "LBFGS":
        return replace(self, history=min(self.history, steps))

    def unpack(self, vectors: Mapping[str, Array], numbers: Mapping[str, Any]) -> Curvature:
        """Rebuild the state; raises ValueError for pairs that no steps have left: along each the slope has risen."""
        state = super().unpack(vectors, numbers)
        if not all(float(state.s[i] @ state.y[i]) > 0 for i in range(min(state.pairs, self.history))):
            raise ValueError("its pairs are of no steps downhill")
        return state

    def _oldest_first(self, state: Curvature) -> list[int]:
        """Rows of the stored pairs."""
        count = min(state.pairs, self.history)
        return [(state.pairs - count + k) % self.history for k in range(count)]

    def _products(self, state: Curvature) -> _Products:
        """Products of all stored pairs, computed as `step` does pair by pair, and so the same to the last bit."""
        products = _Products(*np.zeros((2, self.history, self.history)))
        for row in self._oldest_first(state):
            products.add(state, row)
        return products

    def _direction(self, gradient: Array, state: Curvature, products: _Products) -> Array:
        """-H^-1 g from the stored pairs, as derived above."""
        if not state.pairs:
            return -gradient
        sy, yy = products
        sg, yg = (ops().stacked_products(pairs, gradient) for pairs in (state.s, state.y))
        oldest_first = self._oldest_first(state)
        a, changes = np.zeros(self.history), np.zeros(self.history)  # of the two loops; changes are a - b
        for i in reversed(oldest_first):
            a[i] = -(sg[i] + sy[i] @ a) / sy[i, i]  # of a only the newer ones are there yet
        newest = oldest_first[-1]
        c = float(sy[newest, newest] / yy[newest, newest])  # so that q keeps the precision of g
        for i in oldest_first:
            b = (sy[:, i] @ changes - c * (yg[i] + yy[i] @ a)) / sy[i, i]  # of the changes only the older ones
            changes[i] = a[i] - b
        direction: Array = -c * gradient
        ops().add_combination(-c * a, state.y, direction)
        ops().add_combination(changes, state.s, direction)
        return direction

    def _search(
        self, objective: Objective, theta: Array, direction: Array, here: Evaluation, first: float
    ) -> _Trial | None:
        """Find a step length that meets the strong Wolfe conditions, or at least lowers the loss; None if none does."""
        start = _Trial(0.0, here.loss, float(here.gradient @ direction), here)
        if not start.slope < 0:
            return None
        best: _Trial | None = None
        low, high = start, None  # the interval in which a good length lies, once `high` is known
        alpha = first
        for _ in range(self.max_evaluations):
            evaluation = objective(theta + alpha * direction)
            trial = _Trial(alpha, evaluation.loss, float(evaluation.gradient @ direction), evaluation)
            fell = trial.loss <= start.loss + self.sufficient_decrease * alpha * start.slope
            if fell and abs(trial.slope) <= -self.curvature * start.slope:
                return trial
            if fell and (best is None or trial.loss < best.loss):
                best = trial
            if not fell or (low.alpha > 0 and trial.loss >= low.loss) or not np.isfinite(trial.loss):
                high = trial
            elif trial.slope * ((high.alpha if high else np.inf) - low.alpha) >= 0:
                low, high = trial, low
            else:
                low = trial
            if high is None:
                alpha *= 2.0
            else:
                alpha = _between(low, high)
                if abs(high.alpha - low.alpha) <= _limits(theta).eps * max(low.alpha, high.alpha):
                    break
        return best


def _limits(theta: Array) -> Any:
    """Spacing of numbers in theta's precision (`eps`), and the least normal one (`tiny`)."""
    return namespace(theta).finfo(theta.dtype)


def _between(low: _Trial, high: _Trial) -> float:
    """Next step length to try in an interval: the minimum of the cubic through both ends, kept off the ends."""
    width = high.alpha - low.alpha
    middle = low.alpha + 0.5 * width
    if not np.isfinite(high.loss) or not np.isfinite(high.slope):
        return low.alpha + 0.1 * width
    d1 = low.slope + high.slope - 3.0 * (high.loss - low.loss) / width
    square = d1 * d1 - low.slope * high.slope
    if square < 0:
        return middle
    d2 = np.copysign(np.sqrt(square), width)
    denominator = high.slope - low.slope + 2.0 * d2
    if denominator == 0:
        return middle
    alpha = float(high.alpha - width * (high.slope + d2 - d1) / denominator)
    inner, outer = sorted((low.alpha + 0.1 * width, high.alpha - 0.1 * width))
    return alpha if inner <= alpha <= outer else middle
