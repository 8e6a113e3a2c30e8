"""The studio's application: the addresses that the page asks, and what each answers."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from sfumato.errors import SfumatoError
from sfumato.pictures.builtin import BUILTIN_STYLES, PREFIX
from sfumato.studio.answers import error_response, found, json_body, json_response
from sfumato.studio.estimates import Estimates, GivenUpError
from sfumato.studio.folder import bytes_in
from sfumato.studio.guard import PROTOCOL, Guard
from sfumato.studio.jobs import JOB_NAME, Jobs
from sfumato.studio.learn.rooms import Sessions
from sfumato.studio.lessons import lessons
from sfumato.studio.options import OPTIONS, form_settings
from sfumato.studio.painters import Painters
from sfumato.studio.palettes import Palettes
from sfumato.studio.pictures import LARGEST_SHOWN, PictureStore, converted, formats
from sfumato.studio.playings import Playings
from sfumato.studio.requests import plain_name, read_request
from sfumato.studio.sheet_room import SheetRoom
from sfumato.studio.sheets import Sheets
from sfumato.studio.sound_room import SoundRoom
from sfumato.studio.sounds import SoundStore
from sfumato.studio.store import ID_DIGITS
from sfumato.studio.tables import TableStore
from sfumato.studio.tables_room import TablesRoom
from sfumato.studio.trainings import Trainings
from sfumato.studio.wording import in_labels
from sfumato.style.painted import STYLE, Painted, painted_from
from sfumato.style.presets import PRESETS

STATIC = Path(__file__).parent / "static"

DOWNLOAD = "application/octet-stream"
"""Type of a file to be saved, whatever its format."""

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Header of an answer whose address is a digest of its content."""


def make_app(folder: Path, *, hosts: list[str], token: str, ready: Callable[[], object] = lambda: None) -> Starlette:
    """The application, behind its guard; its `state.give_up` ends what a request may be waiting for.

    Args:
        folder: What it keeps.
        hosts: See `Guard`.
        token: See `Guard`.
        ready: Called once it is started.
    """
    store = PictureStore(folder / "pictures")
    tables, sounds = TableStore(folder / "tables"), SoundStore(folder / "sounds")
    painters, turn = Painters(), asyncio.Lock()
    studio = Studio(folder, store, Jobs(folder / "jobs", store, turn, painters))
    trainings = Trainings(folder / "trainings", tables, turn)
    playings = Playings(folder / "playings", sounds, turn)
    sheets = Sheets(folder / "sheets", store, turn)
    rooms = TablesRoom(tables, trainings), SoundRoom(sounds, playings), SheetRoom(store, sheets)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        store.keep_only(studio.jobs.given() | sheets.given())
        tables.keep_only(trainings.given())
        sounds.keep_only(playings.given())
        queues = [asyncio.create_task(queue.run()) for queue in (studio.jobs, trainings, playings, sheets)]
        painters.prepare()
        ready()
        yield
        await painters.close()
        for queue in queues:
            queue.cancel()
        await asyncio.gather(*queues, return_exceptions=True)
        await studio.estimates.ended()

    app = Starlette(
        routes=[*studio.routes(), *(route for room in rooms for route in room.routes())],
        lifespan=lifespan,
        middleware=[Middleware(Guard, hosts=hosts, token=token)],
        exception_handlers={SfumatoError: error_response, HTTPException: error_response},
    )
    app.state.give_up = studio.estimates.close
    return app


