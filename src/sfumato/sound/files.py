"""Files of sound: read with whatever is wrong as an error of one line, resampled, and written whole or not at all."""

import io
import math
import re
import shlex
import warnings
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from sfumato.arrays import Array
from sfumato.checks import bytes_as_text
from sfumato.errors import FileError, InputError
from sfumato.native_output import caught_output
from sfumato.outputs import is_input
from sfumato.pictures.formats import SUFFIXES as PICTURE_SUFFIXES
from sfumato.sound.containers import is_cut_off, unusual_wav
from sfumato.storage import check_place, check_readable, followed, write_atomically

WRITABLE: dict[str, tuple[str, dict[str, str]]] = {
    ".wav": ("WAV", {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}),
    ".flac": ("FLAC", {"16": "PCM_16", "24": "PCM_24"}),
    ".aiff": ("AIFF", {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}),
    ".aif": ("AIFF", {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}),
    ".ogg": ("OGG", {"": "VORBIS"}),
    ".opus": ("OGG", {"": "OPUS"}),
    ".mp3": ("MP3", {"": "MPEG_LAYER_III"}),
}
"""Formats by suffix, with what they call the numbers of bits; those without a choice of bits are lossy."""

SUFFIXES = (*WRITABLE, ".oga", ".aifc", ".caf", ".au", ".snd", ".w64", ".rf64", ".mp2")
"""Endings of the files that are taken where a folder is searched for sounds."""

RATES = {
    ".opus": (48_000, 24_000, 16_000, 12_000, 8_000),
    ".mp3": (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000),
}
"""Rates that a format can have, where it cannot have any."""

UNREAD = (".m4a", ".aac", ".wma", ".amr", ".mp4", ".mov", ".mkv", ".webm", ".ape", ".mka")
"""Endings of sounds, and of films with sound, that are not read."""

PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
"""First bytes of pictures."""

LEAST_SECONDS = 0.5
"""Length of a sound of which anything can be said."""

HIGHEST_RATE = 192_000
"""Samples a second, at most: Vorbis has no more."""

BLOCK = 2**16
"""Samples that an encoder gets at a time: Vorbis's takes its memory from the stack, and crashes on minutes at once."""

UNKNOWN = 2**62
"""Samples beyond which a length stands for one that is not known."""

INAUDIBLE = 1e-5
"""Differences of samples, -100 dB, that nobody hears."""

LIBRARY = "pip install '.[sound]'"


class Sound(NamedTuple):
    """A sound.

    Attributes:
        samples: (samples, channels), float32, mostly from -1 to 1.
        rate: Samples a second.
    """

    samples: Array
    rate: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / self.rate


class CutOffWarning(UserWarning):
    """A file of sound ends before it should, and is taken as far as it goes."""


def read_sound(path: Path, *, begin: float = 0.0, seconds: float | None = None, memory: int | None = None) -> Sound:
    """Read a sound, or a part of it.

    Args:
        path: A file; WAV without the extra `sound`, with it also FLAC, Ogg, Opus, MP3, AIFF and CAF.
        begin: Seconds to leave out before.
        seconds: Seconds to read at most; None for all.
        memory: Bytes that its samples may take.

    Raises:
        FileError: if it cannot be read, is silent, too short, or has more than two channels.
        InputError: if it ends before `begin`.
    """
    check_readable(path, "a sound")
    if not path.exists():
        raise FileError(f"{path}: no such file; check the path")
    if not path.stat().st_size:
        raise FileError(f"{path}: is empty; give a sound")
    with caught_output() as printed:  # MP3's decoder writes warnings of its own
        try:
            sound, expected = _decode(path, begin, seconds, memory)
        except (FileError, InputError, MemoryError):
            raise
        except OSError as error:
            raise FileError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
        except Exception as error:  # whatever a decoder stumbles over
            raise FileError(f"{path}: {_explain(path, error)}") from error
        incomplete = bool(printed()) or len(sound.samples) < expected
    enough = seconds is not None and len(sound.samples) >= samples_in(seconds, sound.rate)
    if incomplete or (not enough and is_cut_off(path)):
        warnings.warn(
            f"{path}: ends before it should, and is taken as far as it goes, {sound.seconds:.2f} s",
            CutOffWarning,
            stacklevel=2,
        )
    check_sound(sound, str(path))
    return sound


def check_sound(sound: Sound, name: str) -> None:
    """Refuse a sound of which nothing can be made.

    Raises:
        FileError: if it is too short or silent, or has too many channels or samples a second, or samples that are no
            numbers.
    """
    channels = sound.samples.shape[1]
    if not 0 < sound.rate <= HIGHEST_RATE:
        raise FileError(f"{name}: has {sound.rate} samples a second; {HIGHEST_RATE} at most are read: resample it")
    if channels > max(2, len(sound.samples)):
        raise FileError(f"{name}: has the shape {sound.samples.shape}; (samples, channels) is expected: transpose it")
    if channels > 2:
        raise FileError(f"{name}: has {channels} channels; mix it down to 2")
    if sound.seconds < LEAST_SECONDS:
        raise FileError(f"{name}: {sound.seconds:.2f} s of it are too short; {LEAST_SECONDS} s at least are needed")
    finite = np.isfinite(sound.samples).all(axis=1)
    if not finite.all():
        at = int(finite.argmin()) / sound.rate
        raise FileError(f"{name}: has a sample that is no number, at {at:.3f} s; cut it out, or save it again")
    if np.abs(sound.samples - sound.samples[:1]).max() < INAUDIBLE:
        raise FileError(f"{name}: is silent; give a sound that can be heard")


