"""The studio's sounds to be played: their queue, and the sounds that each is about.

playings/20261130-101500-1a2b3c/    job.json  outcome.json  out.wav  .out.wav.checkpoint

The file out.wav is what `sfumato sound --out` makes.
"""

import asyncio
from asyncio.subprocess import Process
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from sfumato.sound.files import Sound
from sfumato.studio.jobs import Queue
from sfumato.studio.player import OUT
from sfumato.studio.processes import working
from sfumato.studio.sound_requests import SoundRequest, read_sound_request
from sfumato.studio.sounds import SoundStore

PLAYER = "sfumato.studio.player"

BEFORE, MANNER, AFTER = "before", "manner", "after"
"""Sounds of a job: what is played, in whose manner, and what became of it."""


class Playings(Queue[SoundRequest]):
    """Jobs of playing.

    Args:
        folder: Where they lie; it is made if need be.
        store: The sounds that they name.
        turn: Held by the job at work.
    """

    at_work = "playing"

    def __init__(self, folder: Path, store: SoundStore, turn: asyncio.Lock) -> None:
        super().__init__(folder, turn)
        self.store = store

    def file(self, name: str) -> Path | None:
        """File of a job's sound, if it has one so far."""
        path = self.folder / name / OUT
        return path if path.is_file() else None

    def sound(self, name: str, which: str) -> Sound | None:
        """One of a job's sounds, as far as it is used and is let be heard; None if there is none.

        Raises:
            SfumatoError: if it cannot be read.
        """
        if which == AFTER:
            path = self.file(name)
            return None if path is None else self.store.read(path)[0]
        request = self.request(name)
        if request is None:
            return None
        settings = request.playing(self.store).settings
        if which == MANNER:
            return self.store.part(request.style, settings.style_begin, settings.style_seconds)
        if which != BEFORE or request.content is None:
            return None
        return self.store.part(request.content, settings.begin, settings.seconds)

    def _read(self, values: Any) -> SoundRequest:
        return read_sound_request(values, self.store)

    def _process(self, folder: Path) -> AbstractAsyncContextManager[Process]:
        return working(PLAYER, str(folder.absolute()))

    def _remove_results(self, folder: Path) -> None:
        for path in (folder / OUT, *folder.glob(f".{OUT}.*")):
            path.unlink(missing_ok=True)
