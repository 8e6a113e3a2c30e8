"""The spectrogram as a layer: samples in, an image of frames x 1 pixels with a channel for each band out."""

from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array, Shape, cast, like, namespace, zeros
from sfumato.checks import one_of, positive, whole
from sfumato.errors import InputError
from sfumato.kernels.ops import ops
from sfumato.kernels.spectra import frames_in
from sfumato.layers.base import Activation, Built, Forward, Layer, Needs, NoParameters, Rng, image_shape
from sfumato.sound.bands import SCALES, band_matrix, lifter_matrix

SILENCE = 1e-8
"""Added to the squares of magnitudes, whose root has no slope at zero."""

LOUDNESS = 3000.0
"""g: how much a band's magnitude counts before the logarithm; 1/g is about where quiet becomes silent."""


def mirrored(x: Array, margin: int) -> Array:
    """Continue sounds, (n, samples), by their mirror image at both ends: (n, samples + 2 margin).

    x~[i] = x[|i - margin|] before, and likewise behind; the first and the last sample stand once.
    """
    xp = namespace(x)
    before, behind = x[:, 1 : margin + 1], x[:, -margin - 1 : -1]
    both: Array = xp.concat([xp.flip(before, axis=1), x, xp.flip(behind, axis=1)], axis=1)
    return both


def mirrored_gradient(dx: Array, margin: int) -> Array:
    """Backward pass of `mirrored`: what a sample's mirror image gets is the sample's."""
    xp = namespace(dx)
    inner: Array = xp.asarray(dx[:, margin:-margin], copy=True)
    inner[:, 1 : margin + 1] += xp.flip(dx[:, :margin], axis=1)
    inner[:, -margin - 1 : -1] += xp.flip(dx[:, -margin:], axis=1)
    return inner


@dataclass(frozen=True)
class Spectrum(Layer[NoParameters]):
    """Loudness of each band of frequency in each frame of a sound.

        F[t, m] = w[m] x~[t h + m]                              frames; x~ is x, mirrored by N/2 at both ends
        X[t, k] = sum_m F[t, m] exp(-2 pi i k m / N)            their Fourier transform, k = 0 .. N/2
        M       = sqrt(|X|^2 + eps)                             magnitudes
        Y       = (2/N) M B^T                                   bands
        L       = log(1 + g Y)                                  loudness, as we hear it

    Shapes: x (n, samples), L (n, frames, 1, bands) with floor(samples / h) + 1 frames, and a Hann window w of N.

    Derivation. From dL = dJ/dL, the chain rule gives step by step

        dY = dL g / (1 + g Y),        dM = (2/N) dY B,        dX = dM X / M

    where dX stands for dJ/dRe X + i dJ/dIm X: |X| changes fastest along X itself. F is real, and Re X = sum F cos, Im X
    = -sum F sin, so that

        dF[t, m] = w[m] sum_{k=0}^{N/2} (Re dX cos(2 pi k m / N) - Im dX sin(2 pi k m / N))
                 = w[m] Re sum_{k=0}^{N/2} dX[t, k] exp(2 pi i k m / N)

    An inverse transform (irfft) divides by N, and counts the bins 1 .. N/2 - 1 twice, for themselves and for their
    mirror images above N/2. The sum counts each once, so it is that of Z with

        Z_k = N/2 dX_k  for 0 < k < N/2,        Z_k = N Re dX_k  for k = 0 and N/2

    and the frames' gradients are added where the frames lie in x~ (`overlap_add`), and what x~ mirrors, back onto x.

    Args:
        size: N, samples of a frame; a power of two is fastest.
        hop: h, samples from one frame to the next; it divides N/2.
        scale: What the bands are equal on: "mel", as we hear timbre; "notes", quarter tones; "chroma", quarter tones
            without their octave.
        bands: Number of bands on the mel scale.
        rate: Samples a second.
    """

    size: int = 2048
    hop: int = 512
    scale: str = "mel"
    bands: int = 20
    rate: int = 22_050

    def __post_init__(self) -> None:
        for name, least in {"size": 4, "hop": 1, "bands": 1, "rate": 1}.items():
            whole(f"{name} of a spectrum", getattr(self, name), least)
        one_of("scale of a spectrum", self.scale, SCALES)
        if self.size % (2 * self.hop):
            raise InputError(f"the size of a spectrum's frames must be a multiple of twice the hop, not {self.size}")

    @property
    def analytic(self) -> bool:
        return False  # |X| is no analytic function

    @property
    def parallel(self) -> bool:
        return True

    @property
    def matrix(self) -> Array:
        """B, (bands, N/2 + 1)."""
        return band_matrix(self.scale, self.bands, self.size, self.rate)

    def build(self, shape: Shape) -> Built:
        if len(shape) != 1:
            raise InputError(f"a spectrum takes sounds, (samples,), not examples of shape {shape}")
        if shape[0] <= self.size // 2:
            raise InputError(f"a sound of {shape[0]} samples is too short for frames of {self.size}")
        frames = frames_in(shape[0] + self.size, self.size, self.hop)
        return Built((frames, 1, len(self.matrix)), NoParameters())

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        xp, N, margin = namespace(x), self.size, self.size // 2
        X = ops().frame_spectra(mirrored(x, margin), N, self.hop)
        M = xp.sqrt(X.real**2 + X.imag**2 + SILENCE)
        B = cast(like(self.matrix, x), x.dtype) * (2.0 / N)
        slope = 1.0 + LOUDNESS * _times(M, B.T)
        L = xp.log(slope)
        padded = x.shape[1] + N

        def backward(dL: Array, grads: NoParameters) -> Array:
            dM = _times(dL.reshape(slope.shape) * LOUDNESS / slope, B)
            Z = X * (dM / M * (N / 2.0))
            Z[..., 0] *= 2.0
            Z[..., -1] *= 2.0
            own = ops().overlap_add(Z, N, self.hop)
            whole = zeros((len(own), padded), own)  # the last samples may lie in no frame
            whole[:, : own.shape[1]] = own
            return mirrored_gradient(whole, margin)

        return L.reshape(*L.shape[:2], 1, L.shape[2]), backward


@dataclass(frozen=True)
class Lifter(Activation):
    """Difference of a spectrum from its envelope: the notes that sound, and not with which timbre.

        V = L A^T,  A = I - K,        dL = dV A

    K is a Gaussian mean over neighbouring bands. What varies slowly over frequency is the instrument's, and is taken
    away; the peaks of the partials stay. (In speech research this is liftering, of the logarithm's own spectrum.)

    Args:
        sigma: Deviation of the Gaussian, in bands: half an octave.
    """

    sigma: float = 12.0

    def __post_init__(self) -> None:
        positive("sigma of a lifter", self.sigma)

    def build(self, shape: Shape) -> Built:
        image_shape(shape, "a lifter")
        return super().build(shape)

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        A = cast(like(lifter_matrix(x.shape[-1], self.sigma), x), x.dtype)
        return _times(x, A.T), lambda dz, grads: _times(dz, A)


def _times(x: Array, B: Array) -> Array:
    """Product of the rows of x, along its last axis, with a matrix."""
    rows = x.reshape(-1, x.shape[-1])
    out = (
        zeros((len(rows), B.shape[1]), rows)
        if not isinstance(x, np.ndarray)
        else np.empty((len(rows), B.shape[1]), np.result_type(rows, B))
    )
    ops().product(rows, B, out)
    return out.reshape(*x.shape[:-1], B.shape[1])
