"""The gradient of a sound's whole objective against PyTorch's autograd, from the definitions."""

from typing import Any

import numpy as np
import pytest
import torch

from sfumato.arrays import Array, to_numpy
from sfumato.engine import NUMPY_DOUBLE, Engine
from sfumato.layers import EVERYTHING
from sfumato.layers.base import NoParameters
from sfumato.sound.objective import SoundObjective
from sfumato.sound.problem import SoundProblem
from sfumato.sound.rendering import BOUND, Gains
from sfumato.sound.settings import SoundSettings
from sfumato.sound.spectrum import Spectrum

RATE = 8000


def sound(seed: int, seconds: float, frequency: float) -> tuple[Array, int]:
    rng, t = np.random.default_rng(seed), np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * k * frequency * t) / k for k in range(1, 8)) * (1 + np.sin(9 * t))
    return (0.1 * tones + 0.02 * rng.standard_normal(len(t))).astype(np.float32), RATE


CONTENT, STYLES = sound(1, 0.6, 220.0), [(sound(2, 0.8, 311.0), 2.0), (sound(3, 0.9, 466.0), 1.0)]


def heard_in_torch(layer: Spectrum, x: Any) -> Any:
    """The spectrum of samples, (frames, bands), by PyTorch's own short-time Fourier transform."""
    window = torch.hann_window(layer.size, dtype=x.dtype)
    X = torch.stft(x, layer.size, layer.hop, window=window, center=True, pad_mode="reflect", return_complex=True)
    M = (X.real**2 + X.imag**2 + 1e-8).sqrt()
    Y = 2 / layer.size * torch.tensor(layer.matrix.copy()) @ M
    return (1 + 3000 * Y).log().T


@pytest.mark.parametrize(
    "layer", [Spectrum(64, 16, "mel", 5, RATE), Spectrum(256, 32, "notes", rate=RATE), Spectrum()], ids=repr
)
def test_a_spectrum_and_its_backward_pass(layer: Spectrum, double: Engine) -> None:
    x = np.random.default_rng(0).standard_normal((1, 3001))
    tensor = torch.tensor(x[0], requires_grad=True)
    theirs = heard_in_torch(layer, tensor)
    dz = np.random.default_rng(1).standard_normal(theirs.shape)
    (theirs * torch.tensor(dz)).sum().backward()
    assert tensor.grad is not None
    z, backward = layer.forward(NoParameters(), double.put(x), EVERYTHING)
    np.testing.assert_allclose(to_numpy(z)[0, :, 0], theirs.detach().numpy(), rtol=1e-9)
    dx = to_numpy(backward(double.put(dz[None, :, None]), NoParameters()))
    np.testing.assert_allclose(dx[0], tensor.grad.numpy(), atol=1e-10 * np.abs(dx).max())


def rendered_in_torch(theta: Any, start: Any) -> Any:
    """PyTorch's inverse transform is the same division by the sum of squared windows."""
    window = torch.hann_window(2048, dtype=theta.dtype)
    X = torch.stft(start, 2048, 512, window=window, center=True, pad_mode="reflect", return_complex=True)
    Y = (BOUND * torch.tanh(theta / BOUND)).reshape(X.shape[::-1]).T.exp() * X
    return torch.istft(Y, 2048, 512, window=window, center=True, length=len(start))


def filtered_in_torch(weights: Array, L: Any) -> Any:
    """Rectified random filters over time, (positions, filters), from their W and b in a row."""
    count, bands = 256, L.shape[1]
    width = (len(weights) - count) // (count * bands)
    W = torch.tensor(weights[:-count].reshape(count, width, bands).transpose(0, 2, 1).copy())
    return torch.relu(torch.nn.functional.conv1d(L.T[None], W, torch.tensor(weights[-count:].copy())))[0].T


def gram_in_torch(weights: Array, L: Any, sounding: Any) -> Any:
    """Mean products of the filters' outputs where another spectrum sounds: from 0.1 to 0.4 of its loudest frame on."""
    P = filtered_in_torch(weights, L)
    level = sounding.detach().mean(dim=1)
    part = ((level / level.max() - 0.1) / 0.3).clamp(0, 1)
    T = part.unfold(0, len(L) - len(P) + 1, 1).min(dim=1).values
    return P.T @ (T[:, None] * P) / T.sum()


def loss_in_torch(objective: SoundObjective, x: Any, content: Any, styles: list[tuple[Any, float]], keep: str) -> Any:
    total = x.new_zeros(())
    for layer, terms in objective.terms.items():
        L = heard_in_torch(layer, x)
        for term in terms:
            if term.kind == "style":
                W = to_numpy(term.theta)
                of_styles = [(heard_in_torch(layer, own), share) for own, share in styles]
                wanted = sum(share * gram_in_torch(W, own, own) for own, share in of_styles)
                G = gram_in_torch(W, L, heard_in_torch(layer, content))
                loss = ((G - wanted) ** 2).sum() / (wanted**2).sum()
            elif term.kind == "rhythm":
                lags = round(4.0 * RATE / layer.hop)
                A = sum(share * lags_in_torch(heard_in_torch(layer, own), lags) for own, share in styles)
                loss = ((lags_in_torch(L, lags) - A) ** 2).sum() / (A**2).sum()
            else:
                V, wanted = L, heard_in_torch(layer, content)
                if term.kind == "content" and keep == "pitch":
                    V, wanted = liftered_in_torch(V), liftered_in_torch(wanted)
                loss = ((V - wanted) ** 2).sum() / (wanted**2).sum()
            total = total + term.weight * loss
    return total


def lags_in_torch(L: Any, lags: int) -> Any:
    C, T = L - L.mean(dim=0), len(L)
    rows = [(C[:-lag] * C[lag:]).sum(dim=0) / T if lag < T else C[0] * 0 for lag in range(1, lags + 1)]
    return torch.stack(rows)


def liftered_in_torch(L: Any) -> Any:
    bands = torch.arange(L.shape[1], dtype=L.dtype)
    K = torch.exp(-0.5 * ((bands[:, None] - bands) / 12) ** 2)
    return L - L @ (K / K.sum(dim=1, keepdim=True)).T


@pytest.mark.parametrize("keep", ["pitch", "spectrum", "chroma"])
def test_loss_and_gradient_with_every_loss_on(keep: str, double: Engine) -> None:
    settings = SoundSettings(
        sample_rate=RATE, keep=keep, style_weight=3.0, rhythm_weight=2.0, loudness_weight=1.5, start="content"
    )
    problem = SoundProblem(settings, CONTENT, STYLES, double)
    rendering = problem.rendering()
    assert isinstance(rendering, Gains)
    theta = 0.3 * np.random.default_rng(4).standard_normal(rendering.size)
    ours = problem.objective(rendering)(double.put(theta))
    with NUMPY_DOUBLE.in_force():
        objective = SoundProblem(settings, CONTENT, STYLES, NUMPY_DOUBLE).objective(rendering)
    content, *styles = (torch.tensor(x.astype(np.float64)) for x in (problem.mid, *[s.samples for s in problem.styles]))
    tensor = torch.tensor(theta, requires_grad=True)
    shares = [(own, style.weight) for own, style in zip(styles, problem.styles, strict=True)]
    theirs = loss_in_torch(objective, rendered_in_torch(tensor, content), content, shares, keep)
    theirs.backward()
    assert tensor.grad is not None
    expected = tensor.grad.numpy()
    assert ours.loss == pytest.approx(theirs.item(), rel=1e-6)  # targets are kept in float32
    assert np.linalg.norm(to_numpy(ours.gradient) - expected) < 1e-5 * np.linalg.norm(expected)