class Studio:
    """The answers to all that the page can ask for.

    Args:
        folder: What the studio keeps.
        store: The pictures.
        jobs: The jobs.
    """

    def __init__(self, folder: Path, store: PictureStore, jobs: Jobs) -> None:
        self.folder, self.store, self.jobs = folder, store, jobs
        self.estimates = Estimates(jobs.folder, jobs.painters)
        self.looks = Palettes(store)
        self.sessions = Sessions()

    def routes(self) -> list[Route | Mount | WebSocketRoute]:
        """All addresses."""
        return [
            Route("/", self.page),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/api/options", self.options),
            Route("/api/lessons", self.lessons),
            Route("/api/pictures", self.add_picture, methods=["PUT"]),
            Route("/api/pictures/{picture}", self.picture),
            Route("/api/pictures/{picture}/file", self.picture_file),
            Route("/api/pictures/{picture}/mask", self.picture_mask),
            Route("/api/palettes", self.palettes, methods=["POST"]),
            Route("/api/estimate", self.estimate, methods=["POST"]),
            Route("/api/jobs", self.list_jobs, methods=["GET"]),
            Route("/api/jobs", self.add_job, methods=["POST"]),
            Route("/api/jobs/{job}", self.job, methods=["GET"]),
            Route("/api/jobs/{job}/picture", self.job_picture),
            Route("/api/jobs/{job}/{action}", self.act, methods=["POST"]),
            WebSocketRoute("/api/events", self.events),
            WebSocketRoute("/ws/learn", self.sessions.serve),
        ]

    def page(self, request: Request) -> Response:
        """The page itself."""
        return FileResponse(STATIC / "index.html")

    def options(self, request: Request) -> Response:
        """Settings, presets, built-in styles, and the formats of files."""
        presets = [{"name": name, **preset._asdict()} for name, preset in PRESETS.items()]
        styles = [{"id": f"{PREFIX}{name}", "title": title} for name, title in BUILTIN_STYLES.items()]
        settings = [own._asdict() for own in OPTIONS.values()]
        return json_response({"settings": settings, "presets": presets, "styles": styles, "formats": formats()})

    def lessons(self, request: Request) -> Response:
        """All lessons."""
        return json_response({"lessons": [lesson.told() for lesson in lessons()]})

    async def add_picture(self, request: Request) -> Response:
        """Take a picture: the body is the file, `?name=` its name."""
        name = plain_name(request.query_params.get("name", ""))
        added = await run_in_threadpool(self.store.add, await request.body(), name)
        values = {"id": added.id, "name": name, "width": added.width, "height": added.height}
        painted = painted_from(added.description)
        if painted is not None:
            values["settings"] = form_settings(painted.settings)
            values["inputs"] = self._inputs(painted)
        return json_response(values)

    def _inputs(self, painted: Painted) -> list[dict[str, Any]]:
        """The pictures that a painted file came from, each with its id, whether it is here, and a style's weight."""
        weights = dict(zip((own.number for own in painted.of_role(STYLE)), painted.shares, strict=False))
        told = []
        for own in painted.inputs:
            picture = own.name if own.name.startswith(PREFIX) else own.sha256[:ID_DIGITS]
            weight = weights.get(own.number, 1.0) if own.role == STYLE else 1.0
            values = {"role": own.role, "number": own.number, "name": plain_name(own.name), "weight": weight}
            told.append({**values, "id": picture, "here": self.store.find(picture) is not None})
        return told

    def picture(self, request: Request) -> Response:
        """A version of a picture for looking at."""
        path = self.store.find(request.path_params["picture"])
        return Response(self.store.shown(found(path), _size(request)), media_type="image/webp", headers=FOREVER)

    def picture_file(self, request: Request) -> Response:
        """A picture's file itself, to be saved."""
        return FileResponse(found(self.store.find(request.path_params["picture"])), media_type=DOWNLOAD)

    def picture_mask(self, request: Request) -> Response:
        """A picture as a mask to go on painting on."""
        path = found(self.store.find(request.path_params["picture"]))
        return Response(self.store.mask(path), media_type="image/png", headers=FOREVER)

    async def palettes(self, request: Request) -> Response:
        """Previews of each choice of colours for a request's pictures."""
        asked = await run_in_threadpool(read_request, await json_body(request), self.store)
        return json_response(await run_in_threadpool(self.looks.of, asked.content, asked.styles))

    async def estimate(self, request: Request) -> Response:
        """Time and memory that a job would take; postponed while a job is at work, whose time it would take."""
        asked = await run_in_threadpool(read_request, await json_body(request), self.store)
        if self.jobs.turn.locked() or self.jobs.waiting:
            return json_response({"estimate": None, "postponed": True})
        estimate = asyncio.create_task(self.estimates.of(asked))
        gone = asyncio.create_task(_gone(request))
        await asyncio.wait([estimate, gone], return_when=asyncio.FIRST_COMPLETED)
        if not gone.cancel():  # the page has another question by now
            estimate.cancel()
            return Response(status_code=204)
        try:
            return json_response({"estimate": await estimate})
        except GivenUpError:
            return json_response({"estimate": None, "postponed": True})

    def list_jobs(self, request: Request) -> Response:
        """All jobs, the newest first, and what the folder takes."""
        jobs = [self._told(name) for name in self.jobs.names()]
        taken = {"folder": str(self.folder), "bytes": bytes_in(self.folder)}
        return json_response({"jobs": jobs, **taken, "left": self.jobs.left})

    async def add_job(self, request: Request) -> Response:
        """Put a job in the queue, if it can be painted."""
        asked = await run_in_threadpool(read_request, await json_body(request), self.store)
        await self.estimates.check(asked)
        return json_response({"id": self.jobs.add(asked)})

    async def job(self, request: Request) -> Response:
        """One job, with its losses."""
        name = self._name(request)
        live = self.jobs.live
        losses = live.losses if live and live.name == name else self.jobs.outcome(name).get("history", [])
        return json_response({**self._told(name), "losses": losses})

    async def act(self, request: Request) -> Response:
        """Do one of `Queue.actions` to a job."""
        name = self._name(request)
        found(self.jobs.actions.get(request.path_params["action"]))(name)
        return json_response({"id": name})

    def job_picture(self, request: Request) -> Response:
        """A job's picture: the file, or with `?format=` one of another format, or with `?size=` one for looking at."""
        path = found(self.jobs.picture(self._name(request)))
        if "size" in request.query_params:
            return Response(self.store.shown(path, _size(request)), media_type="image/webp")
        suffix = request.query_params.get("format", path.suffix)
        if suffix == path.suffix:
            return FileResponse(path)
        return Response(converted(path, found(suffix if suffix in formats() else None)), media_type=DOWNLOAD)

    async def events(self, socket: WebSocket) -> None:
        """Send news, a frame for each message of the page: so it gets the newest, and no more than it can show."""
        asked = asyncio.Event()

        async def answer() -> None:
            seen: tuple[Any, ...] = ()
            while True:
                await asked.wait()
                asked.clear()
                while (now := self._moment()) == seen:
                    await self.jobs.news()
                with contextlib.suppress(WebSocketDisconnect):  # which the loop below meets too
                    await socket.send_bytes(self._frame(with_preview=now[:2] != seen[:2]))
                seen = now

        await socket.accept(PROTOCOL)
        async with anyio.create_task_group() as group:
            group.start_soon(answer)
            async for _ in socket.iter_text():
                asked.set()
            group.cancel_scope.cancel()

    def _moment(self) -> tuple[Any, ...]:
        """The state of the news, as something to compare."""
        live = self.jobs.live
        now = (live.name, live.previews, len(live.losses), live.note) if live else (None, 0, 0, "")
        return (*now, self.jobs.changes)

    def _frame(self, *, with_preview: bool) -> bytes:
        """Four bytes for the length of the JSON, the JSON, and the preview if it is new."""
        live = self.jobs.live
        values: dict[str, Any] = {"changes": self.jobs.changes, "job": None}
        if live:
            values |= {"job": live.name, "record": live.record, "note": live.note}
        told = json.dumps(values).encode()
        return len(told).to_bytes(4, "little") + told + (live.preview if live and with_preview else b"")

    def _told(self, name: str) -> dict[str, Any]:
        """A job as the page shows it."""
        request, outcome, state = self.jobs.request(name), self.jobs.outcome(name), self.jobs.state(name)
        known = ("error", "warnings", "width", "height", "loss", "steps", "seconds")
        told: dict[str, Any] = {key: outcome[key] for key in known if key in outcome}
        if "warnings" in told:
            told["warnings"] = [in_labels(text) for text in told["warnings"]]
        if request is not None:
            styles = [{"id": style, "weight": weight} for style, weight in request.styles]
            told |= {"content": request.content, "styles": styles, "settings": request.settings}
            told |= {"names": request.names, "command": request.command()}
            told |= {"masks": request.masks, "content_mask": request.content_mask}
        waiting = self.jobs.waiting
        position = waiting.index(name) + 1 if name in waiting else 0
        return {"id": name, "state": state, "position": position, "picture": bool(self.jobs.picture(name)), **told}

    def _name(self, request: Request) -> str:
        name = str(request.path_params["job"])
        if not JOB_NAME.fullmatch(name) or name not in self.jobs.names():
            raise HTTPException(404)
        return name


def _size(request: Request) -> int:
    text = request.query_params.get("size", str(LARGEST_SHOWN))
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text)):
        raise HTTPException(404)
    return int(text)


async def _gone(request: Request) -> None:
    """Wait until nobody waits for the answer any more; the body has been read."""
    await request.receive()
