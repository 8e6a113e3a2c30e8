"""The gradient of style transfer's whole objective against PyTorch's autograd, on the same network."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from sfumato.arrays import Array, to_numpy
from sfumato.engine import NUMPY_DOUBLE, Engine
from sfumato.layers import Convolution
from sfumato.style.losses import REGULARISATION, STYLE_LOSSES
from sfumato.style.objective import StyleObjective
from sfumato.style.problem import StyleProblem
from sfumato.style.transfer import StyleTransfer
from sfumato.style.vgg.preprocessing import Preprocessing

HEIGHT, WIDTH = 37, 50


def picture(seed: int, height: int, width: int) -> Array:
    coarse = np.random.default_rng(seed).random((-(-height // 5), -(-width // 5), 3))
    return np.kron(coarse, np.ones((5, 5, 1)))[:height, :width].astype(np.float32)


CONTENT, STYLES = picture(1, HEIGHT, WIDTH), [(picture(2, 50, 40), 0.6), (picture(3, 30, 50), 0.4)]


def problem(style_loss: Any, pooling: Any = "max") -> StyleProblem:
    settings = StyleTransfer(
        content_layers={"block4_conv2": 2.0, "block5_conv2": 1.0},
        style_loss=style_loss,
        style_weight=40.0,
        content_weight=3.0,
        tv_weight=0.7,
        pooling=pooling,
    )
    return StyleProblem(settings, CONTENT, STYLES)


def features_in_torch(objective: StyleObjective, x: Any) -> dict[str, Any]:
    """Every layer's outputs as (channels, positions), for x of (height, width, 3)."""
    (network,) = objective.network.networks.values()
    parts, z, features = iter(network.parameters(objective.network.theta)), None, {}
    for name, layer in zip(network.names, network.layers, strict=True):
        own = next(parts)
        if isinstance(layer, Preprocessing):
            ordered = x.flip(-1) if layer.bgr else x
            z = (ordered * x.new_tensor(layer.gain) - x.new_tensor(layer.offset)).permute(2, 0, 1)[None]
        elif isinstance(layer, Convolution):
            W = torch.from_numpy(own.W.transpose(0, 3, 1, 2).copy())
            z = torch.relu(torch.nn.functional.conv2d(z, W, torch.from_numpy(own.b.copy()), padding=1))
        else:
            pool = torch.nn.functional.max_pool2d if "Max" in type(layer).__name__ else torch.nn.functional.avg_pool2d
            z = pool(z, 2)
        features[name] = z[0].flatten(1)
    return features


def style_in_torch(kind: str, F: Any, targets: list[tuple[Any, float]]) -> Any:
    """The three style losses from their definitions, for features and targets as channels times positions."""
    N, M = F.shape
    if kind == "gram-reference":
        A = sum(weight * T @ T.T for T, weight in targets)
        return ((F @ F.T - A) ** 2).sum() / (4 * N**2 * M**2)
    A = sum(weight * T @ T.T / T.shape[1] for T, weight in targets)
    if kind == "gram":
        return ((F @ F.T / M - A) ** 2).sum() / (A**2).sum()
    assert kind == "wasserstein", f"write {kind} in PyTorch here"
    goal = sum(weight * T.mean(1) for T, weight in targets)
    C_goal = A - torch.outer(goal, goal)
    ridge = REGULARISATION * C_goal.trace() / N * torch.eye(N, dtype=F.dtype)
    C, C_goal, mean = F @ F.T / M - torch.outer(F.mean(1), F.mean(1)) + ridge, C_goal + ridge, F.mean(1)
    # with C = L L^T, the eigenvalues of C_goal^1/2 C C_goal^1/2 are the squared singular values of L_goal^T L
    cross = torch.linalg.matrix_norm(torch.linalg.cholesky(C_goal).T @ torch.linalg.cholesky(C), "nuc")
    return (((mean - goal) ** 2).sum() + (C + C_goal).trace() - 2 * cross) / ((goal**2).sum() + C_goal.trace())


def loss_in_torch(kind: str, objective: StyleObjective, x: Any, content: Any, styles: list[tuple[Any, float]]) -> Any:
    of_x, of_content = features_in_torch(objective, x), features_in_torch(objective, content)
    of_styles = [(features_in_torch(objective, style), weight) for style, weight in styles]
    total = 0.7 * ((x.diff(dim=0) ** 2).sum() + (x.diff(dim=1) ** 2).sum()) / (HEIGHT * WIDTH)
    for layer, share in (("block4_conv2", 2 / 3), ("block5_conv2", 1 / 3)):
        F, P = of_x[layer], of_content[layer]
        scale = 0.5 if kind == "gram-reference" else 1 / (P**2).sum()
        total = total + 3.0 * share * scale * ((F - P) ** 2).sum()
    for block in range(1, 6):
        layer = f"block{block}_conv1"
        targets = [(features[layer], weight) for features, weight in of_styles]
        total = total + 40.0 / 5 * style_in_torch(kind, of_x[layer], targets)
    return total


