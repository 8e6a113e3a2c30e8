"""The process that paints, estimates or checks one job of the studio: `python -m sfumato.studio.painter`.

It waits for a line on standard input, JSON of a job's folder and one of `ACTIONS`: so it can be started beforehand, and
has loaded what it needs when somebody presses Paint. It is a process of its own, as the kernels of one have one owner,
and so that it can be ended whatever it is doing. It reads `job.json` in the folder and writes messages to standard
output. The end of standard input, as when the studio is killed, stops it between two steps; what is painted so far is
kept, and gone on with bit for bit.
"""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from sfumato.errors import InputError, SfumatoError
from sfumato.kernels.compiled.compiler import watching_compilation
from sfumato.outputs import locked_file
from sfumato.storage import dump, write_atomically
from sfumato.studio.pictures import PictureStore, encoded
from sfumato.studio.requests import PaintingRequest, read_request
from sfumato.studio.wording import FieldError, told_error
from sfumato.style.control.colour import COLOURS
from sfumato.style.control.masks import make_regions
from sfumato.style.inputs import read_picture, read_styles
from sfumato.style.pyramid import resize, scale_sizes
from sfumato.style.result import StepRecord, StyleResult, to_uint8
from sfumato.style.settings import STARTS
from sfumato.style.stylize import Painting, check_out, checkpoint_of

JOB, OUTCOME, OUT = "job.json", "outcome.json", "out.png"
"""Files of a job's folder: what is asked for, what became of it, and the picture."""

ACTIONS = PAINT, ESTIMATED, CHECKED = "paint", "estimate", "check"
"""To paint, to say what that would take, and to say whether it fits into the memory."""

RECORD, PREVIEW, NOTE, ESTIMATE, ERROR, EPOCH = b"r", b"p", b"n", b"e", b"x", b"t"
"""Kinds of messages: JSON of a step, a JPEG, a remark, JSON of an estimate, JSON of what is wrong, JSON of an epoch of
training."""

COMPILING = b"Compiling the loops that compute, once on this machine: up to 20 seconds."
"""Remark while there is nothing else to tell."""

PREVIEW_EDGE = 1024
"""Long edge, in pixels, of the largest preview."""

BETWEEN, SHARE = 0.5, 0.015
"""Seconds between previews, at least, and the share of the time that they may take: with the records of all steps, less
than 2 %."""

Send = Callable[[bytes, bytes], None]


def main(folder: Path, action: str) -> None:
    """Paint or estimate, and send what there is to say."""
    send = sender()
    os.chdir(folder)
    if action != PAINT:
        end_with_the_studio()
    store = PictureStore(folder.parent.parent / "pictures")
    named: Callable[[str], str] = str
    try:
        request = read_request(json.loads((folder / JOB).read_bytes()), store)
        named = partial(request.named, store=store)
        with watching_compilation(lambda: send(NOTE, COMPILING)):
            if action == PAINT:
                paint(folder, request, store, send)
            else:
                check(request, store)
                answer = estimate(request, store) if action == ESTIMATED else None
                send(ESTIMATE, json.dumps(answer).encode())
    except (SfumatoError, MemoryError, OSError) as error:
        told = told_error(error)
        told["error"] = named(told["error"]) or "there is not enough memory: choose a smaller size"
        if action == PAINT:
            write_atomically(folder / OUTCOME, dump({"state": "failed", **told}))
        send(ERROR, dump(told).encode())


def sender() -> Send:
    """A function that sends messages: a byte for the kind, four for the length, and the content.

    They take over standard output; what libraries print goes to standard error. Where nobody listens any more, as after
    the studio was killed, nothing is sent, and the run ends by itself.
    """
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(kind: bytes, content: bytes) -> None:
        with contextlib.suppress(OSError):
            stream.write(kind + len(content).to_bytes(4, "little") + content)
            stream.flush()

    return send


def stopping() -> Callable[[], bool]:
    """A function that says whether to stop: once there is something on standard input, or its end."""
    asked = threading.Event()

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)
        asked.set()

    threading.Thread(target=wait, daemon=True).start()
    return asked.is_set


