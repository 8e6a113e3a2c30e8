"""Sounds to start from: the content through a filter, the content rebuilt from frames of the style, and noise."""

from collections.abc import Sequence

import numpy as np

from sfumato.arrays import Array
from sfumato.kernels.spectra import frame_spectra, hann_window, overlap_add
from sfumato.random_keys import Stream, generator
from sfumato.sound.rendering import HOP, SIZE
from sfumato.sound.spectrum import mirrored

SMOOTHING = 6.0
"""Deviation of the Gaussian that smooths spectra for `equalised`, in bins: 65 Hz at 22,050 samples a second."""

QUIET = 0.3
"""Level of noise to start from, as a part of the style's."""

SHIFTS = range(-6, 7)
"""Semitones by which the style's frames are shifted, so that notes that it does not play can be played."""

UPDATES, REPETITION, VOICES, DIAGONAL = 20, 3, 10, 2
"""Settings of the mosaic: updates; frames within which none is used again; frames that sound at once; those of a
diagonal."""

LOUDNESS_FRAMES = 10.0
"""Deviation of the Gaussian over time within which loudness is compared, in frames: a quarter of a second."""

PHASES = 30
"""Steps of Griffin and Lim's search for phases."""

TINY = 1e-8


def spectrum_of(x: Array) -> Array:
    """Short-time Fourier transform of a sound, (samples,), with mirrored ends: (frames, bins)."""
    X: Array = frame_spectra(mirrored(x[None], SIZE // 2), SIZE, HOP)[0]
    return X


def sound_of(X: Array, samples: int) -> Array:
    """The sound whose spectrum is nearest to X (Griffin and Lim 1984): (samples,)."""
    window = hann_window(SIZE).astype(X.real.dtype) ** 2
    frames = np.broadcast_to(window, (1, len(X), SIZE))
    weight = np.zeros((len(X) - 1) * HOP + SIZE, window.dtype)
    for start in range(0, SIZE, HOP):
        weight[start : start + len(X) * HOP] += frames[0, :, start : start + HOP].reshape(-1)
    inside = slice(SIZE // 2, SIZE // 2 + samples)
    x: Array = overlap_add(X[None], SIZE, HOP)[0, inside] / weight[inside]
    return x


def equalised(content: Array, styles: Sequence[tuple[Array, float]]) -> Array:
    """The content through the filter that gives it the mean spectrum of the styles, see `equaliser`."""
    return filtered(content, equaliser(content, styles))


def filtered(sound: Array, h: Array) -> Array:
    """A sound, (samples,), through a filter: x = istft(exp(h) X)."""
    return with_gains(sound, np.exp(h).astype(sound.dtype))


def equaliser(content: Array, styles: Sequence[tuple[Array, float]]) -> Array:
    """Logarithm of the filter that gives the content the mean spectrum of the styles S_i, of weights w_i: (bins,).

        h[k] = smooth(log sum_i w_i mean_t |S_i[t, k]|) - smooth(log mean_t |C[t, k]|)

    Args:
        content: (samples,).
        styles: Sounds, (samples,), at the same rate and level, with their weights, which add up to one.
    """
    from scipy.ndimage import gaussian_filter1d

    C = spectrum_of(content)
    mean = sum(weight * np.abs(spectrum_of(style)).mean(axis=0) for style, weight in styles)
    wanted, given = (
        gaussian_filter1d(np.log(curve + TINY), SMOOTHING, mode="nearest") for curve in (mean, np.abs(C).mean(axis=0))
    )
    h: Array = wanted - given
    return h


def loudness_gains(sound: Array, other: Array) -> Array:
    """Gains, the same for all frequencies, that give a sound the course of loudness of another: (frames, 1).

        g[t] = sqrt(smooth(sum_k |O[t, k]|^2) / smooth(sum_k |X[t, k]|^2))

    A Gram matrix is a mean over time, which a single burst can supply while all else falls silent.

    Args:
        sound: (samples,).
        other: (samples,).
    """
    from scipy.ndimage import gaussian_filter1d

    wanted, given = (
        gaussian_filter1d(np.square(np.abs(spectrum_of(one))).sum(axis=1), LOUDNESS_FRAMES, mode="nearest")
        for one in (other, sound)
    )
    gains: Array = np.sqrt(wanted / (given + TINY))[:, None].astype(sound.dtype)
    return gains


def with_gains(sound: Array, gains: Array) -> Array:
    """A sound, (samples,), with gains for each frame, (frames, 1), or for each frame and bin."""
    return sound_of(spectrum_of(sound) * gains, len(sound))


def noise(samples: int, level: float, seed: int) -> Array:
    """Gaussian noise, (samples,) in float32, whose root mean square is `QUIET` times the level."""
    drawn = generator(seed, Stream.SOUND).standard_normal(samples)
    return (QUIET * level * drawn).astype(np.float32)


def mosaic(content: Array, styles: Sequence[tuple[Array, float]]) -> Array:
    """The content rebuilt from the styles' own frames (Driedger, Prätzlich and Müller 2015, "Let it bee").

    Each style rebuilds all of it by itself, and what sounds is the mean of their magnitudes by the styles' weights.
    Phases are searched for (Griffin and Lim 1984), from the content's.

    Args:
        content: (samples,).
        styles: Sounds, (samples,), at the same rate and level, with their weights, which add up to one.
    """
    X = spectrum_of(content)
    V = np.abs(X).T
    magnitudes = np.add.reduce([weight * rebuilt(V, np.abs(spectrum_of(style)).T) for style, weight in styles]).T
    x = content
    for _ in range(PHASES):
        x = sound_of(magnitudes * X / (np.abs(X) + TINY), len(content))
        X = spectrum_of(x)
    return x


def rebuilt(V: Array, frames: Array) -> Array:
    """Magnitudes of a content, rebuilt from the frames of a style.

    Non-negative factors V ~ W H of the magnitudes V of the content, with the style's frames for columns of W, as they
    are and shifted by up to six semitones: H says which frame sounds when. Between the updates of H (Lee and Seung's,
    for the divergence of Kullback and Leibler), what would repeat a frame at once is taken back, as is all but the
    strongest of each moment, and runs of frames in their own order are favoured.

    Args:
        V: (bins, frames of the content).
        frames: Magnitudes of the style, (bins, frames of the style).

    Returns:
        W H, (bins, frames of the content).
    """
    from scipy.ndimage import convolve, maximum_filter1d

    W = np.concatenate([_shifted(frames, semitones) for semitones in SHIFTS], axis=1)
    W = W[:, W.sum(axis=0) > TINY * len(W)]
    W /= W.sum(axis=0)
    H = np.full((W.shape[1], V.shape[1]), V.sum() / (V.shape[1] * W.shape[1]), V.dtype)
    along = np.eye(2 * DIAGONAL + 1, dtype=V.dtype)
    for update in range(UPDATES):
        left = 1.0 - (update + 1) / UPDATES
        strongest = maximum_filter1d(H, 2 * REPETITION + 1, axis=1)
        H = np.where(strongest == H, H, H * left)
        if len(H) > VOICES:
            least = np.partition(H, -VOICES, axis=0)[-VOICES]
            H = np.where(least <= H, H, H * left)
        H = convolve(H, along, mode="constant")
        H *= W.T @ (V / (W @ H + TINY))
    product: Array = W @ H
    return product


def _shifted(frames: Array, semitones: int) -> Array:
    """Magnitudes, (bins, frames), with every frequency multiplied by 2^(semitones / 12)."""
    bins = np.arange(len(frames)) / 2.0 ** (semitones / 12.0)
    below = np.minimum(bins.astype(int), len(frames) - 1)
    above = np.minimum(below + 1, len(frames) - 1)
    part = (bins - below).astype(frames.dtype)[:, None]
    moved: Array = (1.0 - part) * frames[below] + part * frames[above]
    return np.where((bins < len(frames))[:, None], moved, 0.0).astype(frames.dtype)


def side_like_mid(side: Array, before: Array, after: Array) -> Array:
    """The difference of the channels, with the gain in time and frequency that their mean has got; at most 20 dB.

    Args:
        side: Half the difference of the two channels, (samples,).
        before: Their mean.
        after: What became of that.
    """
    gain = np.abs(spectrum_of(after)) / (np.abs(spectrum_of(before)) + TINY)
    return with_gains(side, np.clip(gain, 0.1, 10.0))
