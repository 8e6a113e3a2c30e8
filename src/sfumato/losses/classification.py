"""Cross-entropies, fused with the activation of the output layer.

Fused: the losses take logits Z, not probabilities. Written apart, sigmoid or softmax followed by a logarithm overflows
or meets log(0); together the two derivatives collapse to "prediction minus truth".
"""

from dataclasses import dataclass
from typing import ClassVar

from sfumato.arrays import Array, cast, namespace, scaled_rows, weighted_total
from sfumato.errors import InputError
from sfumato.kernels.ops import ops
from sfumato.layers.sigmoid import sigmoid
from sfumato.layers.softmax import softmax
from sfumato.losses.base import Loss, Pullback, Sums
from sfumato.losses.values import MeanSquaredError


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Two classes, one logit: the cross-entropy of a sigmoid.

    With p = sigmoid(z) and y of 0 or 1, one example's loss is -y log p - (1 - y) log(1 - p). Since
    log p = z - softplus(z) and log(1 - p) = -softplus(z), with softplus(z) = log(1 + e^z):

        loss = softplus(z) - y z,    dloss/dz = p - y

    Shapes: z (n, 1), y (n,).
    """

    def check(self, y: Array, outputs: int) -> None:
        _check_single(y)
        if outputs != 1:
            raise InputError(f"binary cross-entropy takes networks of one output, not {outputs}")
        if not ((y == 0) | (y == 1)).all():
            raise InputError(f"binary cross-entropy takes the classes 0 and 1; found {y.min()} to {y.max()}")

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        xp, logit = namespace(z), z[:, 0]
        positive = logit.real > 0
        # log(1 + e^z) = max(z, 0) + log(1 + e^-|z|): no exponential above one
        softplus = xp.where(positive, logit, 0) + xp.log1p(xp.exp(xp.where(positive, -logit, logit)))
        sums = Sums(weighted_total(softplus - y * logit, weight), int(xp.count_nonzero(positive == y)), len(y))

        def pullback(dsum: float) -> Array:
            return scaled_rows(sigmoid(z) - cast(y[:, None], z.dtype), dsum, weight)

        return sums, pullback

    def predict(self, z: Array) -> Array:
        p: Array = namespace(z).concat([sigmoid(-z), sigmoid(z)], axis=1)
        return p


@dataclass(frozen=True)
class CategoricalCrossEntropy(Loss):
    """Several classes, a logit each: the cross-entropy of a softmax.

    With S = softmax(z) and c the true class, one example's loss is -log S_c = log(sum_k e^z_k) - z_c. The logarithm's
    derivative is softmax, so

        dloss/dz_i = S_i - [i = c]

    which is what the Jacobian of softmax times the derivative of the logarithm comes to. Exponentials are taken of
    z - max(z), as in softmax itself.

    Shapes: z (n, classes), y (n,) class numbers from 0.
    """

    def check(self, y: Array, outputs: int) -> None:
        _check_single(y)
        if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= outputs:
            raise InputError(
                f"with {outputs} outputs the classes are the integers 0 to {outputs - 1}; "
                f"found {y.min()} to {y.max()} ({y.dtype})"
            )

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        loss, correct, pullback = ops().softmax_cross_entropy(z, y, weight)
        return Sums(loss, correct, len(y)), pullback

    def predict(self, z: Array) -> Array:
        return softmax(z)


@dataclass(frozen=True)
class MultilabelCrossEntropy(Loss):
    """Several labels, each of which an example has or has not: the cross-entropies of a sigmoid for each, added up.

    What is said of `BinaryCrossEntropy` holds for each of the k logits:

        loss = sum_j softplus(z_j) - y_j z_j,    dloss/dz_j = p_j - y_j

    An example counts as correct where all of its labels are. Shapes: z (n, k), y (n, k) of zeros and ones.
    """

    multilabel: ClassVar[bool] = True

    def check(self, y: Array, outputs: int) -> None:
        if y.ndim != 2 or y.shape[1] != outputs or not ((y == 0) | (y == 1)).all():
            raise InputError(f"several labels an example are zeros and ones of shape (n, {outputs}), not {y.shape}")

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        xp, positive = namespace(z), z.real > 0
        softplus = xp.where(positive, z, 0) + xp.log1p(xp.exp(xp.where(positive, -z, z)))
        right = int(xp.count_nonzero((positive == y).all(axis=1)))
        sums = Sums(weighted_total((softplus - y * z).sum(axis=1), weight), right, len(y))

        def pullback(dsum: float) -> Array:
            return scaled_rows(sigmoid(z) - cast(y, z.dtype), dsum, weight)

        return sums, pullback

    def predict(self, z: Array) -> Array:
        return sigmoid(z)


def _check_single(y: Array) -> None:
    if y.ndim != 1:
        raise InputError(f"the truth must be one class an example, of shape ({len(y)},), not {y.shape}")


def default_loss(classes: int, several: int = 0) -> tuple[Loss, int]:
    """Choose the loss for a number of classes (0 for regression), and the number of outputs that it takes.

    Two classes need one logit and a sigmoid, more a logit each and softmax, as in the reference. Where an example has
    several labels or values, `several` is their number, and each has an output.
    """
    if several:
        return (MultilabelCrossEntropy() if classes else MeanSquaredError()), several
    if classes == 0:
        return MeanSquaredError(), 1
    return (BinaryCrossEntropy(), 1) if classes == 2 else (CategoricalCrossEntropy(), classes)
