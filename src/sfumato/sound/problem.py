"""Preparation of a sound from files or samples: levels, spectra, targets, and the sound to start from."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sfumato.arrays import Array, cast, fingerprint, to_numpy
from sfumato.checks import whole
from sfumato.engine import Engine, allowed_memory
from sfumato.errors import InputError
from sfumato.kernels.gram import total_and_gram_matrix
from sfumato.layers import Convolution
from sfumato.layers.base import NOTHING, NoParameters
from sfumato.losses.autocorrelation import AutocorrelationLoss, autocorrelation
from sfumato.losses.content import ContentLoss
from sfumato.losses.gram import FeatureMoments, GramLoss
from sfumato.network import Network
from sfumato.random_keys import Stream, generator
from sfumato.sound.builtin import sound_path
from sfumato.sound.files import (
    LEAST_SECONDS,
    Sound,
    as_floats,
    check_sound,
    length_by_header,
    read_sound,
    resampled,
    samples_in,
)
from sfumato.sound.objective import SoundObjective, Term
from sfumato.sound.rendering import BOUND, TEXTURE_BOUND, Gains
from sfumato.sound.settings import KEEPS, STARTS, SoundSettings, SoundSource
from sfumato.sound.spectrum import Lifter, Spectrum
from sfumato.sound.starts import (
    equalised,
    equaliser,
    filtered,
    loudness_gains,
    mosaic,
    noise,
    side_like_mid,
    with_gains,
)

LEVEL = 0.1
"""Root mean square that every sound is brought to before anything is measured, -20 dB: loudness is a logarithm, and
losses depend on the level."""

LOUDEST = 0.99
"""Peak of the result; one that is louder is made quieter, never clipped."""

STYLE_BANDS, FILTERS, WIDTHS = 20, 256, (1, 7, 23)
"""Coarse bands, which tell an instrument from the notes that it plays; random filters, and the frames that they see, up
to half a second. Chosen on three pairs of benchmarks/sound.py."""

RHYTHM_SECONDS = 4.0
"""Longest time between two things that makes a rhythm."""

LOUDNESS_BANDS = 4

CANCELLED = 1e-3
"""Level of the mean of two channels, as a part of their own, below which they cancel."""

SILENT, HEARD = 0.1, 0.4
"""Mean loudness of a frame, as a part of the loudest frame's, up to which it is silent, and from which it is heard."""


class Style(NamedTuple):
    """A sound whose manner is wanted, with its weight, which add up to one."""

    samples: Array
    weight: float


