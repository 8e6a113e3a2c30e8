"""The first-order optimizers against those of torch.optim, on the same gradients.

Which of ours is which of PyTorch's:

    GradientDescent       SGD
    Momentum, classical   SGD with momentum
    Momentum, averaged    SGD with momentum, at (1 - beta) times the rate (its `dampening` spares the first gradient)
    Nesterov              SGD with momentum and nesterov
    RMSProp               RMSprop with alpha = beta1
    Adam                  Adam
    AdamW                 AdamW
"""

from typing import Any

import numpy as np
import pytest
import torch

from sfumato import (
    Adam,
    AdamW,
    CategoricalCrossEntropy,
    Clipped,
    Decayed,
    GradientDescent,
    Momentum,
    Nesterov,
    NetworkObjective,
    RMSProp,
    multilayer_perceptron,
)
from sfumato.arrays import copied, to_numpy
from sfumato.engine import Engine
from sfumato.optimizers import LBFGS, OPTIMIZERS, FirstOrder

SGD: Any = torch.optim.SGD
RATE, STEPS = 0.01, 100

PAIRS: list[tuple[FirstOrder[Any], Any, dict[str, Any]]] = [
    (GradientDescent(), SGD, {}),
    (Momentum(0.9, "classical"), SGD, {"momentum": 0.9}),
    (Momentum(0.9, "averaged"), SGD, {"momentum": 0.9, "lr": RATE * (1 - 0.9)}),
    (Nesterov(0.9), SGD, {"momentum": 0.9, "nesterov": True}),
    (RMSProp(0.9), torch.optim.RMSprop, {"alpha": 0.9}),
    (RMSProp(0.8, 0.01), torch.optim.RMSprop, {"alpha": 0.8, "eps": 0.01}),
    (Adam(), torch.optim.Adam, {}),
    (Adam(0.8, 0.99, 0.01), torch.optim.Adam, {"betas": (0.8, 0.99), "eps": 0.01}),
    (AdamW(), torch.optim.AdamW, {}),
    (AdamW(weight_decay=0.5), torch.optim.AdamW, {"weight_decay": 0.5}),
]


def test_every_optimizer_is_held_against_pytorch() -> None:
    assert {type(optimizer) for optimizer, *_ in PAIRS} == {*OPTIMIZERS.values()} - {LBFGS}, "add it to PAIRS"


@pytest.mark.parametrize(("optimizer", "peer", "options"), PAIRS, ids=[repr(pair[0]) for pair in PAIRS])
def test_a_network_takes_the_same_path(
    optimizer: FirstOrder[Any], peer: Any, options: dict[str, Any], double: Engine
) -> None:
    rng = np.random.default_rng(0)
    network = multilayer_perceptron(3, [8], 3, activation="tanh")
    x, y = double.put(rng.standard_normal((30, 3))), double.put(np.arange(30) % 3)
    objective = NetworkObjective(network, CategoricalCrossEntropy(), x, y)
    start = network.initialize(0, np.float64)
    theta, tensor = copied(double.put(start)), torch.tensor(start)
    peers = peer([tensor], **{"lr": RATE, **options})
    state = optimizer.init(theta)
    for _ in range(STEPS):
        gradient = objective(theta).gradient
        tensor.grad = torch.tensor(to_numpy(gradient))
        peers.step()
        theta, state = optimizer.update(theta, gradient, state, RATE)
        np.testing.assert_allclose(to_numpy(theta), tensor.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("norm", [0.01, 1.0])
def test_a_clipped_gradient_is_that_of_clip_grad_norm(norm: float, double: Engine) -> None:
    """PyTorch adds 1e-6 to the length that it divides by."""
    rng = np.random.default_rng(1)
    gradient, start = rng.standard_normal(50), rng.standard_normal(50)
    tensor = torch.tensor(start, requires_grad=True)
    tensor.grad = torch.tensor(gradient)
    torch.nn.utils.clip_grad_norm_([tensor], norm)
    torch.optim.SGD([tensor], lr=RATE).step()
    optimizer, theta = Clipped(GradientDescent(), norm), double.put(start.copy())
    theta, _ = optimizer.update(theta, double.put(gradient), optimizer.init(theta), RATE)
    np.testing.assert_allclose(to_numpy(theta) - start, tensor.detach().numpy() - start, rtol=1e-5, atol=1e-15)


def test_decayed_gradient_descent_is_sgd_with_weight_decay_and_decayed_momentum_is_not(double: Engine) -> None:
    rng = np.random.default_rng(2)
    start, gradients = rng.standard_normal(50), rng.standard_normal((5, 50))

    def ours(inside: FirstOrder[Any]) -> Any:
        optimizer, theta = Decayed(inside, weight_decay=0.5), double.put(start.copy())
        state = optimizer.init(theta)
        for gradient in gradients:
            theta, state = optimizer.update(theta, double.put(gradient.copy()), state, RATE)
        return to_numpy(theta)

    def theirs(**options: Any) -> Any:
        tensor = torch.tensor(start)
        peer = torch.optim.SGD([tensor], lr=RATE, weight_decay=0.5, **options)
        for gradient in gradients:
            tensor.grad = torch.tensor(gradient)
            peer.step()
        return tensor.numpy()

    np.testing.assert_allclose(ours(GradientDescent()), theirs(), rtol=1e-12)
    assert np.abs(ours(Momentum(0.9, "classical")) - theirs(momentum=0.9)).max() > 1e-3, "theirs is L2 in the gradient"
