"""The settings of `sfumato.play` and of the command `sound`: each with its type, default, choices and meaning."""

from dataclasses import dataclass, field, fields
from numbers import Real
from pathlib import Path
from typing import Any, Literal

from sfumato.arrays import Array
from sfumato.checkpoint import stable_repr
from sfumato.checks import memory_size, nonnegative, one_of, positive, whole
from sfumato.engine import Engine, as_engine
from sfumato.errors import InputError
from sfumato.optimizers import OPTIMIZERS, Optimizer, as_optimizer
from sfumato.paths import user_path
from sfumato.random_keys import Stream, generator
from sfumato.settings_fields import described, documented
from sfumato.sound.files import Sound

SoundSource = str | Path | Sound | tuple[Array, int]
"""A file, or samples, (samples,) or (samples, channels) and from -1 to 1, with their rate."""

STARTS = ("content", "eq", "mosaic", "noise")

KEEPS = {"pitch": "notes", "spectrum": "notes", "chroma": "chroma"}
"""Parts of the content that can be kept, with the bands that see it."""

CHANNELS = ("mono", "stereo")

SOUND_PRECISIONS = ("float32", "float64")

LEARNING_RATE = 0.02
"""About how far a log gain moves in the first step."""


@dataclass(frozen=True)
class SoundSettings:
    """Settings of a sound in the manner of another."""

    begin: float = field(default=0.0, metadata=described("Seconds of the content to leave out before.", metavar="S"))
    seconds: float | None = field(
        default=None,
        metadata=described("Seconds of the content to take; without content, of the result.", metavar="S", shown="all"),
    )
    style_begin: float = field(
        default=0.0, metadata=described("Seconds of each style to leave out before.", metavar="S")
    )
    style_seconds: float | None = field(
        default=None, metadata=described("Seconds of each style to take.", metavar="S", shown="all")
    )
    sample_rate: int | Literal["full"] = field(
        default=22_050,
        metadata=described(
            "Samples a second that are worked with; full: the content's. Above half of it nothing sounds. Frames "
            "have as many samples at any rate: at 44100 they last half as long.",
            metavar="N|full",
        ),
    )
    start: SoundSource = field(
        default="eq",
        metadata=described(
            "What to start from. eq: the content through a filter with the style's mean spectrum; mosaic: the content "
            "rebuilt from moments of the style; of several, a mean by their weights.",
            metavar="|".join([*STARTS, "FILE"]),
        ),
    )
    channels: str | None = field(
        default=None,
        metadata=described("Channels of the result.", choices=CHANNELS, shown="the content's"),
    )
    content_weight: float = field(default=1.0, metadata=described("Of what is played.", metavar="ALPHA"))
    style_weight: float = field(default=5.0, metadata=described("Of how it sounds.", metavar="BETA"))
    keep: str = field(
        default="pitch",
        metadata=described(
            "What of the content has to stay: its notes; its whole spectrum; or its notes without their octave.",
            choices=KEEPS,
        ),
    )
    rhythm_weight: float = field(
        default=0.0, metadata=described("Of the style's rhythm, which takes the place of the content's.")
    )
    loudness_weight: float = field(
        default=1.0,
        metadata=described(
            "Of the content's loudness, moment by moment, in four bands; 0 leaves its course to the style."
        ),
    )
    style_scale: float = field(
        default=1.0, metadata=described("Factor on the stretches of time in which the style is heard.")
    )
    optimizer: str | Optimizer[Any] | type[Optimizer[Any]] = field(
        default="lbfgs", metadata=described("Kind of optimizer: " + ", ".join(OPTIMIZERS) + ".", metavar="NAME")
    )
    learning_rate: float | None = field(
        default=None,
        metadata=described(
            "About how far the logarithm of a gain moves in a step, for L-BFGS in the first.",
            shown=f"{LEARNING_RATE:g}",
        ),
    )
    steps: int = field(default=60, metadata=described("At most: it ends when the loss no longer falls.", metavar="N"))
    seed: int = field(default=0, metadata=described("Of the random filters, and of noise to start from.", metavar="N"))
    memory: int | str | None = field(
        default=None,
        metadata=described(
            "What the program may take, as 2GB or 512MB; a sound that needs more is refused.",
            metavar="SIZE",
            shown="three quarters of the machine's",
        ),
    )
    engine: Engine | str | None = field(
        default=None, metadata=described("What computes, on which device and in what precision.")
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", user_path(self.start))
        for name in ("begin", "style_begin", "content_weight", "style_weight", "rhythm_weight", "loudness_weight"):
            nonnegative(name.replace("_", " "), getattr(self, name))
        for name in ("seconds", "style_seconds", "learning_rate"):
            if getattr(self, name) is not None:
                positive(name.replace("_", " "), getattr(self, name))
        positive("style scale", self.style_scale)
        if self.sample_rate != "full":
            whole("sample rate", self.sample_rate, 4000, 192_000)
        whole("number of steps", self.steps, 1, 10**6)
        one_of("what is kept", self.keep, KEEPS)
        if self.channels is not None:
            one_of("channels", self.channels, CHANNELS)
        if self.memory_bytes is not None:
            whole("memory", self.memory_bytes, 1)
        if not self.content_weight + self.style_weight + self.rhythm_weight:
            raise InputError("content and style have no weight, so there is nothing to play: give one of them some")
        generator(self.seed, Stream.SOUND)  # refuses a seed out of range

    @property
    def memory_bytes(self) -> int | None:
        """Bytes that the process may take; None where nothing is said."""
        return memory_size("memory=...", self.memory) if isinstance(self.memory, str) else self.memory

    def chosen_engine(self, kept: Engine | None = None) -> Engine:
        """Engine of the settings; else `kept`, that of the run that is resumed; else the default.

        Raises:
            InputError: if there is no such thing here.
        """
        return as_engine(self.engine or kept, precisions=SOUND_PRECISIONS)

    def chosen_optimizer(self) -> Optimizer[Any]:
        """Optimizer of the settings.

        Raises:
            InputError: if there is no such optimizer.
        """
        return as_optimizer(self.optimizer)

    def as_values(self, engine: Engine) -> dict[str, Any]:
        """Settings by name, as text and numbers, with backend, device and precision in place of the engine."""
        values = {own.name: getattr(self, own.name) for own in fields(SoundSettings) if own.name != "engine"}
        values |= {"memory": self.memory_bytes, "start": self.start if str(self.start) in STARTS else "a sound"}
        if not isinstance(self.optimizer, str):
            optimizer = self.chosen_optimizer()
            values["optimizer"] = f"{stable_repr(optimizer)} {optimizer.digest()}"
        plain = {name: float(v) if isinstance(v, Real) and not isinstance(v, int) else v for name, v in values.items()}
        return {**plain, **engine._asdict()}


SoundSettings.__doc__ = documented(SoundSettings)
