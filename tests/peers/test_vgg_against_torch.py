"""VGG against the same network made of PyTorch's layers: every feature map, and the gradient of the image."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from sfumato.arrays import Array
from sfumato.layers import NOTHING, Needs
from sfumato.style.vgg.architecture import vgg_layers
from sfumato.style.vgg.network import Vgg
from sfumato.style.vgg.preprocessing import CAFFE, TORCHVISION, Preprocessing

HEIGHT, WIDTH = 37, 50  # odd after one pooling or the other, so that rows and columns are dropped


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Arrays this small gain nothing from threads, which on a busy machine wait for each other instead."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=["vgg16", "vgg19"])
def weights(request: pytest.FixtureRequest) -> tuple[str, Array]:
    """A network's name and random parameters for it, laid out as theta is, whose features neither grow nor vanish."""
    rng = np.random.default_rng(1)
    parts = []
    for layer in vgg_layers(request.param):
        if layer.filters:
            count = 9 * layer.channels
            parts.append(rng.standard_normal(layer.filters * count) * (2 / count) ** 0.5)
            parts.append(0.1 * rng.standard_normal(layer.filters))
    return request.param, np.concatenate(parts)


def torch_features(name: str, theta: Array, pooling: str, x: Any) -> dict[str, Any]:
    """Every feature map as PyTorch computes it, for preprocessed images n x channels x height x width."""
    pool = {"max": torch.nn.MaxPool2d(2), "average": torch.nn.AvgPool2d(2)}[pooling]
    features, start = {}, 0
    for layer in vgg_layers(name):
        if layer.filters:
            convolution = torch.nn.Conv2d(layer.channels, layer.filters, 3, padding=1).to(x.dtype)
            middle = start + 9 * layer.channels * layer.filters
            W = theta[start:middle].reshape(layer.filters, 3, 3, layer.channels).transpose(0, 3, 1, 2)
            start = middle + layer.filters
            convolution.weight.data = torch.tensor(W)
            convolution.bias.data = torch.tensor(theta[middle:start])
            x = torch.relu(convolution(x))
        else:
            x = pool(x)
        features[layer.name] = x
    return features


def torch_preprocessing(preprocessing: Preprocessing, x: Any) -> Any:
    """As Keras's documentation and torchvision's have it."""
    if preprocessing is CAFFE:
        return 255 * x.flip(1) - torch.tensor([103.939, 116.779, 123.68], dtype=x.dtype)[:, None, None]
    mean, deviation = (torch.tensor(t, dtype=x.dtype) for t in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    return (x - mean[:, None, None]) / deviation[:, None, None]


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("preprocessing", [CAFFE, TORCHVISION], ids=["caffe", "torchvision"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-5)])
def test_every_feature_map(
    weights: tuple[str, Array], pooling: str, preprocessing: Preprocessing, dtype: Any, tolerance: float
) -> None:
    name, theta = weights[0], weights[1].astype(dtype)
    image = np.random.default_rng(2).random((1, HEIGHT, WIDTH, 3)).astype(dtype)
    network = Vgg(name, "block5_pool", pooling, preprocessing, theta).network(HEIGHT, WIDTH)
    heads = [(layer, lambda z: (z, np.positive)) for layer in network.names]
    ours, _ = network.measure(network.parameters(theta), image, heads, NOTHING)
    x = torch_preprocessing(preprocessing, torch.tensor(image.transpose(0, 3, 1, 2)))
    with torch.no_grad():
        theirs = {"preprocessing": x, **torch_features(name, theta, pooling, x)}
    assert list(theirs) == list(network.names)
    for layer, mine in zip(network.names, ours, strict=True):
        expected = theirs[layer].numpy().transpose(0, 2, 3, 1)
        assert mine.dtype == dtype
        assert mine.shape == expected.shape
        assert np.linalg.norm(mine - expected) <= tolerance * np.linalg.norm(expected), layer


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_the_gradient_of_the_image(weights: tuple[str, Array], pooling: str) -> None:
    name, theta = weights
    rng = np.random.default_rng(3)
    image = rng.random((1, HEIGHT, WIDTH, 3))
    network = Vgg(name, "block5_pool", pooling, CAFFE, theta).network(HEIGHT, WIDTH)
    parameters = network.parameters(theta)
    z, backward = network.forward(parameters, image, Needs(weights=False, inputs=True))
    dz = rng.standard_normal(z.shape)
    ours = backward(dz.copy(), parameters)  # which are left alone: only the image's gradient is wanted
    x = torch.tensor(image.transpose(0, 3, 1, 2), requires_grad=True)
    theirs = torch_features(name, theta, pooling, torch_preprocessing(CAFFE, x))["block5_pool"]
    theirs.backward(torch.tensor(dz.transpose(0, 3, 1, 2)))
    expected = x.grad.numpy().transpose(0, 2, 3, 1)
    assert ours is not None
    assert np.linalg.norm(ours - expected) <= 1e-10 * np.linalg.norm(expected)