def _decode(path: Path, begin: float, seconds: float | None, memory: int | None) -> tuple[Sound, int]:
    """Read the samples; returns also how many there should be."""
    try:
        import soundfile
    except ImportError:
        return _decode_wav(path, begin, seconds, memory)
    with path.open("rb") as opened, soundfile.SoundFile(opened) as file:  # whatever its name is made of
        rate, start = file.samplerate, samples_in(begin, file.samplerate)
        if start and start >= file.frames:
            raise InputError(f"{path}: is {file.frames / rate:.2f} s long, and ends before {begin:g} s")
        frames = file.frames - start if seconds is None else min(file.frames - start, samples_in(seconds, rate))
        _check_memory(path, frames, rate, file.channels, memory)
        if start:  # some encodings can be read, but not sought in
            file.seek(start)
        samples = file.read(frames, dtype="float32", always_2d=True)
    return Sound(samples, rate), frames


def length_by_header(path: Path) -> tuple[int, int] | None:
    """Samples and rate of a sound file by its header, without decoding it; None where it does not tell."""
    if not path.is_file():
        return None
    with caught_output():
        try:
            frames, rate = _header(path)
        except Exception:  # whatever is wrong with it is said when it is read
            return None
    return (frames, rate) if 0 < frames < UNKNOWN and rate > 0 else None


def _header(path: Path) -> tuple[int, int]:
    try:
        import soundfile
    except ImportError:
        from scipy.io import wavfile

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rate, mapped = wavfile.read(path, mmap=True)
        return len(mapped), rate
    with path.open("rb") as opened, soundfile.SoundFile(opened) as file:
        return file.frames, file.samplerate


def samples_in(seconds: float, rate: int) -> int:
    """Samples of some seconds, of which there may be as many as a float can hold."""
    return round(min(seconds * rate, float(UNKNOWN)))