class SoundProblem:
    """Content and styles at one rate and level, and the objective that they make.

    Args:
        settings: The settings.
        content: The sound to play; None for a texture, which has the style's manner alone.
        styles: Those in whose manner to play it, with their weights.
        engine: Where to compute.

    Raises:
        InputError, FileError: for sounds that cannot be used.
    """

    def __init__(
        self,
        settings: SoundSettings,
        content: SoundSource | None,
        styles: Sequence[tuple[SoundSource, float]],
        engine: Engine,
    ) -> None:
        self.settings, self.engine = settings, engine
        memory = allowed_memory(settings.memory_bytes)
        read = read_styles(settings, styles)
        self.has_content = content is not None
        if content is None:
            self.original = _empty(settings, read[0].rate)
        else:
            self.original = as_sound(content, memory=memory, begin=settings.begin, seconds=settings.seconds)
        self.rate = self.original.rate if settings.sample_rate == "full" else int(settings.sample_rate)
        total = sum(weight for _, weight in styles)
        self.styles = [
            Style(_levelled(_mono(self._at_rate(sound))), weight / total)
            for sound, (_, weight) in zip(read, styles, strict=True)
        ]
        channels = self._at_rate(self.original)
        self.level = _level(channels) if self.has_content else LEVEL
        channels = channels * (LEVEL / self.level) if self.has_content else channels
        self.mid = _mono(channels)
        if self.has_content:
            _check_mean(self.mid, LEVEL)
        wanted = settings.channels or ("stereo" if channels.shape[1] == 2 else "mono")
        self.side = (channels[:, 0] - channels[:, -1]) / 2.0 if wanted == "stereo" else None
        self.given = self._given(self._kind_of_start())

    def _given(self, kind: SoundSource) -> Array | None:
        """The user's sound to start from, as long as the content; None where it is another.

        Raises:
            InputError, FileError: if it cannot be used, or is shorter.
        """
        if str(kind) in STARTS:
            return None
        start = _levelled(_mono(self._at_rate(read_start(kind, self.settings))))
        if len(start) < len(self.mid):
            raise InputError(
                f"the sound to start from is {len(start) / self.rate:.2f} s long, and the content "
                f"{len(self.mid) / self.rate:.2f} s; give one as long"
            )
        return start[: len(self.mid)]

    def _at_rate(self, sound: Sound) -> Array:
        return resampled(sound.samples, sound.rate, self.rate)

    def fingerprint(self) -> str:
        """Digest of the sounds."""
        start = np.zeros(0) if self.given is None else self.given
        side = np.zeros(0) if self.side is None else self.side
        return fingerprint(self.mid, side, np.array([self.level]), start, *[style.samples for style in self.styles])

    def _kind_of_start(self) -> SoundSource:
        """One of `STARTS`, or a sound: the content, where nothing else is asked for; noise, where there is none."""
        settings = self.settings
        if not self.has_content:
            return "noise"
        return settings.start if settings.style_weight or not settings.content_weight else "content"

    def start(self) -> Array:
        """The sound to start from, (samples,)."""
        settings, kind = self.settings, self._kind_of_start()
        if kind == "content":
            return self.mid
        if kind == "eq":
            return equalised(self.mid, self.styles)
        if kind == "mosaic":
            return mosaic(self.mid, self.styles)
        if kind == "noise":
            return equalised(noise(len(self.mid), LEVEL, settings.seed), self.styles)
        assert self.given is not None, "what is none of these is a sound of the user's"
        return self.given

    def rendering(self) -> Gains:
        """The sound as a function of theta: gains on the start."""
        kept = self.has_content and self.settings.content_weight > 0
        return Gains(self._place(self.start()), BOUND if kept else TEXTURE_BOUND)

    def objective(self, rendering: Gains) -> SoundObjective:
        """The objective: the terms that have a weight, on each spectrum."""
        settings, terms = self.settings, dict[Spectrum, list[Term]]()
        timbre = Spectrum(2048, 512, "mel", STYLE_BANDS, self.rate)
        if settings.style_weight:
            terms[timbre] = list(self._style_terms(timbre))
        if settings.rhythm_weight:
            terms.setdefault(timbre, []).append(self._rhythm_term(timbre))
        if settings.content_weight and self.has_content:
            notes = Spectrum(4096, 512, KEEPS[settings.keep], rate=self.rate)
            lifter = Network([Lifter()], self._shape(notes)) if settings.keep == "pitch" else None
            terms[notes] = [self._kept_term("content", notes, settings.content_weight, lifter)]
        if settings.loudness_weight and self.has_content:
            coarse = Spectrum(2048, 512, "mel", LOUDNESS_BANDS, self.rate)
            terms[coarse] = [self._kept_term("loudness", coarse, settings.loudness_weight)]
        return SoundObjective(rendering, terms)

    def _shape(self, spectrum: Spectrum, samples: int | None = None) -> tuple[int, ...]:
        return spectrum.build((len(self.mid) if samples is None else samples,)).output_shape

    def _style_terms(self, spectrum: Spectrum) -> Iterable[Term]:
        """Gram matrices of random filters over time, of several lengths."""
        heard = [self._spectrum_of(spectrum, style.samples) for style in self.styles]
        sounding = [heard_frames(L) for L in heard]
        own = heard_frames(self._spectrum_of(spectrum, self.mid)) if self.has_content else None
        shares = [style.weight for style in self.styles]
        mean = float(np.average([L.mean() for L in heard], weights=shares))
        deviation = math.sqrt(np.average([((L - mean) ** 2).mean() for L in heard], weights=shares))
        shortest = min(self._shape(spectrum)[0], *[L.shape[1] for L in heard])
        widths = sorted({max(1, round(min(width * self.settings.style_scale, shortest))) for width in WIDTHS})
        for step, width in enumerate(widths):
            layers = [Convolution(FILTERS, (width, 1), padding=0, relu=True)]
            W = generator(self.settings.seed, Stream.SOUND, step + 1).standard_normal((FILTERS, width, 1, STYLE_BANDS))
            W *= math.sqrt(2.0 / (width * STYLE_BANDS)) / deviation  # of the bands, made standard: (L - m) / s
            theta = self._put(np.concatenate([W.reshape(-1), -mean * W.sum(axis=(1, 2, 3))]))
            targets = []
            for L, frames, style in zip(heard, sounding, self.styles, strict=True):
                features = Network(layers, L.shape[1:]).apply(theta, self._put(L))
                mask = positions_of(frames, width)
                sums = total_and_gram_matrix(to_numpy(features), mask, totals=False)
                targets.append((FeatureMoments(float(mask.sum()), *sums), style.weight))
            loss = GramLoss(targets, None if own is None else self._put(positions_of(own, width)))
            weight = self.settings.style_weight / len(widths)
            yield Term("style", Network(layers, self._shape(spectrum)), theta, loss, weight)

    def _rhythm_term(self, spectrum: Spectrum) -> Term:
        lags = round(RHYTHM_SECONDS * self.rate / spectrum.hop)
        target = np.zeros((lags, STYLE_BANDS))
        for style in self.styles:
            target += style.weight * autocorrelation(self._spectrum_of(spectrum, style.samples), lags)
        return Term("rhythm", None, self._put(np.zeros(0)), AutocorrelationLoss(target), self.settings.rhythm_weight)

    def _kept_term(self, kind: str, spectrum: Spectrum, weight: float, network: Network | None = None) -> Term:
        """Loss on the part of the content's own spectrum that shall stay."""
        nothing, target = self._put(np.zeros(0)), self._put(self._spectrum_of(spectrum, self.mid))
        return Term(
            kind, network, nothing, ContentLoss(target if network is None else network.apply(nothing, target)), weight
        )

    def _spectrum_of(self, spectrum: Spectrum, samples: Array) -> Array:
        L, _ = spectrum.forward(NoParameters(), self._place(samples), NOTHING)
        return to_numpy(L)

    def _place(self, samples: Array) -> Array:
        """A sound, (samples,), where it is computed: (1, samples)."""
        return self._put(samples[None])

    def _put(self, values: Array) -> Array:
        return self.engine.master.put(values)

    def side_to_play(self) -> Array | None:
        """Half the difference of the channels through all that their mean has been through before the gains.

        None where there is none, or that is no filter: in a mosaic, in noise, and in a sound of the user's.
        """
        kind = self._kind_of_start()
        if self.side is None or kind not in ("content", "eq"):
            return None
        return self.side if kind == "content" else filtered(self.side, equaliser(self.mid, self.styles))

    def finish(self, mid: Array, side: Array | None = None) -> tuple[Sound, float]:
        """The result: both channels, at the content's level, rate and length; and the gain in dB that its peak cost.

        Args:
            mid: What became of the mean of the channels.
            side: What became of half their difference; None for the gains in loudness that the mean has got.
        """
        if self.side is not None:
            side = side_like_mid(self.side, self.mid, mid) if side is None else side
        if self.has_content and self.settings.style_weight and self.settings.loudness_weight:
            gains = loudness_gains(mid, equalised(self.mid, self.styles))
            mid, side = with_gains(mid, gains), None if side is None else with_gains(side, gains)
        channels = mid[:, None]
        if side is not None:
            channels = np.stack([mid + side, mid - side], axis=1)
        samples = resampled(channels, self.rate, self.original.rate)
        samples = samples * (self.level / max(_level(samples), 1e-12))
        length = len(self.original.samples)
        samples = np.pad(samples[:length], ((0, length - len(samples[:length])), (0, 0)))
        peak = float(np.abs(samples).max())
        gain = min(1.0, LOUDEST / peak) if peak else 1.0
        return Sound((samples * gain).astype(np.float32), self.original.rate), 20.0 * math.log10(gain)


