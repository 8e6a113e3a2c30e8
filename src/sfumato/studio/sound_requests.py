"""Requests to play: sounds by id and settings by name, and the command that plays the same."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sfumato.engine import NUMPY
from sfumato.errors import InputError
from sfumato.sound.builtin import PREFIX
from sfumato.sound.files import LEAST_SECONDS
from sfumato.sound.memory import lengths_by_headers, needed_memory, pairs_to_keep
from sfumato.sound.play import Playing
from sfumato.sound.problem import length_of
from sfumato.sound.settings import SoundSettings
from sfumato.studio.commands import file_word, out_name, plain
from sfumato.studio.requests import plain_name
from sfumato.studio.sound_options import field_of_memory, read_sound_settings
from sfumato.studio.sounds import SoundStore
from sfumato.studio.wording import FieldError


@dataclass(frozen=True)
class SoundRequest:
    """A sound to be made, as the page asks for it and as a job's folder keeps it.

    Args:
        content: Id of the sound to play; None for a texture, which has the manner alone.
        style: Id of the sound in whose manner.
        settings: Those that differ from their defaults.
        names: What the sounds are called where they come from, by id.
    """

    content: str | None
    style: str
    settings: Mapping[str, Any]
    names: Mapping[str, str]

    @property
    def sounds(self) -> list[str]:
        """Ids of its sounds."""
        return [self.style] if self.content is None else [self.content, self.style]

    def to_json(self) -> str:
        """The request as `read_sound_request` takes it."""
        return json.dumps(asdict(self))

    def playing(self, store: SoundStore, out: Path | None = None, *, resume: bool = False) -> Playing:
        """The job of playing, by the files of the store.

        Raises:
            InputError: for settings that cannot be used, or a sound that is not there.
        """
        content = None if self.content is None else store.source(self.content)
        return Playing(SoundSettings(**self.settings), content, [(store.source(self.style), 1.0)], out, resume)

    def outlook(self, store: SoundStore) -> dict[str, Any] | None:
        """Length and memory of the result by the headers of its sounds; None where those do not tell.

        Raises:
            InputError: if a sound is too short, or the result does not fit into the memory.
        """
        playing = self.playing(store)
        settings = playing.settings
        if self.content is not None:
            self._check_length(store, self.content, "", settings.begin, settings.seconds)
        self._check_length(store, self.style, "style_", settings.style_begin, settings.style_seconds)
        if self.content is None and settings.seconds is None:
            raise FieldError("without a sound to play, say how long the result shall be", "seconds")
        lengths = lengths_by_headers(settings, playing.content, playing.styles)
        if lengths is None:
            return None
        try:
            memory = needed_memory(lengths, pairs_to_keep(lengths, settings, NUMPY), NUMPY)
        except InputError as error:
            raise FieldError(str(error), field_of_memory(str(error))) from None
        return {"seconds": lengths.samples / lengths.rate, "memory_bytes": memory, "steps": settings.steps}

    def _check_length(self, store: SoundStore, sound: str, prefix: str, begin: float, seconds: float | None) -> None:
        """Refuse a part of a sound that is too short, by the field that makes it so."""
        length = length_of(store.source(sound), begin, seconds)
        if length is None or length[0] >= LEAST_SECONDS * length[1]:
            return
        left = f"{self._name(sound)}: {length[0] / length[1]:.2f} s of it are too short"
        field = "begin" if begin else "seconds"
        raise FieldError(f"{left}; {LEAST_SECONDS} s at least are needed", f"{prefix}{field}")

    def named(self, text: str, store: SoundStore) -> str:
        """A message with the names of sounds in place of the store's files."""
        for sound in self.sounds:
            path = store.find(sound)
            text = text.replace(str(path), self._name(sound)) if path else text
        return text

    def command(self) -> str:
        """The command line that plays the same, where the sounds lie."""
        words = ["sfumato", "sound", *(file_word(self._name(sound)) for sound in self.sounds)]
        for name, value in self.settings.items():
            words += [f"--{name.replace('_', '-')}", plain(value)]
        first = self._name(self.sounds[0]).removeprefix(PREFIX)
        stem = f"{Path(first).stem}-{'texture' if self.content is None else 'played'}"
        return shlex.join([*words, "-o", out_name(stem, ".wav", self.names.values())])

    def _name(self, sound: str) -> str:
        return sound if sound.startswith(PREFIX) else self.names.get(sound, sound)


def read_sound_request(values: Any, store: SoundStore) -> SoundRequest:
    """Read a request from JSON.

    Raises:
        InputError: if it is none, names a sound that is not there, or has settings that cannot be used.
    """
    try:
        content, style, settings = values["content"], str(values["style"]), values["settings"]
        content = None if content is None else str(content)
        names = {str(sound): plain_name(str(name)) for sound, name in dict(values["names"]).items()}
    except (KeyError, TypeError, ValueError):
        raise InputError("a request has content, style, settings, and names of sounds") from None
    request = SoundRequest(content, style, read_sound_settings(settings), names)
    kept = {sound: names[sound] for sound in request.sounds if sound in names}
    request = SoundRequest(content, style, request.settings, kept)
    try:
        playing = request.playing(store)  # refuses what cannot be used
        request.to_json().encode()
    except (OverflowError, UnicodeError):
        raise InputError("a number is too large, or a text cannot be written") from None
    if content is None and playing.settings.content_weight:
        raise InputError("choose a sound to play; without one, Content weight must be 0")
    return request
