"""Part 8 of the reference: the bug that its gradient check found, for you to find too.

    sfumato check --objective examples/part8_bug.py:summed     # wrong, and it says where
    sfumato check --objective examples/part8_bug.py:averaged   # after mending

The network is the reference's, 2-3-3 with softmax on the spiral. Its first version divided dW by the number of examples
but not db. Here the loss divides, once, so the bug is a factor on db.
"""

from pathlib import Path

import numpy as np

from sfumato import CategoricalCrossEntropy, Dense, Network, NetworkObjective, Normal, ReLU
from sfumato.arrays import Array
from sfumato.layers import Affine, Needs
from sfumato.layers.base import Backward

SPIRAL = Path(__file__).parent / "data" / "spiral.csv"


class SummedDense(Dense):
    """A dense layer whose db is the sum over the examples where it should be their mean."""

    def forward(
        self, params: Affine[Array], x: Array, needs: Needs, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward[Affine[Array]]]:
        z, right = super().forward(params, x, needs, rng)

        def backward(dz: Array, grads: Affine[Array]) -> Array | None:
            dx = right(dz, grads)
            if needs.weights:
                grads.b[...] *= len(x)
            return dx

        return z, backward


class Part8(NetworkObjective):
    """The mean cross-entropy of 2-3-3 on the spiral, at first weights of scale 0.01 as in the reference."""

    def __init__(self, output: Dense) -> None:
        rows = np.loadtxt(SPIRAL, delimiter=",")
        network = Network([Dense(3, Normal(0.01)), ReLU(), output], 2)
        super().__init__(network, CategoricalCrossEntropy(), rows[:, :2], rows[:, 2].astype(np.int64))
        self.theta = network.initialize(seed=0, dtype=np.float64)


summed = Part8(SummedDense(3, Normal(0.01)))
averaged = Part8(Dense(3, Normal(0.01)))