def heard_frames(L: Array) -> Array:
    """Share of each frame of a spectrum that counts as sound and not as silence, (frames,), from 0 to 1.

    Silence has no timbre. If it counted, a sound with pauses in the manner of one without would have to fill them.
    """
    level = L[0, :, 0].mean(axis=1)
    part = level / max(float(level.max()), 1e-12)
    heard: Array = np.clip((part - SILENT) / (HEARD - SILENT), 0.0, 1.0)
    return heard


def positions_of(frames: Array, width: int) -> Array:
    """Share of each position of filters of some frames that counts, (1, positions, 1, 1): that of its least frame.

    Of a sound that is never heard for as long as a filter, such as clicks, each counts as much as its loudest frame.
    """
    windows = np.lib.stride_tricks.sliding_window_view(frames, width)
    least = windows.min(axis=1)
    mask: Array = least if least.any() else windows.max(axis=1)
    return mask.astype(np.float32)[None, :, None, None]


def as_sound(
    source: SoundSource, *, begin: float = 0.0, seconds: float | None = None, memory: int | None = None
) -> Sound:
    """A sound from a file, or from samples and their rate, without the constant offset of its channels.

    An offset cannot be heard, but would count as loudness wherever levels are compared.

    Raises:
        InputError, FileError: if it cannot be used.
    """
    if isinstance(source, str | Path):
        return _centred(read_sound(sound_path(source), begin=begin, seconds=seconds, memory=memory))
    if not isinstance(source, tuple) or len(source) != 2:
        raise InputError(f"a sound is a file, or a pair of samples and their rate, not {type(source).__name__}")
    samples, rate = np.asarray(source[0]), source[1]
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "fiu":
        raise InputError(f"samples are numbers, (samples,) or (samples, channels), not of shape {samples.shape}")
    rate = whole("rate of a sound", rate, 1)
    samples = as_floats(np.atleast_2d(samples.T).T)
    start = samples_in(begin, rate)
    if start and start >= len(samples):
        raise InputError(f"the sound: is {len(samples) / rate:.2f} s long, and ends before {begin:g} s")
    sound = Sound(samples[start : None if seconds is None else start + samples_in(seconds, rate)], rate)
    check_sound(sound, "the sound")
    return _centred(sound)