@pytest.mark.parametrize(("kind", "pooling"), [*itertools.product(STYLE_LOSSES, ["max"]), ("gram", "average")])
def test_loss_and_gradient_with_every_loss_on(kind: str, pooling: str, double: Engine) -> None:
    setting = problem(kind, pooling)
    with NUMPY_DOUBLE.in_force():
        objective = setting.objective(HEIGHT, WIDTH, NUMPY_DOUBLE)  # whose parameters PyTorch takes
    x = 0.7 * picture(4, HEIGHT, WIDTH).astype(np.float64) + 0.1
    ours = setting.objective(HEIGHT, WIDTH, double)(double.put(x.ravel()))
    tensor = torch.tensor(x, requires_grad=True)
    # our styles are brought to the size of the picture first; these have its long edge already
    styles = [(torch.tensor(style.picture.astype(np.float64)), style.share) for style in setting.styles]
    theirs = loss_in_torch(kind, objective, tensor, torch.tensor(CONTENT.astype(np.float64)), styles)
    theirs.backward()
    expected = tensor.grad.numpy().ravel()
    assert ours.loss == pytest.approx(theirs.item(), rel=1e-9)
    assert np.linalg.norm(to_numpy(ours.gradient) - expected) < 1e-8 * np.linalg.norm(expected)


def places_in_torch(features: dict[str, Any], layers: list[str], height: int, width: int) -> list[Any]:
    """Features of each layer at the squares of four pixels, (places, channels)."""
    rows, columns, found = height // 4, width // 4, []
    for layer, stride in zip(layers, (1, 2, 4, 8, 16), strict=True):
        F = features[layer].reshape(-1, height // stride, width // stride)
        if stride < 4:
            F = torch.nn.functional.avg_pool2d(F, 4 // stride)
        F = torch.stack([F[:, min(4 * y // max(stride, 4), F.shape[1] - 1)] for y in range(rows)], 1)
        F = torch.stack([F[:, :, min(4 * x // max(stride, 4), F.shape[2] - 1)] for x in range(columns)], 2)
        found.append(F.flatten(1).T)
    return found


def described_in_torch(places: list[Any]) -> Any:
    """Each place as a row of length one: features of all layers, centred, and weighed alike."""
    parts = [F - F.mean(0) for F in places]
    stacked = torch.cat([F / (F**2).sum(1).mean().sqrt() for F in parts], 1)
    return stacked / stacked.norm(dim=1, keepdim=True)


def mixed_in_torch(content: list[Any], painted: list[Any]) -> list[Any]:
    """Features of the painting where block 5 sees little in the content, and of the content where it sees much."""
    energy = content[-1].norm(dim=1, keepdim=True) ** 2
    part = 1 / (1 + (energy / energy.mean()) ** 2)
    return [part * P + (1 - part) * C for P, C in zip(painted, content, strict=True)]


@pytest.mark.parametrize("painted", [None, picture(5, HEIGHT, WIDTH)], ids=["content", "mixture"])
def test_neighbours_and_their_gradient(double: Engine, painted: Any) -> None:
    """By brute force, position by position: each takes the features at its own place in the neighbour's square.

    Beside them stand the style's Gram matrices, with the same weight.
    """
    layers = [f"block{block}_conv1" for block in range(1, 6)]
    settings = StyleTransfer(style_weight=40.0, content_weight=0.0, tv_weight=0.0)
    style = picture(2, 50, 40)
    setting = StyleProblem(settings, CONTENT, style)
    with NUMPY_DOUBLE.in_force():
        objective = setting.objective(HEIGHT, WIDTH, NUMPY_DOUBLE)  # whose parameters PyTorch takes
    x = torch.tensor(0.7 * picture(4, HEIGHT, WIDTH).astype(np.float64) + 0.1, requires_grad=True)
    of_x, of_content, of_style = (
        features_in_torch(objective, pixels)
        for pixels in (x, *(torch.tensor(own.astype(np.float64)) for own in (CONTENT, style)))
    )
    wanted = places_in_torch(of_content, layers, HEIGHT, WIDTH)
    if painted is not None:
        of_painted = features_in_torch(objective, torch.tensor(painted.astype(np.float64)))
        wanted = mixed_in_torch(wanted, places_in_torch(of_painted, layers, HEIGHT, WIDTH))
    similarity = described_in_torch(wanted) @ described_in_torch(places_in_torch(of_style, layers, 50, 40)).T
    nearest = similarity.argmax(1)
    total = torch.zeros((), dtype=torch.float64)
    for layer, stride in zip(layers, (1, 2, 4, 8, 16), strict=True):
        height, width = HEIGHT // stride, WIDTH // stride
        F, S = (features[layer] for features in (of_x, of_style))
        target = torch.empty_like(F)
        for y, x_ in itertools.product(range(height), range(width)):
            middle_y, middle_x = (y + 0.5) * stride, (x_ + 0.5) * stride
            row, column = min(int(middle_y // 4), HEIGHT // 4 - 1), min(int(middle_x // 4), WIDTH // 4 - 1)
            there = int(nearest[row * (WIDTH // 4) + column])
            from_y = int((there // (40 // 4) * 4 + middle_y - 4 * row) / stride)
            from_x = int((there % (40 // 4) * 4 + middle_x - 4 * column) / stride)
            source = min(from_y, 50 // stride - 1) * (40 // stride) + min(from_x, 40 // stride - 1)
            target[:, y * width + x_] = S[:, source]
        target = target.detach()
        total = total + 40.0 / 5 * ((F - target) ** 2).sum() / (target**2).sum()
        total = total + 40.0 / 5 * style_in_torch("gram", F, [(S.detach(), 1.0)])
    total.backward()
    ours = setting.objective(HEIGHT, WIDTH, double, painted=painted)(double.put(x.detach().numpy().ravel()))
    expected = x.grad.numpy().ravel()
    assert ours.loss == pytest.approx(total.item(), rel=1e-9)
    assert np.linalg.norm(to_numpy(ours.gradient) - expected) < 1e-8 * np.linalg.norm(expected)
