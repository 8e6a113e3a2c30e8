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

from sfumato.errors import InputError, SfumatoError
from sfumato.pictures.builtin import BUILTIN_STYLES, PREFIX
from sfumato.storage import dump
from sfumato.studio.folder import bytes_in
from sfumato.studio.guard import PROTOCOL, Guard
from sfumato.studio.jobs import JOB_NAME, Estimates, Jobs
from sfumato.studio.learn.rooms import Sessions
from sfumato.studio.lessons import lessons
from sfumato.studio.options import OPTIONS, settings_in
from sfumato.studio.pictures import LARGEST_SHOWN, PictureStore, converted, formats
from sfumato.studio.requests import plain_name, read_request
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
    studio = Studio(folder, store, Jobs(folder / "jobs", store))

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        store.keep_only(studio.jobs.pictures())
        painting = asyncio.create_task(studio.jobs.run())
        ready()
        yield
        painting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await painting
        await studio.estimates.ended()

    app = Starlette(
        routes=studio.routes(),
        lifespan=lifespan,
        middleware=[Middleware(Guard, hosts=hosts, token=token)],
        exception_handlers={SfumatoError: _told, HTTPException: _told},
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
        self.estimates = Estimates(jobs.folder)
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
        return _json({"settings": settings, "presets": presets, "styles": styles, "formats": formats()})

    def lessons(self, request: Request) -> Response:
        """All lessons."""
        return _json({"lessons": [lesson.told() for lesson in lessons()]})

    async def add_picture(self, request: Request) -> Response:
        """Take a picture: the body is the file, `?name=` its name."""
        name = plain_name(request.query_params.get("name", ""))
        added = await run_in_threadpool(self.store.add, await request.body(), name)
        values = {"id": added.id, "name": name, "width": added.width, "height": added.height}
        settings = settings_in(added.description)
        if settings is not None:
            values["settings"] = settings
            values["job"] = await run_in_threadpool(self._job_of, json.loads(added.description or "")["pictures"])
        return _json(values)

    def picture(self, request: Request) -> Response:
        """A version of a picture for looking at."""
        path = self.store.find(request.path_params["picture"])
        return Response(self.store.shown(_found(path), _size(request)), media_type="image/webp", headers=FOREVER)

    async def estimate(self, request: Request) -> Response:
        """Time and memory that a job would take."""
        asked = await run_in_threadpool(read_request, await _body(request), self.store)
        estimate = asyncio.create_task(self.estimates.of(asked))
        gone = asyncio.create_task(_gone(request))
        await asyncio.wait([estimate, gone], return_when=asyncio.FIRST_COMPLETED)
        if not gone.cancel():  # the page has another question by now
            estimate.cancel()
            return Response(status_code=204)
        return _json({"estimate": await estimate})

    def list_jobs(self, request: Request) -> Response:
        """All jobs, the newest first, and what the folder takes."""
        jobs = [self._told(name) for name in self.jobs.names()]
        return _json({"jobs": jobs, "folder": str(self.folder), "bytes": bytes_in(self.folder)})

    async def add_job(self, request: Request) -> Response:
        """Put a job in the queue."""
        asked = await run_in_threadpool(read_request, await _body(request), self.store)
        return _json({"id": self.jobs.add(asked)})

    async def job(self, request: Request) -> Response:
        """One job, with its losses."""
        name = self._name(request)
        live = self.jobs.live
        losses = live.losses if live and live.name == name else self.jobs.outcome(name).get("history", [])
        return _json({**self._told(name), "losses": losses})

    async def act(self, request: Request) -> Response:
        """Stop a job, go on with it, or remove it."""
        name, action = self._name(request), request.path_params["action"]
        actions = {"stop": self.jobs.stop, "resume": self.jobs.resume, "remove": self.jobs.remove}
        _found(actions.get(action))(name)
        return _json({"id": name})

    def job_picture(self, request: Request) -> Response:
        """A job's picture: the file, or with `?format=` one of another format, or with `?size=` one for looking at."""
        path = _found(self.jobs.picture(self._name(request)))
        if "size" in request.query_params:
            return Response(self.store.shown(path, _size(request)), media_type="image/webp")
        suffix = request.query_params.get("format", path.suffix)
        if suffix == path.suffix:
            return FileResponse(path)
        return Response(converted(path, _found(suffix if suffix in formats() else None)), media_type=DOWNLOAD)

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
        if request is not None:
            styles = [{"id": style, "weight": weight} for style, weight in request.styles]
            told |= {"content": request.content, "styles": styles, "settings": request.settings}
            told |= {"names": request.names, "command": request.command()}
        waiting = self.jobs.waiting
        position = waiting.index(name) + 1 if name in waiting else 0
        return {"id": name, "state": state, "position": position, "picture": bool(self.jobs.picture(name)), **told}

    def _job_of(self, pictures: str) -> dict[str, Any] | None:
        """The newest job with these pictures, by their digest in its settings."""
        for name in self.jobs.names():
            if self.jobs.outcome(name).get("settings", {}).get("pictures") == pictures and self.jobs.request(name):
                return self._told(name)
        return None

    def _name(self, request: Request) -> str:
        name = str(request.path_params["job"])
        if not JOB_NAME.fullmatch(name) or name not in self.jobs.names():
            raise HTTPException(404)
        return name


def _found(value: Any) -> Any:
    """The value, unless there is none.

    Raises:
        HTTPException: then.
    """
    if value is None:
        raise HTTPException(404)
    return value


def _size(request: Request) -> int:
    text = request.query_params.get("size", str(LARGEST_SHOWN))
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text)):
        raise HTTPException(404)
    return int(text)


async def _gone(request: Request) -> None:
    """Wait until nobody waits for the answer any more; the body has been read."""
    await request.receive()


async def _body(request: Request) -> Any:
    try:
        return await request.json()
    except (ValueError, RecursionError):
        raise InputError("the request is not JSON") from None


def _json(values: dict[str, Any]) -> Response:
    return Response(dump(values), media_type="application/json")


def _told(request: Request, error: Exception) -> Response:
    """The answer for an error: a line that the page shows."""
    if isinstance(error, HTTPException):
        text, status = "there is no such thing here", error.status_code
    else:
        text, status = " ".join(str(error).split()), 400
    return Response(json.dumps({"error": text}), status, media_type="application/json")
