"""The loss on a plane through theta, and the ways of optimizers over it; and five functions of two variables.

A network's loss is a function of many weights; a plane through the present ones shows a cut of it:

    f(a, b) = J(theta + a u + b v)

with u and v along two chosen weights, or two random directions. In a random direction each parameter's part is scaled
to the length of that parameter (Li et al. 2018 scale each filter's): one unit is then as much for a layer of large
weights as for one of small ones.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.objective import Evaluation, Objective
from sfumato.optimizers import Optimizer
from sfumato.random_keys import Stream, generator

COARSE, FINE = 15, 60
"""Points on a side of the first, quick picture of a surface, and of the last."""

MOST_RACERS = 4
"""Optimizers that race at once, at most: more ways over one map cannot be told apart."""


class Plane(NamedTuple):
    """A plane in the space of theta: the points origin + a u + b v.

    Attributes:
        origin: A point of it, (size,).
        u: The first direction, (size,).
        v: The second, (size,).
        names: What a and b are called.
        reach: How far a and b go from the origin, both ways.
    """

    origin: Array
    u: Array
    v: Array
    names: tuple[str, str]
    reach: float

    def at(self, a: float, b: float) -> Array:
        """The theta of a point."""
        return self.origin + a * self.u + b * self.v

    def project(self, theta: Array) -> tuple[float, float, float]:
        """a and b of the plane's point that is nearest to theta, and theta's distance from it.

        That is least squares: with the two directions as columns of D, (D^T D) (a, b) = D^T (theta - origin).
        """
        directions = np.stack([self.u, self.v], axis=1)
        off = theta - self.origin
        place = np.linalg.solve(directions.T @ directions, directions.T @ off)
        return float(place[0]), float(place[1]), float(np.linalg.norm(off - directions @ place))


def plane_of_weights(theta: Array, first: int, second: int, names: tuple[str, str], reach: float = 3.0) -> Plane:
    """Lay a plane along two weights.

    Args:
        theta: The weights, (size,).
        first: Place of the first in theta.
        second: Place of the second.
        names: What they are called.
        reach: How far the plane goes from where they are.

    Raises:
        InputError: if they are one and the same, or there is no such place.
    """
    if first == second or not (0 <= first < theta.size and 0 <= second < theta.size):
        raise InputError(f"a plane is laid along two different weights of {theta.size}, not {first} and {second}")
    directions = np.zeros((2, theta.size))
    directions[0, first] = directions[1, second] = 1.0
    return Plane(np.array(theta, np.float64), directions[0], directions[1], names, reach)


def random_plane(objective: Objective, theta: Array, seed: int = 0, reach: float = 1.0) -> Plane:
    """Lay a plane along two random directions, each parameter's part as long as that parameter.

    Args:
        objective: Its layout says where in theta parameters are.
        theta: The weights, (size,).
        seed: What the directions are drawn from.
        reach: How far the plane goes, in lengths of the parameters.
    """
    rng, origin = generator(seed, Stream.CHECKING, 2), np.array(theta, np.float64)
    directions = rng.standard_normal((2, theta.size))
    for own in objective.layout:
        part = slice(own.start, own.stop)
        length = np.linalg.norm(origin[part]) or 1.0  # biases that are zero yet
        directions[:, part] *= length / np.linalg.norm(directions[:, part], axis=1, keepdims=True)
    return Plane(origin, directions[0], directions[1], ("first direction", "second direction"), reach)


class Row(NamedTuple):
    """Losses along one row of a grid over the plane.

    Attributes:
        size: Points on a side of the grid.
        number: Which row, from 0 at the smallest b.
        values: The losses, (size,), by growing a.
    """

    size: int
    number: int
    values: Array


def rows(objective: Objective, plane: Plane, sizes: tuple[int, ...] = (COARSE, FINE), first: int = 0) -> Iterator[Row]:
    """Evaluate the loss over the plane, row by row, a coarse grid first and finer ones after it.

    Args:
        objective: Whose loss.
        plane: Where; grids reach from -reach to reach both ways, ends included.
        sizes: Points on a side of each grid.
        first: Row of each grid to begin with.
    """
    for size in sizes:
        steps = np.linspace(-plane.reach, plane.reach, size)
        for number, b in enumerate(steps[first:], first):
            yield Row(size, number, np.array([objective.value(plane.at(a, b)) for a in steps]))


class Way(NamedTuple):
    """The way of one optimizer, seen on the plane.

    Attributes:
        places: a, b and the distance off the plane of each theta, (steps + 1, 3).
        losses: Loss at each, (steps + 1,).
        evaluations: How often the loss and its gradient were computed: more than once a step by a line search.
        diverged: Whether it ended because the loss stopped being a number.
    """

    places: Array
    losses: Array
    evaluations: int
    diverged: bool


class _Counting(Objective):
    """An objective that counts how often it is evaluated."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.count = objective, 0

    def __call__(self, theta: Array) -> Evaluation:
        self.count += 1
        return self.objective(theta)

    def value(self, theta: Array) -> Any:
        return self.objective.value(theta)