def end_with_the_studio() -> None:
    """End this process once its standard input does, as when the studio ends or asks no more: nothing is lost."""

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def paint(folder: Path, request: PaintingRequest, store: PictureStore, send: Send) -> None:
    """Paint a job, or go on with it, and write what became of it.

    Raises:
        SfumatoError: as `Painting.paint`.
    """
    stop, out = stopping(), folder / OUT
    painting = request.painting(store, out, resume=checkpoint_of(out).exists())
    with locked_file(out):
        painting = replace(painting, out=check_out(painting, out, checkpoint_of, overwrite=not painting.resume))
        reporter = Reporter(send)
        if not painting.resume:
            reporter.show_start(painting)
        result = painting.paint(callback=reporter.after_step, stop=stop)
        write_atomically(folder / OUTCOME, dump(_outcome(result)))


def _outcome(result: StyleResult) -> dict[str, Any]:
    height, width, _ = result.picture.shape
    names = ("loss", "content_loss", "style_loss", "tv_loss", "steps", "seconds", "warnings", "settings", "history")
    values = {name: getattr(result, name) for name in names}
    state = "finished" if result.stopped == "finished" else "stopped"
    return {"state": state, "width": width, "height": height, **values}


class Reporter:
    """Sends the record of every step, and a preview now and then.

    Args:
        send: Takes the messages.
    """

    def __init__(self, send: Send) -> None:
        self.send, self.began, self.last, self.spent = send, time.perf_counter(), 0.0, 0.0

    def show_start(self, painting: Painting) -> None:
        """Show the picture that the first size begins with, unless that is noise: nothing is there any sooner."""
        settings = painting.transfer
        start = painting.content if settings.start == "content" else settings.start
        if start in STARTS or COLOURS[settings.colour].alone:
            return
        height, width, _ = read_picture(painting.content, settings.reading).shape
        edge = max(height, width) if settings.size == "full" else settings.size
        smallest = scale_sizes(height, width, edge, settings.scales)[0]
        begun = to_uint8(resize(read_picture(start, settings.reading), *smallest))
        self.send(PREVIEW, encoded(begun, PREVIEW_EDGE, "JPEG"))

    def after_step(self, record: StepRecord) -> None:
        """Tell of a step."""
        names = ("scale", "scales", "step", "steps", "width", "height", "loss", "content_loss", "style_loss", "tv_loss")
        values = {name: getattr(record, name) for name in (*names, "seconds", "done")}
        left = record.seconds / record.done * (1 - record.done)
        self.send(RECORD, json.dumps({**values, "left": left}).encode())
        now = time.perf_counter() - self.began
        if self.last and (now - self.last < BETWEEN or self.spent > SHARE * now):
            return
        self.send(PREVIEW, encoded(record.picture, PREVIEW_EDGE, "JPEG"))
        self.last = time.perf_counter() - self.began
        self.spent += self.last - now


def estimate(request: PaintingRequest, store: PictureStore) -> dict[str, Any] | None:
    """Memory and time of a job, as `Estimate` has them; None for what takes a moment.

    Raises:
        SfumatoError: as `StyleTransfer.estimate`.
    """
    painting = request.painting(store)
    if COLOURS[painting.transfer.colour].alone:
        return None
    return asdict(painting.transfer.estimate(painting.content, painting.styles, masks=painting.masks))


def check(request: PaintingRequest, store: PictureStore) -> None:
    """Refuse a job that cannot be painted.

    Raises:
        SfumatoError: as `StyleTransfer.plan`; a `FieldError` for strokes of a size that cannot be, and for a size that
            does not fit, with the largest that does.
    """
    painting = request.painting(store)
    transfer, pictures = painting.transfer, (painting.content, painting.styles)
    if COLOURS[transfer.colour].alone:
        how = transfer.reading
        shape = read_picture(painting.content, how).shape[:2]
        make_regions(read_styles(painting.styles, how), painting.masks, shape, how)
        return
    try:
        transfer.plan(*pictures, masks=painting.masks)
    except InputError as error:
        if "style_scale=" in str(error):
            raise FieldError(str(error), "style_scale") from error
        try:
            fits = transfer.largest_size(*pictures, masks=painting.masks)
            replace(transfer, size=fits).plan(*pictures, masks=painting.masks)
        except SfumatoError:
            raise error from None
        height, width, _ = read_picture(painting.content, transfer.reading).shape
        if fits >= (max(height, width) if transfer.size == "full" else transfer.size):
            raise
        raise FieldError(f"{error}; {fits} is the largest size that fits", "size") from error


if __name__ == "__main__":
    if job := sys.stdin.buffer.readline():  # else the studio ended before there was a job
        place, asked = json.loads(job)
        main(Path(place), asked)
