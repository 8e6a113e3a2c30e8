"""Convolution and pooling against PyTorch and its autograd."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato import (
    AveragePooling,
    CategoricalCrossEntropy,
    Convolution,
    Layer,
    MaxPooling,
    NetworkObjective,
    convolutional_network,
)
from sfumato.arrays import Array, copied, namespace, to_numpy
from sfumato.engine import Engine
from sfumato.layers import EVERYTHING


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Arrays this small gain nothing from threads, which on a busy machine wait for each other instead."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


PRECISIONS = pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-10), ("float32", 1e-5)])


def channels_first(array: Any) -> Any:
    """A tensor in PyTorch's order, images and filters alike."""
    return torch.tensor(np.ascontiguousarray(np.moveaxis(array, -1, 1)))


def assert_close(ours: Array | None, peer: Any, tolerance: float) -> None:
    right = np.moveaxis(peer.numpy(), 1, -1) if peer.ndim == 4 else peer.numpy()
    assert ours is not None
    # rounding goes with the numbers that are added up, which are around one: their sum may cancel
    largest = np.abs(right).max(initial=1.0)
    np.testing.assert_allclose(to_numpy(ours), right, rtol=tolerance, atol=tolerance * largest)


@PRECISIONS
@settings(deadline=None, max_examples=60)
@given(
    batch=st.integers(1, 4),
    size=st.tuples(st.integers(5, 16), st.integers(5, 16)),
    channels=st.integers(1, 20),
    filters=st.integers(1, 8),
    kernel=st.one_of(st.integers(1, 5), st.tuples(st.integers(1, 5), st.integers(1, 5))),
    stride=st.integers(1, 4),
    padding=st.integers(0, 5),
    relu=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_convolution_and_its_gradients(
    batch: int,
    size: tuple[int, int],
    channels: int,
    filters: int,
    kernel: int | tuple[int, int],
    stride: int,
    padding: int,
    relu: bool,
    seed: int,
    precision: str,
    tolerance: float,
    double: Engine,
) -> None:
    own = double._replace(precision=precision)
    dtype = own.numpy_dtype
    rng = np.random.default_rng(seed)
    layer = Convolution(filters, kernel, stride, padding, relu)
    specs: Any = layer.build((*size, channels)).parameters
    params = specs._make(rng.standard_normal(spec.shape).astype(dtype) for spec in specs)
    x = rng.standard_normal((batch, *size, channels)).astype(dtype)
    placed = specs._make(map(own.put, params))
    z, backward = layer.forward(placed, own.put(x), EVERYTHING)
    dz = rng.standard_normal(z.shape).astype(dtype)
    if relu:
        dz[np.abs(to_numpy(z)) < 1e-4] = 0  # so close to the kink, rounding decides on which side PyTorch sees it

    peer_x, peer_W = channels_first(x).requires_grad_(), channels_first(params.W).requires_grad_()
    peer_b = torch.tensor(params.b, requires_grad=True)
    peer_z = torch.nn.functional.conv2d(peer_x, peer_W, peer_b, stride, padding)
    peer_z = torch.relu(peer_z) if relu else peer_z
    peer_z.backward(channels_first(dz))

    grads = specs._make(map(namespace(z).empty_like, placed))
    dx = backward(copied(own.put(dz)), grads)
    assert_close(z, peer_z.detach(), tolerance)
    for ours, peer in ((dx, peer_x), (grads.W, peer_W), (grads.b, peer_b)):
        assert_close(ours, peer.grad, tolerance)


@PRECISIONS
@pytest.mark.parametrize("kind", [MaxPooling, AveragePooling])
@settings(deadline=None, max_examples=40)
@given(
    batch=st.integers(1, 4),
    extent=st.tuples(st.integers(5, 16), st.integers(5, 16)),
    channels=st.integers(1, 8),
    size=st.integers(1, 5),
    stride=st.integers(1, 6),
    seed=st.integers(0, 2**32 - 1),
)
def test_pooling_and_its_gradient(
    kind: Any,
    batch: int,
    extent: tuple[int, int],
    channels: int,
    size: int,
    stride: int,
    seed: int,
    precision: str,
    tolerance: float,
    double: Engine,
) -> None:
    own = double._replace(precision=precision)
    dtype = own.numpy_dtype
    rng = np.random.default_rng(seed)
    layer: Layer[Any] = kind(size, stride)
    x = rng.standard_normal((batch, *extent, channels)).astype(dtype)
    z, backward = layer.forward((), own.put(x), EVERYTHING)
    dz = rng.standard_normal(z.shape).astype(dtype)

    peer_x = channels_first(x).requires_grad_()
    pool = torch.nn.functional.max_pool2d if kind is MaxPooling else torch.nn.functional.avg_pool2d
    peer_z = pool(peer_x, size, stride)
    peer_z.backward(channels_first(dz))
    assert_close(z, peer_z.detach(), tolerance)
    assert_close(backward(copied(own.put(dz)), ()), peer_x.grad, tolerance)


def test_the_gradient_of_a_convolutional_network(double: Engine) -> None:
    network = convolutional_network((9, 8, 2), 3, filters=(4, 5), hidden=(6,), activation="tanh", dropout=0)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((7, 9, 8, 2)), np.arange(7) % 3
    theta = network.initialize(0, np.float64)
    objective = NetworkObjective(network, CategoricalCrossEntropy(), double.put(x), double.put(y))
    loss, gradient, _ = objective(double.put(theta))

    peer = torch.tensor(theta, requires_grad=True)
    W1, b1, W2, b2, W3, b3, W4, b4 = (peer[p.start : p.stop].reshape(p.spec.shape) for p in network.layout)
    a = channels_first(x)
    for W, b in ((W1, b1), (W2, b2)):
        z = torch.nn.functional.conv2d(a, W.permute(0, 3, 1, 2), b, padding=1)
        a = torch.nn.functional.max_pool2d(torch.tanh(z), 2)
    a = torch.tanh(a.permute(0, 2, 3, 1).flatten(1) @ W3 + b3)
    peer_loss = torch.nn.functional.cross_entropy(a @ W4 + b4, torch.tensor(y))
    (peer_gradient,) = torch.autograd.grad(peer_loss, peer)
    assert loss == pytest.approx(peer_loss.item(), rel=1e-12)
    assert_close(gradient, peer_gradient, 1e-10)
