"""Sounds as functions of what is optimised: gains on the spectrum of another sound."""

from collections.abc import Callable

from sfumato.arrays import Array, cast, like, namespace, zeros
from sfumato.kernels.ops import ops
from sfumato.kernels.spectra import frames_in, hann_window
from sfumato.sound.spectrum import mirrored

SIZE, HOP = 2048, 512
"""Samples of a frame whose bins have gains, and from one frame to the next."""

BOUND = 2.3
"""Limit of the logarithm of a gain, 20 dB either way: bands that no term holds, as where the content is silent, would
else take the whole of the style upon themselves."""

TEXTURE_BOUND = 3.45
"""The same, 30 dB, where there is no content to keep: the bands of a drum stand up to 24 dB above their mean, and up
to 35 below it for a tenth of the time, so that 20 dB are too few to make strokes of noise. With 40, single bursts grow
as loud as they can."""


class Gains:
    """Gains on the spectrum of a sound: theta is their logarithm, but for a bound, for each frame and bin.

        q[t, k] = b tanh(theta[t, k] / b)                       about theta where that is small, and never beyond b
        Y[t, k] = exp(q[t, k]) X0[t, k],            y[t] = irfft(Y[t])
        x~      = sum_t w y[t] / sum_t w^2          (overlap-add),        x = x~ without its mirrored ends

    X0 is the spectrum of the start, as in `Spectrum`. Theta = 0 is the start itself, since its frames have been under
    the window once before and are so twice. A gain can raise and lower what sounds, but cannot put in what is not there
    at all, and phases stay the start's.

    Derivation. With e = dx~ / sum w^2, the gradient of the samples of frame t is w e[t], and irfft's bins 1 .. N/2 - 1
    have effect twice, so

        dY[t, k] = c_k rfft(w e[t])[k],        c_k = 2/N for 0 < k < N/2, and 1/N for k = 0 and N/2

    with dY for dJ/dRe Y + i dJ/dIm Y, as in `Spectrum`; and as dY/dq = Y and dq/dtheta = 1 - tanh^2,

        dtheta = Re(conj(dY) Y) (1 - (q / b)^2)

    Args:
        start: The sound to start from, (1, samples).
        bound: b.
    """

    def __init__(self, start: Array, bound: float = BOUND) -> None:
        self.samples, self.margin, self.bound = start.shape[1], SIZE // 2, bound
        self.spectrum = ops().frame_spectra(mirrored(start, self.margin), SIZE, HOP)
        self.shape = self.spectrum.shape[1:]
        self.size = self.shape[0] * self.shape[1]
        self.covered = (self.shape[0] - 1) * HOP + SIZE
        self.weight = self._weight(start)

    def _weight(self, start: Array) -> Array:
        """1 / sum_t w^2 where it counts, and 0 in the mirrored ends, (1, covered)."""
        square = zeros((1, self.covered), start)
        window = hann_window(SIZE) ** 2
        own = cast(like(window, start), start.dtype)
        for frame in range(self.shape[0]):
            square[0, frame * HOP : frame * HOP + SIZE] += own
        inverse = zeros((1, self.covered), start)
        inside = slice(self.margin, self.margin + self.samples)
        inverse[:, inside] = 1.0 / square[:, inside]
        return inverse

    def first(self) -> Array:
        return zeros((self.size,), self.weight)

    def apply(self, theta: Array, sound: Array) -> Array:
        """Another sound, (1, samples), with the same gains."""
        Y, _ = self._louder(theta, ops().frame_spectra(mirrored(sound, self.margin), SIZE, HOP))
        return self._played(Y)

    def _louder(self, theta: Array, spectrum: Array) -> tuple[Array, Array]:
        """A spectrum with the gains; and tanh(theta / b)."""
        xp = namespace(theta)
        bent = xp.tanh(theta / self.bound)
        Y: Array = xp.exp(self.bound * bent).reshape(1, *self.shape) * spectrum
        return Y, bent

    def _played(self, Y: Array) -> Array:
        """Samples of a spectrum."""
        x: Array = (ops().overlap_add(Y, SIZE, HOP) * self.weight)[:, self.margin : self.margin + self.samples]
        return x

    def forward(self, theta: Array) -> tuple[Array, Callable[[Array], Array]]:
        Y, bent = self._louder(theta, self.spectrum)

        def backward(dx: Array) -> Array:
            whole = zeros((1, self.covered), dx)
            whole[:, self.margin : self.margin + self.samples] = dx
            dY = ops().frame_spectra(whole * self.weight, SIZE, HOP)
            dtheta = (dY.real * Y.real + dY.imag * Y.imag) * (2.0 / SIZE)
            dtheta[..., 0] *= 0.5
            dtheta[..., -1] *= 0.5
            gradient: Array = dtheta.reshape(-1) * (1.0 - bent**2)
            return gradient

        return self._played(Y), backward


def frames_of(samples: int) -> int:
    """Frames of a sound of so many samples, mirrored at its ends."""
    return frames_in(samples + SIZE, SIZE, HOP)