def race(
    objective: Objective, plane: Plane, start: Array, optimizers: Mapping[str, tuple[Optimizer[Any], float]], steps: int
) -> dict[str, Way]:
    """Let optimizers start from one theta, and follow each over the plane.

    Args:
        objective: What all minimise, from the first step to the last.
        plane: Where they are seen.
        start: Where they start, (size,).
        optimizers: Each with its learning rate, by name; four at most.
        steps: Steps that each takes, at most.

    Raises:
        InputError: for none, or more than four.
    """
    if not 1 <= len(optimizers) <= MOST_RACERS:
        raise InputError(f"a race is between 1 and {MOST_RACERS} optimizers, not {len(optimizers)}")
    return {name: _run(objective, plane, start, *own, steps) for name, own in optimizers.items()}


def _run(objective: Objective, plane: Plane, start: Array, optimizer: Optimizer[Any], rate: float, steps: int) -> Way:
    counting, theta = _Counting(objective), np.array(start, np.float64)
    state, places = optimizer.init(theta), [plane.project(theta)]
    losses = [float(objective.value(theta))]
    with np.errstate(over="ignore", invalid="ignore"):  # to diverge is an outcome here
        for _ in range(steps):
            theta, state, _ = optimizer.step(counting, theta, state, rate)
            loss = float(objective.value(theta))
            if not np.isfinite(loss):
                return Way(np.array(places), np.array(losses), counting.count, diverged=True)
            places.append(plane.project(theta))
            losses.append(loss)
            if optimizer.converged(state):
                break
    return Way(np.array(places), np.array(losses), counting.count, diverged=False)


class Classic(Objective):
    """A function of two variables that optimizers are tried on.

    Attributes:
        name: Name.
        start: Where races begin.
        lowest: Where it is lowest.
        reach: How far a map of it goes from the origin.
        analytic: Whether `f` also takes complex numbers.
    """

    name: ClassVar[str]
    start: ClassVar[tuple[float, float]]
    lowest: ClassVar[tuple[tuple[float, float], ...]]
    reach: ClassVar[float]
    analytic = True

    def __call__(self, theta: Array) -> Evaluation:
        x, y = theta
        return Evaluation(float(self.f(x, y)), np.array(self.slopes(x, y)))

    def value(self, theta: Array) -> Any:
        return self.f(*theta).item()

    def plane(self) -> Plane:
        """The plane of its two variables, around the origin."""
        return Plane(np.zeros(2), np.array([1.0, 0.0]), np.array([0.0, 1.0]), ("x", "y"), self.reach)

    @abstractmethod
    def f(self, x: Any, y: Any) -> Any:
        """The function."""

    @abstractmethod
    def slopes(self, x: Any, y: Any) -> tuple[Any, Any]:
        """df/dx and df/dy."""


