"""The defaults of training for each architecture, and for tables, where they were chosen on small ones."""

from typing import NamedTuple


class Defaults(NamedTuple):
    """The defaults of an architecture.

    `batch_size` is the most, and `epochs` the least, that the number of examples leads to; `least_batch` and
    `most_epochs` are the other ends, and `seen` is the number of examples, each counted as often as it comes, that
    training shows the network where the epochs are between. `l2` is the penalty of two classes, `l2_of_many` of more,
    and `l2_of_values` of a regression; `adam_rate` is the first rate of Adam by this schedule.
    """

    hidden: tuple[int, ...]
    dropout: float
    batch_size: int
    epochs: int
    schedule: str
    l2: float = 0.0
    l2_of_many: float = 0.0
    l2_of_values: float = 0.0
    adam_rate: float | None = None
    least_batch: int = 16
    most_epochs: int | None = None
    seen: int = 60_000


ARCHITECTURES = {
    "dense": Defaults(hidden=(15, 9), dropout=0.0, batch_size=1000, epochs=20, schedule="constant"),
    "convnet": Defaults(hidden=(128,), dropout=0.5, batch_size=128, epochs=8, schedule="cosine"),
}
TABLE = Defaults(
    hidden=(100,),
    dropout=0.0,
    batch_size=1000,
    epochs=20,
    schedule="cosine",
    l2=5.0,
    l2_of_many=10.0,
    l2_of_values=40.0,
    adam_rate=0.01,
    least_batch=200,
    most_epochs=200,
    seen=200_000,
)
"""The defaults of dense networks on tables, chosen on small ones (`benchmarks/tables.py`); the penalty fades by itself
where there are many rows. Two classes have one logit z. Two logits, z / 2 and -z / 2, would say the same with half the
penalty on the last layer; so it is twice as strong for more than two classes, which have a logit each."""

PLANE = TABLE._replace(l2=0.5, l2_of_many=0.5, l2_of_values=0.5, least_batch=32)
"""The defaults for at most `FEW_INPUTS` inputs, a curve or shapes in the plane: few directions to overfit along, and
bends that take more steps to learn (the drawn data sets, and sines with noise)."""

LINEAR = TABLE._replace(l2=1.0, l2_of_many=1.0, l2_of_values=2.0, adam_rate=0.1)
"""The defaults without hidden layers: the penalties of scikit-learn's logistic and ridge regression, and a rate that
comes to their minimum."""

FEW_INPUTS = 2
"""Inputs up to which the defaults are those of `PLANE`."""

DENSE, CONVNET = ARCHITECTURES["dense"], ARCHITECTURES["convnet"]
