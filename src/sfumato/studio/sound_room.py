"""The addresses of the view Sound: sounds that are given, jobs of playing, and what is heard and seen of them."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from sfumato.sound.builtin import PREFIX
from sfumato.sound.presets import PRESETS
from sfumato.studio.answers import found, json_body, json_response
from sfumato.studio.jobs import JOB_NAME
from sfumato.studio.playings import Playings
from sfumato.studio.requests import plain_name
from sfumato.studio.sound_options import SOUND_OPTIONS
from sfumato.studio.sound_requests import SoundRequest, read_sound_request
from sfumato.studio.sounds import LISTENED, SoundStore, builtin_sounds, heard, spectrogram
from sfumato.studio.wording import in_labels


class SoundRoom:
    """The answers to what the view can ask for.

    Args:
        store: The sounds.
        playings: The jobs of playing.
    """

    def __init__(self, store: SoundStore, playings: Playings) -> None:
        self.store, self.playings = store, playings

    def routes(self) -> list[Route]:
        """All addresses."""
        return [
            Route("/api/sounds", self.add_sound, methods=["PUT"]),
            Route("/api/sounds/options", self.options),
            Route("/api/sounds/{sound}", self.sound),
            Route("/api/playings", self.list_playings, methods=["GET"]),
            Route("/api/playings", self.add_playing, methods=["POST"]),
            Route("/api/playings/outlook", self.outlook, methods=["POST"]),
            Route("/api/playings/{job}", self.playing, methods=["GET"]),
            Route("/api/playings/{job}/file", self.file),
            Route("/api/playings/{job}/sounds/{which}", self.heard),
            Route("/api/playings/{job}/spectrograms/{which}", self.seen),
            Route("/api/playings/{job}/{action}", self.act, methods=["POST"]),
        ]

    def options(self, request: Request) -> Response:
        """The settings of sounds, presets, and the built-in sounds."""
        presets = [{"name": name, **preset._asdict()} for name, preset in PRESETS.items()]
        sounds = [{"id": f"{PREFIX}{name}", "name": name, "title": told} for name, told in builtin_sounds().items()]
        settings = [own._asdict() for own in SOUND_OPTIONS.values()]
        return json_response({"settings": settings, "presets": presets, "sounds": sounds, "listened": LISTENED})

    async def add_sound(self, request: Request) -> Response:
        """Take a sound: the body is the file, `?name=` its name."""
        name = plain_name(request.query_params.get("name", ""))
        added = await run_in_threadpool(self.store.add, await request.body(), name)
        return json_response({"name": name, **added._asdict()})

    def sound(self, request: Request) -> Response:
        """A sound to be heard, as WAV."""
        id = request.path_params["sound"]
        found(self.store.find(id))
        return Response(heard(self.store.part(id)), media_type="audio/wav")

    async def outlook(self, request: Request) -> Response:
        """Length and memory of what a job would make."""
        _, outlook = await run_in_threadpool(self._read, await json_body(request))
        return json_response({"outlook": outlook})

    def list_playings(self, request: Request) -> Response:
        """All jobs, the newest first, and those that were left when the studio ended."""
        told = [self._told(name) for name in self.playings.names()]
        return json_response({"playings": told, "left": self.playings.left})

    async def add_playing(self, request: Request) -> Response:
        """Put a job in the queue, if it can be played."""
        asked, _ = await run_in_threadpool(self._read, await json_body(request))
        return json_response({"id": self.playings.add(asked)})

    def playing(self, request: Request) -> Response:
        """One job, with its losses and the record of its last step."""
        name = self._name(request)
        live = self.playings.live
        if live is None or live.name != name:
            return json_response({**self._told(name), "losses": self.playings.outcome(name).get("history", [])})
        return json_response({**self._told(name), "losses": live.losses, "record": live.record, "note": live.note})

    async def act(self, request: Request) -> Response:
        """Do one of `Queue.actions` to a job."""
        name = self._name(request)
        found(self.playings.actions.get(request.path_params["action"]))(name)
        return json_response({"id": name})

    def file(self, request: Request) -> Response:
        """A job's sound, whole, as its file has it."""
        return FileResponse(found(self.playings.file(self._name(request))), media_type="audio/wav")

    def heard(self, request: Request) -> Response:
        """One of a job's sounds, to be heard, as WAV."""
        sound = found(self.playings.sound(self._name(request), request.path_params["which"]))
        return Response(heard(sound), media_type="audio/wav")

    def seen(self, request: Request) -> Response:
        """One of a job's sounds, to be seen."""
        sound = found(self.playings.sound(self._name(request), request.path_params["which"]))
        return Response(spectrogram(sound), media_type="image/png")

    def _read(self, values: Any) -> tuple[SoundRequest, dict[str, Any] | None]:
        asked = read_sound_request(values, self.store)
        return asked, asked.outlook(self.store)

    def _told(self, name: str) -> dict[str, Any]:
        """A job as the page shows it, without its losses."""
        request, outcome, state = self.playings.request(name), self.playings.outcome(name), self.playings.state(name)
        known = ("error", "steps", "seconds", "loss", "gain_db", "rate", "length", "channels")
        told: dict[str, Any] = {key: outcome[key] for key in known if key in outcome}
        told["warnings"] = [in_labels(text) for text in outcome.get("warnings", [])]
        if request is not None:
            told |= {"content": request.content, "style": request.style, "settings": request.settings}
            told |= {"names": request.names, "command": request.command()}
        waiting = self.playings.waiting
        position = waiting.index(name) + 1 if name in waiting else 0
        return {"id": name, "state": state, "position": position, "sound": bool(self.playings.file(name)), **told}

    def _name(self, request: Request) -> str:
        name = str(request.path_params["job"])
        if not JOB_NAME.fullmatch(name) or name not in self.playings.names():
            raise HTTPException(404)
        return name
