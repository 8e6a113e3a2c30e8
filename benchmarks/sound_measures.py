"""Measures of a sound in the manner of another: notes, chroma and onsets that it kept, and the timbre that it reached.

Where both tunes are to be had on both instruments, there is an ideal answer: the content's tune, played by the style's
instrument (Cífka, Ozerov, Şimşekli and Richard 2021 judge by it too). Notes are heard by Basic Pitch, a network of
Spotify's that knows nothing of our features.
"""

import functools
import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sfumato.arrays import Array

RATE = 22_050
SIZE, HOP = 2048, 512
WINDOW, NOTE_HOP, OVERLAP = 43_844, 256, 30
"""Of Basic Pitch: samples that it takes at a time, and of each of its frames; frames that two windows share."""
HEARD = 0.3
"""Probability above which a note counts as heard."""


class Judgement(NamedTuple):
    """What a sound kept of the content, and reached of the style.

    Attributes:
        note: F1 of its notes against the content's.
        leak: F1 of its notes against the style's, which should not be heard.
        chroma: Cosine of its twelve pitch classes with the content's, moment by moment, weighted by loudness.
        onset: Correlation of its onsets with the content's.
        frechet: Distance of Fréchet between its MFCCs and the style's, as a part of the content's own.
        ideal: Root mean square distance of mel spectrograms from the ideal answer, in dB; None where there is none.
        flatness: Median spectral flatness, in thousandths: of noise it is hundreds.
    """

    note: float
    leak: float
    chroma: float
    onset: float
    frechet: float
    ideal: float | None
    flatness: float


class Judge:
    """Judge of sounds made of one content and one style.

    Args:
        content: (samples,), at `RATE` samples a second, as are all.
        style: In whose manner.
        ideal: The ideal answer, if there is one.
    """

    def __init__(self, content: Array, style: Array, ideal: Array | None) -> None:
        import librosa

        self.content, self.ideal = content, ideal
        self.loudness = librosa.feature.rms(y=content, hop_length=HOP)[0]
        self.chroma, self.notes, self.style_notes = pitch_classes(content), notes(content), notes(style)
        self.timbre = cepstrum(style)
        self.begun = frechet(cepstrum(content), self.timbre)

    def __call__(self, sound: Array) -> Judgement:
        import librosa

        own = notes(sound)
        return Judgement(
            note=f1(own, self.notes),
            leak=f1(own, self.style_notes),
            chroma=self._chroma(pitch_classes(sound)),
            onset=onset_correlation(sound, self.content),
            frechet=frechet(cepstrum(sound), self.timbre) / max(self.begun, 1e-9),
            ideal=None if self.ideal is None else distance(sound, self.ideal),
            flatness=1e3 * float(np.median(librosa.feature.spectral_flatness(y=sound)[0])),
        )

    def _chroma(self, own: Array) -> float:
        count = min(own.shape[1], self.chroma.shape[1], len(self.loudness))
        a, b, weight = own[:, :count], self.chroma[:, :count], self.loudness[:count]
        lengths = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
        cosines = (a * b).sum(axis=0) / np.maximum(lengths, 1e-9)
        return float((cosines * weight).sum() / weight.sum())


def loudness(sound: Array) -> Array:
    """Mel spectrogram in dB below its peak, (64, frames), at -60 at least."""
    import librosa

    power = librosa.feature.melspectrogram(y=sound, sr=RATE, n_fft=SIZE, hop_length=HOP, n_mels=64, fmax=10_000)
    peak = float(power.max())
    decibels: Array = np.maximum(librosa.power_to_db(power, ref=peak if peak > 0 else 1.0, top_db=None), -60.0)
    return decibels


def distance(sound: Array, other: Array) -> float:
    """Root mean square difference of two mel spectrograms, in dB."""
    return float(np.sqrt(np.mean((loudness(sound) - loudness(other)) ** 2)))


def cepstrum(sound: Array) -> Array:
    """Thirteen mel-frequency cepstral coefficients, without the loudness, of the moments that are not silent."""
    import librosa

    decibels = loudness(sound)
    coefficients: Array = librosa.feature.mfcc(S=decibels[:, decibels.max(axis=0) > -45.0], n_mfcc=14)[1:]
    return coefficients


def frechet(a: Array, b: Array) -> float:
    """Distance of Fréchet between two clouds of points, (dimensions, points), as if both were Gaussian."""
    from scipy.linalg import sqrtm

    A, B = (np.cov(cloud) + 1e-3 * np.eye(len(cloud)) for cloud in (a, b))
    shift = np.sum((a.mean(axis=1) - b.mean(axis=1)) ** 2)
    return float(shift + np.trace(A + B - 2.0 * np.real(sqrtm(A @ B))))


def pitch_classes(sound: Array) -> Array:
    """Chroma, (12, frames), less its mean in each moment."""
    import librosa

    chroma = librosa.feature.chroma_cqt(y=sound, sr=RATE, hop_length=HOP, bins_per_octave=36, n_chroma=12)
    centred: Array = chroma - chroma.mean(axis=0)
    return centred


def onset_correlation(sound: Array, other: Array) -> float:
    """Greatest correlation of the strengths of onsets, within two frames of lag."""
    import librosa

    a, b = (librosa.onset.onset_strength(y=one, sr=RATE, hop_length=HOP) for one in (sound, other))
    count = min(len(a), len(b))
    lags = [(max(0, lag), count + min(0, lag), max(0, -lag), count + min(0, -lag)) for lag in range(-2, 3)]
    return max(float(np.corrcoef(a[a0:a1], b[b0:b1])[0, 1]) for a0, a1, b0, b1 in lags)


def notes(sound: Array) -> Array:
    """Whether each of the 88 notes of a piano sounds, in frames of 256 samples: (frames, 88)."""
    session, name = _basic_pitch()
    padded = np.concatenate([np.zeros(OVERLAP // 2 * NOTE_HOP, np.float32), sound.astype(np.float32)])
    heard = []
    for start in range(0, len(padded), WINDOW - OVERLAP * NOTE_HOP):
        window = np.zeros((1, WINDOW, 1), np.float32)
        part = padded[start : start + WINDOW]
        window[0, : len(part), 0] = part
        (probabilities,) = session.run([name], {session.get_inputs()[0].name: window})
        heard.append(probabilities[0, OVERLAP // 2 : -(OVERLAP // 2)])
    sounding: Array = np.concatenate(heard)[: len(sound) // NOTE_HOP] > HEARD
    return sounding


@functools.cache
def _basic_pitch() -> tuple[Any, str]:
    """The network that is in the package, and the name of its output of notes; the package itself is not imported."""
    import onnxruntime

    spec = importlib.util.find_spec("basic_pitch")
    if spec is None or spec.origin is None:
        raise SystemExit("notes are heard by Basic Pitch: pip install --no-deps basic-pitch==0.4.0")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    network = Path(spec.origin).parent / "saved_models" / "icassp_2022" / "nmp.onnx"
    session = onnxruntime.InferenceSession(str(network), options)
    outputs = [output.name for output in session.get_outputs() if output.shape[-1] == 88]
    return session, outputs[NOTES]


NOTES = 1
"""Which of its outputs of 88 columns: notes that sound, and not only their onsets."""


def f1(own: Array, wanted: Array) -> float:
    """F1 of notes, frame by frame."""
    count = min(len(own), len(wanted))
    a, b = own[:count], wanted[:count]
    return float(2 * (a & b).sum() / max(int(a.sum()) + int(b.sum()), 1))
