"""Training begins at kinks: with biases of zero, an image's blank parts give outputs of exactly zero."""

import numpy as np

from sfumato.arrays import namespace, to_numpy
from sfumato.engine import Engine
from sfumato.layers import EVERYTHING, Convolution
from sfumato.layers.dense import Affine


def test_blank_parts_let_no_gradient_through_in_training(engine: Engine) -> None:
    single = engine._replace(precision="float32")  # in which libraries round for the sake of speed, if they do
    rng = np.random.default_rng(0)
    x = np.zeros((2, 24, 24, 32), np.float32)
    x[:, 10:13, 10:13] = rng.standard_normal((2, 3, 3, 32))
    W = single.put(rng.standard_normal((32, 3, 3, 32)))
    params = Affine(W, single.put(np.zeros(32)))
    z, backward = Convolution(32, relu=True).forward(params, single.put(x), EVERYTHING)
    seen = to_numpy(z)[:, 9:14, 9:14]
    assert np.count_nonzero(to_numpy(z)) == np.count_nonzero(seen)
    grads = Affine(*map(namespace(W).empty_like, params))
    backward(namespace(z).ones_like(z), grads)
    np.testing.assert_array_equal(to_numpy(grads.b), np.count_nonzero(seen, axis=(0, 1, 2)))