def _centred(sound: Sound) -> Sound:
    """The sound with the mean of each channel taken away."""
    return sound._replace(samples=sound.samples - sound.samples.mean(axis=0, dtype=np.float64).astype(np.float32))


def read_styles(settings: SoundSettings, styles: Sequence[tuple[SoundSource, float]]) -> list[Sound]:
    """The styles, or the part of each that the settings ask for.

    Raises:
        InputError, FileError: if one cannot be used.
    """
    memory = allowed_memory(settings.memory_bytes)
    read = [
        as_sound(style, begin=settings.style_begin, seconds=settings.style_seconds, memory=memory)
        for style, _ in styles
    ]
    for sound in read:
        _check_mean(_mono(sound.samples), _level(sound.samples))
    return read


def read_start(start: SoundSource, settings: SoundSettings) -> Sound:
    """The user's sound to start from.

    Raises:
        InputError, FileError: if it cannot be used.
    """
    return as_sound(start, memory=allowed_memory(settings.memory_bytes))


def length_of(source: SoundSource, begin: float, seconds: float | None) -> tuple[int, int] | None:
    """Samples and rate of what will be read of a sound, without reading it; None where that is not known."""
    found: tuple[int, int] | None = None
    if isinstance(source, str | Path):
        found = length_by_header(sound_path(source))
    elif isinstance(source, tuple) and len(source) == 2 and np.ndim(source[0]):
        found = len(source[0]), whole("rate of a sound", source[1], 1)
    if found is None:
        return None
    samples, rate = found
    left = samples - samples_in(begin, rate)
    return max(0, left if seconds is None else min(left, samples_in(seconds, rate))), rate


def _empty(settings: SoundSettings, rate: int) -> Sound:
    """Silence as long as a texture shall be."""
    if settings.seconds is None:
        raise InputError("without content the length of the result is not known: give seconds=...")
    if settings.seconds < LEAST_SECONDS:
        raise InputError(f"a sound has {LEAST_SECONDS} s at least, not {settings.seconds:g}")
    return Sound(np.zeros((samples_in(settings.seconds, rate), 1), np.float32), rate)


def _mono(channels: Array) -> Array:
    mean: Array = channels.mean(axis=1)
    return mean


def _level(samples: Array) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _check_mean(mid: Array, level: float) -> Array:
    """Return the mean of two channels of some level, if they do not cancel.

    Raises:
        InputError: if they do: there is nothing left to hear.
    """
    if _level(mid) < CANCELLED * level:
        raise InputError("the two channels of a sound cancel each other out: turn one over, or give one of them")
    return mid


def _levelled(samples: Array) -> Array:
    return cast(samples * (LEVEL / max(_level(samples), 1e-12)), np.float32)
