"""Training begins at kinks: with biases of zero, an image's blank parts give outputs of exactly zero."""

import numpy as np

from sfumato.layers import EVERYTHING, Convolution
from sfumato.layers.dense import Affine


def test_blank_parts_let_no_gradient_through_in_training() -> None:
    rng = np.random.default_rng(0)
    x = np.zeros((2, 24, 24, 32), np.float32)
    x[:, 10:13, 10:13] = rng.standard_normal((2, 3, 3, 32))
    W = rng.standard_normal((32, 3, 3, 32)).astype(np.float32)
    params = Affine(W, np.zeros(32, np.float32))
    z, backward = Convolution(32, relu=True).forward(params, x, EVERYTHING)
    assert not z[:, :8].any()
    grads = Affine(np.empty_like(W), np.empty(32, np.float32))
    backward(np.ones_like(z), grads)
    np.testing.assert_array_equal(grads.b, np.count_nonzero(z[:, 9:14, 9:14] > 0, axis=(0, 1, 2)))
