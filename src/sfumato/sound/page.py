"""A sound in a notebook: players for what was played and for the result, above their spectrograms."""

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

from sfumato.arrays import Array
from sfumato.layers.base import NOTHING, NoParameters
from sfumato.sound.spectrum import Spectrum

if TYPE_CHECKING:
    from sfumato.sound.result import SoundResult

BANDS = 128
"""Mel bands of a spectrogram."""


def players(result: "SoundResult") -> str:
    """HTML of a result: each sound with a player and its spectrogram."""
    sounds = [("the result", result.samples)]
    if result.content is not None:
        sounds.insert(0, ("the content", result.content.samples))
    return "".join(_figure(caption, samples, result.rate) for caption, samples in sounds)


def _figure(caption: str, samples: Array, rate: int) -> str:
    picture = f"data:image/png;base64,{_encoded(spectrogram(samples, rate))}"
    return (
        f"<figure><figcaption>{caption}</figcaption>{player(samples, rate)}<br>"
        f'<img class="picture" alt="spectrogram of {caption}" src="{picture}"></figure>'
    )


def player(samples: Array, rate: int) -> str:
    """HTML of a player: the sound as WAV of 16 bits within the page."""
    from scipy.io import wavfile

    file = io.BytesIO()
    wavfile.write(file, rate, np.round(np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16))
    return f'<audio controls src="data:audio/wav;base64,{_encoded(file.getvalue())}"></audio>'


def spectrogram(samples: Array, rate: int) -> bytes:
    """PNG of a sound's loudness over time and frequency, without a ground and legible on a light and on a dark one."""
    from matplotlib.figure import Figure

    from sfumato.plots.drawing import GREY

    L = loudness(samples, rate)
    figure = Figure(figsize=(6.4, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(L, origin="lower", aspect="auto", cmap="magma", extent=(0, len(samples) / rate, 0, BANDS))
    axes.set(xlabel="seconds", ylabel="mel band")
    for text in (axes.xaxis, axes.yaxis):
        text.label.set_color(GREY)
        text.set_tick_params(colors=GREY)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=150, facecolor="none")
    return file.getvalue()


def loudness(samples: Array, rate: int) -> Array:
    """Loudness of a sound, (samples, channels), in mel bands from low to high, over time: (bands, frames)."""
    mid = samples.mean(axis=1, dtype=np.float32)[None]
    L, _ = Spectrum(2048, 512, "mel", BANDS, rate).forward(NoParameters(), mid, NOTHING)
    bands: Array = L[0, :, 0].T
    return bands


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
