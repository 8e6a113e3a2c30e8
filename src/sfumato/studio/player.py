"""The process that plays one sound of the studio: `python -m sfumato.studio.player FOLDER`.

It is a process of its own for the reasons of the painter, and speaks with the studio as that does. It does what
`sfumato sound` does, by the same functions. Asked to stop, it ends between two steps, and the sound so far is kept, and
gone on with bit for bit.
"""

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sfumato.errors import SfumatoError
from sfumato.outputs import locked_file
from sfumato.sound.files import CutOffWarning
from sfumato.sound.play import check_out, checkpoint_of
from sfumato.sound.result import SoundRecord, SoundResult
from sfumato.storage import dump, write_atomically
from sfumato.studio.painter import ERROR, JOB, OUTCOME, RECORD, Send, sender, stopping
from sfumato.studio.sound_requests import SoundRequest, read_sound_request
from sfumato.studio.sounds import SoundStore
from sfumato.studio.wording import told_error

OUT = "out.wav"
"""In a job's folder: the sound."""


def main(folder: Path) -> None:
    """Play, and send what there is to say."""
    send = sender()
    store = SoundStore(folder.parent.parent / "sounds")
    named: Callable[[str], str] = str
    try:
        request = read_sound_request(json.loads((folder / JOB).read_bytes()), store)

        def named(text: str) -> str:
            return request.named(text, store)

        play(folder, request, store, send)
    except (SfumatoError, MemoryError, OSError) as error:
        told = told_error(error)
        told["error"] = named(told["error"]) or "there is not enough memory: take fewer seconds"
        write_atomically(folder / OUTCOME, dump({"state": "failed", **told}))
        send(ERROR, dump(told).encode())


def play(folder: Path, request: SoundRequest, store: SoundStore, send: Send) -> None:
    """Play a job, or go on with it, and write what became of it.

    Raises:
        SfumatoError: as `Playing.play`.
    """
    stop, out = stopping(), folder / OUT
    playing = request.playing(store, out, resume=checkpoint_of(out).exists())

    def tell(record: SoundRecord) -> None:
        left = record.seconds / record.done * (1 - record.done)
        send(RECORD, dump({**asdict(record), "left": left}).encode())

    with locked_file(out), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CutOffWarning)
        playing = replace(playing, out=check_out(playing, out, overwrite=not playing.resume))
        result = playing.play(callback=tell, stop=stop)
    notes = [request.named(str(one.message), store) for one in caught if issubclass(one.category, CutOffWarning)]
    write_atomically(folder / OUTCOME, dump(_outcome(result, notes)))


def _outcome(result: SoundResult, notes: list[str]) -> dict[str, Any]:
    names = ("loss", "terms", "steps", "seconds", "gain_db", "rate", "settings", "history")
    values = {name: getattr(result, name) for name in names}
    length, channels = result.samples.shape
    values |= {"length": length / result.rate, "channels": channels, "warnings": [*notes, *result.warnings]}
    return {"state": "finished" if result.stopped == "finished" else "stopped", **values}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
