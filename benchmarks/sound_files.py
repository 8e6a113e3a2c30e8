"""Sounds to judge by: two tunes on five instruments, speech, rain, and loops that may be used by anyone.

Greensleeves and the Ode to Joy are in the public domain, and are rendered from MIDI by FluidSynth with FluidR3 (MIT),
both on every instrument: so "Greensleeves on the piano in the manner of the Ode on the guitar" has an ideal answer.

    apt-get install fluidsynth fluid-soundfont-gm espeak-ng sonic-pi-samples

The loops of sonic-pi-samples are those that its list of licences gives as CC0. Every sound is mono, 8 s at 22,050
samples a second, with a root mean square of 0.1 unless its peak would not fit.
"""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sfumato.arrays import Array

RATE, SECONDS, LEVEL = 22_050, 8, 0.1
FADE = 0.02
"""Seconds in which a sound that is cut off fades out."""

UNIT = 0.155
"""Seconds of a tune's unit."""

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
LOOPS = Path("/usr/share/sonic-pi/samples")

INSTRUMENTS = {"piano": 0, "guitar": 29, "nylon": 24, "violin": 40, "trumpet": 56}
"""Programs of General MIDI; the guitar is the overdriven one."""

SPOKEN = (
    "We can see the style of a painting in its strokes and its colours. Can we also hear the style of a piece of music?"
)

Note = tuple[int, tuple[int, ...]]
"""Units that it lasts, and its keys; none for a rest."""

_GREEN_LENGTHS = [2, 4, 2, 3, 1, 2, 4, 2, 3, 1, 2, 4, 2, 3, 1, 2, 4, 2, 4]
_GREEN_KEYS = [69, 72, 74, 76, 77, 76, 74, 71, 67, 69, 71, 72, 69, 69, 68, 69, 71, 68, 64]
_GREEN_BASS = [45, 48, 43, 47, 45, 41, 40]
_ODE_LENGTHS = [2] * 12 + [3, 1, 4]
_ODE_KEYS = [66, 66, 67, 69, 69, 67, 66, 64, 62, 62, 64, 66]
_ODE_BASS: list[Note] = [(8, (50, 57)), (8, (45, 52)), (8, (50, 57))]

TUNES: dict[str, tuple[list[Note], list[Note]]] = {
    "green": (
        [(length, (key,)) for length, key in zip(_GREEN_LENGTHS, _GREEN_KEYS, strict=True)],
        [(2, ()), *[(6, (key,)) for key in _GREEN_BASS], (4, (40,))],
    ),
    "ode": (
        [
            (length, (key,))
            for ending in ([66, 64, 64], [64, 62, 62])
            for length, key in zip(_ODE_LENGTHS, _ODE_KEYS + ending, strict=True)
        ],
        [*_ODE_BASS, (8, (45, 52)), *_ODE_BASS, (8, (45, 50))],
    ),
}
"""Melody and bass."""

LOUDNESS = {"green": (92, 70), "ode": (92, 66)}
"""Velocities of melody and bass."""


def make_sounds(folder: Path) -> None:
    """Write the sounds that are not there yet, as WAV of 16 bits."""
    folder.mkdir(parents=True, exist_ok=True)
    if not SOUNDFONT.exists():
        raise SystemExit(f"{SOUNDFONT} is not there: apt-get install fluidsynth fluid-soundfont-gm")
    for tune in TUNES:
        for instrument, program in INSTRUMENTS.items():
            path = folder / f"{tune}_{instrument}.wav"
            if not path.exists():
                _write(path, *_rendered(tune, program))
    for name, loop in {"tabla": "loop_tabla", "garzul": "loop_garzul", "choir": "ambi_haunted_hum"}.items():
        source, path = LOOPS / f"{loop}.flac", folder / f"{name}.wav"
        if source.exists() and not path.exists():
            _write(path, *_read(source))
    if not (folder / "rain.wav").exists():
        _write(folder / "rain.wav", rain(), RATE)
    if not (folder / "speech.wav").exists():
        _speak(folder / "speech.wav")