class Ravine(Classic):
    """f = x^2 / 2 + 20 y^2, forty times as steep across as along.

    df/dx = x, df/dy = 40 y. Gradient descent shrinks y by 1 - 40 alpha a step, so it diverges from alpha = 1/20 on.
    """

    name, start, lowest, reach = "ravine", (-2.5, 0.7), ((0.0, 0.0),), 3.0

    def f(self, x: Any, y: Any) -> Any:
        return x**2 / 2 + 20 * y**2

    def slopes(self, x: Any, y: Any) -> tuple[Any, Any]:
        return x, 40 * y


class Rosenbrock(Classic):
    """f = (1 - x)^2 + 100 (y - x^2)^2, a valley along the parabola y = x^2 (Rosenbrock 1960).

    With r = y - x^2: df/dx = -2 (1 - x) - 400 x r, df/dy = 200 r.
    """

    name, start, lowest, reach = "rosenbrock", (-1.2, 1.0), ((1.0, 1.0),), 2.5

    def f(self, x: Any, y: Any) -> Any:
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    def slopes(self, x: Any, y: Any) -> tuple[Any, Any]:
        r = y - x**2
        return -2 * (1 - x) - 400 * x * r, 200 * r


class Beale(Classic):
    """f = sum over k of (c_k - x (1 - y^k))^2, for k = 1, 2, 3 and c = 1.5, 2.25, 2.625 (Beale 1958).

    With r_k = c_k - x (1 - y^k): df/dx = -2 sum_k r_k (1 - y^k), df/dy = 2 sum_k r_k x k y^(k-1).
    """

    name, start, lowest, reach = "beale", (1.0, 1.0), ((3.0, 0.5),), 4.0
    c: ClassVar = ((1, 1.5), (2, 2.25), (3, 2.625))

    def f(self, x: Any, y: Any) -> Any:
        return sum((c - x * (1 - y**k)) ** 2 for k, c in self.c)

    def slopes(self, x: Any, y: Any) -> tuple[Any, Any]:
        r = [(k, c - x * (1 - y**k)) for k, c in self.c]
        return (
            -2 * sum(own * (1 - y**k) for k, own in r),
            2 * sum(own * x * k * y ** (k - 1) for k, own in r),
        )


class Saddle(Classic):
    """f = x^2 / 2 - y^2 / 2 + y^4 / 8: a saddle at the origin, between two minima at y = +-sqrt(2).

    df/dx = x, df/dy = -y + y^3 / 2, which is zero at y = 0 and where y^2 = 2.
    """

    name, start, lowest, reach = "saddle", (-2.0, 0.001), ((0.0, 2**0.5), (0.0, -(2**0.5))), 3.0

    def f(self, x: Any, y: Any) -> Any:
        return x**2 / 2 - y**2 / 2 + y**4 / 8

    def slopes(self, x: Any, y: Any) -> tuple[Any, Any]:
        return x, -y + y**3 / 2


class Rastrigin(Classic):
    """f = 20 + x^2 + y^2 - 10 (cos 2 pi x + cos 2 pi y), a bowl full of dents (Rastrigin 1974).

    df/dx = 2 x + 20 pi sin 2 pi x, and likewise for y.
    """

    name, start, lowest, reach = "rastrigin", (2.2, -1.7), ((0.0, 0.0),), 3.0

    def f(self, x: Any, y: Any) -> Any:
        return 20 + x**2 + y**2 - 10 * (np.cos(2 * np.pi * x) + np.cos(2 * np.pi * y))

    def slopes(self, x: Any, y: Any) -> tuple[Any, Any]:
        return 2 * x + 20 * np.pi * np.sin(2 * np.pi * x), 2 * y + 20 * np.pi * np.sin(2 * np.pi * y)


CLASSICS: dict[str, type[Classic]] = {kind.name: kind for kind in (Ravine, Rosenbrock, Beale, Saddle, Rastrigin)}
"""The functions of two variables by name."""
