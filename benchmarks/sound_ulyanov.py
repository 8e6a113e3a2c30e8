"""The first style transfer of sounds (Ulyanov and Lebedev 2016), to compare with: written anew from their description.

The logarithm of the spectrum, log(1 + |STFT|), is a picture of T x 1 pixels with 1025 channels. One layer of 4096
random filters of width 11 and a ReLU sees it; style is the Gram matrix of its features, content they themselves,
times 0.01. L-BFGS starts from noise, and Griffin and Lim's method finds phases for the spectrum that it ends with.
"""

from typing import NamedTuple

import numpy as np

from sfumato.arrays import Array

SIZE, HOP, WIDTH, ALPHA = 2048, 512, 11, 1e-2
"""Samples of a frame, and from one to the next; frames that a filter sees; weight of the content."""
PHASES = 500
"""Steps of Griffin and Lim's method."""
QUIET = 1e-3
"""Deviation of the noise to start from."""


class Answer(NamedTuple):
    """What came of it.

    Attributes:
        sound: (samples,).
        losses: Of style and content, after the last step.
        evaluations: Times that loss and gradient were computed.
    """

    sound: Array
    losses: tuple[float, float]
    evaluations: int


def ulyanov(content: Array, style: Array, *, filters: int = 4096, iterations: int = 300, seed: int = 0) -> Answer:
    """Play a content, (samples,), in the manner of a style by their method."""
    import librosa
    from scipy.optimize import minimize

    random = np.random.default_rng(seed)
    pictures = [np.log1p(np.abs(librosa.stft(x, n_fft=SIZE, hop_length=HOP))).T for x in (content, style)]
    frames, channels = pictures[0].shape
    deviation = np.sqrt(2.0) * np.sqrt(2.0 / ((channels + filters) * WIDTH))
    W = (deviation * random.standard_normal((WIDTH * channels, filters))).astype(np.float32)
    wanted, example = (np.maximum(_patches(picture) @ W, 0.0) for picture in pictures)
    G = example.T @ example / len(pictures[1])
    last = [0.0, 0.0]

    def evaluate(theta: Array) -> tuple[float, Array]:
        x = theta.reshape(frames, channels).astype(np.float32)
        P = np.maximum(_patches(x) @ W, 0.0)
        error, difference = P.T @ P / frames - G, P - wanted
        last[:] = float(np.sum(error**2)), ALPHA * float(np.sum(difference**2))
        dP = (4.0 / frames) * (P @ error) + (2.0 * ALPHA) * difference
        dpatches = ((dP * (P > 0)) @ W.T).reshape(-1, WIDTH, channels)
        dx = np.zeros_like(x)
        for place in range(WIDTH):
            dx[place : place + len(P)] += dpatches[:, place]
        return sum(last), dx.reshape(-1).astype(np.float64)

    start = QUIET * random.standard_normal(frames * channels)
    found = minimize(evaluate, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations, "maxfun": 10**6})
    evaluate(found.x)
    magnitudes = np.maximum(np.expm1(found.x.reshape(frames, channels).T), 0.0)
    sound = librosa.griffinlim(
        magnitudes, n_iter=PHASES, n_fft=SIZE, hop_length=HOP, momentum=0.0, length=len(content), random_state=seed
    )
    return Answer(sound.astype(np.float32), (last[0], last[1]), found.nfev)


def _patches(x: Array) -> Array:
    """The `WIDTH` frames that each position sees, (positions, WIDTH channels)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, WIDTH, axis=0)
    patches: Array = windows.transpose(0, 2, 1).reshape(len(windows), -1).astype(np.float32)
    return patches
