"""Parts of a data set: subsets, random choices, and held-out examples."""

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.errors import InputError
from sfumato.random_keys import Draw, Stream, generator


def subset(examples: Examples, indices: Array) -> Examples:
    """The rows at `indices` (integers or a mask), in that order."""
    x, y, weight = examples
    return Examples(x[indices], y[indices], None if weight is None else weight[indices])


def joined(one: Examples, other: Examples) -> Examples:
    """The rows of both."""
    weights = one.sample_weight, other.sample_weight
    both = None if weights[0] is None or weights[1] is None else np.concatenate([weights[0], weights[1]])
    return Examples(np.concatenate([one.x, other.x]), np.concatenate([one.y, other.y]), both)


def limit(examples: Examples, n: int, seed: int) -> Examples:
    """A random choice of `n` rows without replacement, in their original order; all rows where there are no more.

    Raises:
        InputError: `n` is below 1.
    """
    if n < 1:
        raise InputError(f"cannot keep {n} examples; keep at least 1")
    rows = len(examples.y)
    if n >= rows:
        return examples
    chosen = generator(seed, Stream.DATA, Draw.LIMIT).permutation(rows)[:n]
    return subset(examples, np.sort(chosen))


def split(examples: Examples, fraction: float, seed: int, *, stratify: bool) -> tuple[Examples, Examples | None]:
    """Hold out a random part of the rows; both parts keep the original order.

    Args:
        examples: The rows to divide.
        fraction: Part to hold out, at least 0 and below 1; rounded to whole rows. 0 holds out nothing.
        seed: Seed of the choice: the same seed holds out the same rows.
        stratify: Hold out of every class its share, to within one row. Where a class has a single member, or a
            part has fewer rows than there are classes, the choice is a plain one all the same.

    Returns:
        The rest, and what is held out (None for fraction 0).

    Raises:
        InputError: The fraction is out of range, or one part would be empty.
    """
    rows = len(examples.y)
    if not 0 <= fraction < 1:
        raise InputError(f"cannot hold out the fraction {fraction}; give one that is at least 0 and below 1")
    if fraction == 0:
        return examples, None
    size = round(rows * fraction)
    if size in (0, rows):
        raise InputError(
            f"cannot hold out the fraction {fraction} of {rows} examples: one part would be empty; "
            "choose another fraction, or give more examples"
        )
    random = generator(seed, Stream.DATA, Draw.SPLIT)
    order = random.permutation(rows)
    if stratify and examples.y.ndim == 1 and _can_stratify(examples.y, size):
        # Classes side by side, each in random order: rows at even distances take its share of every one.
        order = order[np.argsort(examples.y[order], kind="stable")]
        steps = (np.arange(rows + 1) * size + random.integers(rows)) // rows
        chosen = order[np.diff(steps) == 1]
    else:
        chosen = order[:size]
    held_out = np.zeros(rows, dtype=bool)
    held_out[chosen] = True
    return subset(examples, ~held_out), subset(examples, held_out)


def _can_stratify(y: Array, size: int) -> bool:
    counts = np.unique(y, return_counts=True)[1]
    return bool(counts.min() >= 2 and len(counts) <= min(size, len(y) - size))