def _check_memory(path: Path, frames: int, rate: int, channels: int, memory: int | None) -> None:
    """Refuse samples that would not fit.

    Raises:
        FileError: if they would not.
    """
    needed = 4 * frames * channels
    if memory is not None and needed > memory:
        fits = max(1, memory // (4 * channels * rate))
        raise FileError(
            f"{path}: {frames / rate:.0f} s of it take {bytes_as_text(needed)} of memory, and "
            f"{bytes_as_text(memory)} are allowed; take a part of it (seconds={fits})"
        )


def _decode_wav(path: Path, begin: float, seconds: float | None, memory: int | None) -> tuple[Sound, int]:
    """Read a WAV file with SciPy alone."""
    from scipy.io import wavfile

    unusual = unusual_wav(path)
    if unusual:
        raise FileError(
            f"{path}: is {unusual}, which is read with an extra: {LIBRARY}, or convert it to WAV of 16 bits"
        )
    with path.open("rb") as file:
        head = file.read(len(b"RIFF"))
    if head not in (b"RIFF", b"RIFX"):
        raise FileError(f"{path}: {_explain(path, None, f'; other sounds than WAV need {LIBRARY}')}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rate, read = wavfile.read(path)
    samples = np.atleast_2d(read.T).T
    start = samples_in(begin, rate)
    if start and start >= len(samples):
        raise InputError(f"{path}: is {len(samples) / rate:.2f} s long, and ends before {begin:g} s")
    end = len(samples) if seconds is None else start + samples_in(seconds, rate)
    _check_memory(path, len(samples[start:end]), rate, samples.shape[1], memory)
    sound = Sound(as_floats(samples[start:end]), rate)
    return sound, len(sound.samples)


def as_floats(samples: Array) -> Array:
    """Convert samples to float32 from -1 to 1; unsigned whole numbers have silence in their middle."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    half = 2.0 ** (8 * samples.itemsize - 1)
    converted: Array = samples / half - (samples.dtype.kind == "u")
    return converted.astype(np.float32)


def _explain(path: Path, error: Exception | None, remedy: str = "; give a sound, such as a WAV file") -> str:
    """Say what is wrong with a file that cannot be decoded, and what to do."""
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(16)
    if suffix in PICTURE_SUFFIXES or head.startswith(PICTURES):
        return "is a picture; `sfumato style` paints in the manner of one"
    if suffix in UNREAD or head[4:8] == b"ftyp":
        wav = path.with_name(f"{path.stem}-converted.wav")
        return f"is a sound that is not read; convert it: ffmpeg -i {shlex.quote(str(path))} {shlex.quote(str(wav))}"
    if re.match(rb"RIFF....WAVE|riff|fLaC|OggS|ID3|FORM....AIF|caff|\.snd|\xff[\xe2-\xff]", head, re.DOTALL):
        if error is None:
            return f"is a sound that is read with an extra: {LIBRARY}, or convert it to WAV"
        said = getattr(error, "error_string", error)  # libsndfile's, without the file's name before it
        reason = " ".join(str(said).split()).rstrip(".")
        return f"is damaged or cut off ({reason}); fetch or save it again"
    return f"is not a sound that can be read{remedy}"


def resampled(samples: Array, rate: int, wanted: int) -> Array:
    """Convert samples, (samples, channels), to another rate: what is above half the lower of the two is lost."""
    if rate == wanted:
        return samples
    try:
        import soxr
    except ImportError:
        from scipy.signal import resample_poly

        common = math.gcd(rate, wanted)
        converted: Array = resample_poly(samples, wanted // common, rate // common, axis=0)
    else:
        converted = soxr.resample(samples, rate, wanted, quality="HQ")
    return converted.astype(np.float32)


def check_sound_place(
    path: str | Path, *, bits: str = "16", inputs: tuple[str, ...] = (), overwrite: bool = False
) -> Path:
    """Check, before any work, that a sound can be written there; returns the file, with links followed.

    Raises:
        InputError, FileError: if not.
    """
    check_format(path, bits=bits)
    place = followed(Path(path))
    check_format(place, bits=bits)
    if is_input(place, inputs):
        raise InputError(f"{path}: is an input of this command; name another file for the result")
    check_place(Path(path), overwrite=overwrite)
    return place


def check_format(path: str | Path, *, bits: str) -> None:
    """Check that a sound can be written under a name.

    Raises:
        InputError: for an ending that is none of a sound's, or bits that its format does not have.
        FileError: if the extra that writes it is missing.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in WRITABLE:
        hint = "; `sfumato style` paints pictures" if suffix in PICTURE_SUFFIXES else ""
        raise InputError(f"{path}: a sound is written as {', '.join(WRITABLE)}, by the ending of its name{hint}")
    kinds = WRITABLE[suffix][1]
    if "" not in kinds and bits not in kinds:
        raise InputError(f"{path}: {suffix} has {' or '.join(kinds)} bits, not {bits}")
    if suffix != ".wav" or bits == "24":
        _writer(path)


def why_left_out(name: str) -> str | None:
    """Say why a file of a folder is not read, by its name; None if it is read."""
    suffix = Path(name).suffix.lower()
    if suffix in SUFFIXES:
        return None
    if suffix in UNREAD:
        return f"{suffix}: a sound that is not read; convert it with ffmpeg"
    return f"{suffix or 'a name without ending'}: not a sound that is read"


def written_rate(path: Path, rate: int) -> int:
    """Rate at which a sound is written: its own or, where the format of the path's ending lacks it, the next above."""
    rates = RATES.get(path.suffix.lower(), (rate,))
    return rate if rate in rates else min([r for r in rates if r >= rate] or [max(rates)])


def write_sound(path: Path, sound: Sound, *, bits: str = "16") -> None:
    """Write a sound completely or not at all, in the format of the path's ending.

    Equal sounds are equal files, but for Ogg and Opus, which bear a random number of their own, and AIFF of floats,
    which bears the time.

    Raises:
        FileError: if it cannot be written.
    """
    suffix = path.suffix.lower()
    kind, subtypes = WRITABLE[suffix]
    rate = written_rate(path, sound.rate)
    samples = resampled(sound.samples, sound.rate, rate)
    buffer = io.BytesIO()  # of the disk, only the system's own errors are told apart
    if suffix == ".wav" and bits != "24":
        _encode_wav(buffer, samples, rate, bits)
    else:
        subtype = subtypes.get("") or subtypes[bits]
        channels = samples.shape[1]
        with _writer(path).SoundFile(buffer, "w", rate, channels, subtype=subtype, format=kind) as file:
            for start in range(0, len(samples), BLOCK):
                file.write(samples[start : start + BLOCK])
    write_atomically(path, buffer.getvalue())


def as_wav(sound: Sound) -> bytes:
    """The bytes of a sound as a WAV file of 16 bits."""
    buffer = io.BytesIO()
    _encode_wav(buffer, sound.samples, sound.rate, "16")
    return buffer.getvalue()


def _encode_wav(buffer: BinaryIO, samples: Array, rate: int, bits: str) -> None:
    from scipy.io import wavfile

    if bits == "16":
        samples = np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int16)
    wavfile.write(buffer, rate, samples)


def _writer(path: str | Path) -> Any:
    try:
        import soundfile
    except ImportError as error:
        raise FileError(f"{path}: other sounds than WAV of 16 or float bits need {LIBRARY}") from error
    return soundfile