def read(folder: Path, name: str, seconds: float) -> Array:
    """The beginning of a sound, (samples,)."""
    samples, _ = _read(folder / f"{name}.wav")
    beginning: Array = samples[: round(seconds * RATE)]
    return beginning


def _read(path: Path) -> tuple[Array, int]:
    import soundfile

    samples, rate = soundfile.read(path, dtype="float32")
    return samples, rate


def _write(path: Path, samples: Array, rate: int) -> None:
    import soundfile
    import soxr

    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    x = mono if rate == RATE else soxr.resample(mono, rate, RATE)
    x = np.pad(x, (0, max(0, SECONDS * RATE - len(x))))[: SECONDS * RATE]
    x = x * (LEVEL / np.sqrt(np.mean(x**2)))
    x = x * min(1.0, 0.99 / np.abs(x).max())
    fade = round(FADE * RATE)
    x[-fade:] *= np.linspace(1.0, 0.0, fade)
    soundfile.write(path, x, RATE, subtype="PCM_16")


def _rendered(tune: str, program: int) -> tuple[Array, int]:
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder) / "tune.mid", Path(folder) / "tune.wav"
        midi.write_bytes(midi_file(list(zip(TUNES[tune], LOUDNESS[tune], strict=True)), program))
        sound = ["fluidsynth", "-ni", "-q", "-g", "0.8", "-r", "44100", "-F", str(wav), "-O", "s16", "-T", "wav"]
        subprocess.run([*sound, str(SOUNDFONT), str(midi)], check=True, capture_output=True)
        return _read(wav)


def _speak(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        try:
            subprocess.run(["espeak-ng", "-v", "en-gb", "-s", "150", "-w", str(wav), SPOKEN], check=True)
        except FileNotFoundError:
            return
        _write(path, *_read(wav))


def midi_file(voices: Sequence[tuple[Sequence[Note], int]], program: int) -> bytes:
    """A MIDI file of one track: voices, each with its velocity, on one instrument. A tick is a millisecond."""
    events: list[tuple[float, int, int, int]] = []
    for notes, velocity in voices:
        at = 0.0
        for length, keys in notes:
            for key in keys:
                events += [(at, 0x90, key, velocity), (at + 0.95 * length * UNIT, 0x80, key, 0)]
            at += length * UNIT
    track, now = bytes([0, 0xFF, 0x51, 3, 0x0F, 0x42, 0x40, 0, 0xC0, program]), 0  # a quarter note is a second
    for seconds, *message in sorted(events):
        tick = round(1000 * seconds)
        track += _variable_length(tick - now) + bytes(message)
        now = tick
    track += bytes([0, 0xFF, 0x2F, 0])
    header = b"MThd" + (6).to_bytes(4) + bytes([0, 0, 0, 1]) + (1000).to_bytes(2)
    return header + b"MTrk" + len(track).to_bytes(4) + track


def _variable_length(value: int) -> bytes:
    """Seven bits a byte, all but the last marked."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def rain() -> Array:
    """Drops, each a short ring of its own pitch, over a quiet hiss."""
    from scipy.signal import lfilter

    random, samples = np.random.default_rng(0), SECONDS * RATE
    x: Array = 0.02 * lfilter([1.0], [1.0, -0.6], random.standard_normal(samples))
    for _ in range(180 * SECONDS):
        frequency, decay = np.exp(random.uniform(np.log(800.0), np.log(7000.0))), random.uniform(0.003, 0.02)
        t = np.arange(int(6 * decay * RATE)) / RATE
        drop = 0.15 * random.pareto(2.5) * np.exp(-t / decay)
        drop *= np.sin(2.0 * np.pi * frequency * t + random.uniform(0.0, 2.0 * np.pi))
        at = random.integers(0, samples)
        x[at : at + len(drop)] += drop[: samples - at]
    return x
