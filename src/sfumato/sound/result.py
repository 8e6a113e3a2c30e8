"""The outcome of a sound in the manner of another, and the records of its steps."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sfumato.arrays import Array
from sfumato.sound.files import Sound, check_sound_place, write_sound


@dataclass(frozen=True)
class SoundRecord:
    """Record of one step, for displays of progress.

    Attributes:
        step: Steps taken.
        steps: Steps at most.
        loss: What is minimised, before this step.
        terms: Its weighted parts, by kind: content, style, rhythm, loudness.
        seconds: Time spent so far, over all sittings of a resumed run.
        done: Share of the work that is done, from 0 to 1.
    """

    step: int
    steps: int
    loss: float
    terms: dict[str, float]
    seconds: float
    done: float


@dataclass(frozen=True, repr=False)
class SoundResult:
    """A sound in the manner of another.

    Attributes:
        samples: (samples, channels), float32, from -1 to 1.
        rate: Samples a second.
        loss: What was minimised, at the end.
        terms: Its weighted parts, by kind.
        steps: Steps taken.
        evaluations: Times that loss and gradient were computed, in this sitting.
        seconds: Time spent, over all sittings of a resumed run.
        stopped: "finished" or "interrupted".
        gain_db: What its loudest peak cost: gain of the whole in decibels, 0 or less.
        settings: What was used, as plain values.
        warnings: What went wrong without ending the run, and what to try.
        history: Loss before each step.
        content: The sound that was played, for comparison.
        files: The files that were read, which `save` does not replace.
    """

    samples: Array = field(repr=False)
    rate: int
    loss: float
    terms: dict[str, float]
    steps: int
    evaluations: int
    seconds: float
    stopped: str
    gain_db: float
    settings: dict[str, Any]
    warnings: tuple[str, ...] = ()
    history: tuple[float, ...] = field(default=(), repr=False)
    content: Sound | None = field(default=None, repr=False, compare=False)
    files: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def __repr__(self) -> str:
        length, channels = self.samples.shape
        kind = "stereo" if channels == 2 else "mono"
        return (
            f"SoundResult({length / self.rate:.2f} s, {self.rate} samples a second, {kind}, {self.stopped} after "
            f"{self.steps} steps, loss {self.loss:.4g})"
        )

    def _repr_html_(self) -> str:
        from sfumato.sound.page import players

        return players(self)

    def save(self, path: str | Path, *, bits: str = "16", overwrite: bool = False) -> None:
        """Write the sound, in the format of the path's ending.

        Args:
            path: The file: .wav, .flac, .aiff, .ogg, .opus or .mp3.
            bits: Of each sample, where the format has a choice: "16", "24" or "float".
            overwrite: Whether to replace a file that is there; never one that was read.

        Raises:
            InputError, FileError: if it cannot be written.
        """
        place = check_sound_place(path, bits=bits, inputs=self.files, overwrite=overwrite)
        write_sound(place, Sound(self.samples, self.rate), bits=bits)
