"""The guard before the studio: requests that this machine's own page did not make go no further.

Any page that a browser shows can send requests to 127.0.0.1, and a name that is made to point there ("DNS rebinding")
even reads the answers. So the names that are answered are listed, a write or a WebSocket must come from a page of the
same origin, and everything but the page itself needs a secret that only the user's own browser has.
"""

import hmac
import time
from collections import deque
from collections.abc import Collection
from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROTOCOL = "sfumato"
"""The WebSocket's subprotocol. The browser offers the token as a second one, as it lets a page set no header there; in
an address, the token could end up in a log."""

LARGEST_PICTURE, LARGEST_FORM = 64 * 2**20, 2**20
"""Bytes that a body may have: of a picture that is handed in, and of everything else."""

WRONG_TOKENS = 3
"""Wrong tokens in a second after which none is looked at for the rest of it."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer: nothing is loaded from elsewhere, nothing inline is run, nobody frames the page."""


class Refusal(NamedTuple):
    """An answer that the guard gives in place of the application.

    Attributes:
        status: Of HTTP; a WebSocket is closed with 403 whatever it is.
        text: A line that says why.
    """

    status: int
    text: str


class Guard:
    """ASGI middleware that lets through what the studio's own page asks for.

    Args:
        app: The application behind it.
        hosts: Values of the header Host that are answered, such as "127.0.0.1:8765".
        token: The secret that everything but the page and its files needs.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], token: str) -> None:
        self.app, self.hosts, self.token = app, frozenset(hosts), token
        self.origins = {f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts}
        self.wrong: deque[float] = deque(maxlen=WRONG_TOKENS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is None:
            await self.app(scope, receive, send_with_headers)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.text})
        else:
            answer = JSONResponse({"error": refusal.text}, refusal.status, {"Connection": "close"})
            await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        method = scope.get("method", "")
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return Refusal(403, "the studio is not served under this name: open the address that it printed")
        if (origins or method not in ("GET", "HEAD")) and (len(origins) != 1 or origins[0] not in self.origins):
            return Refusal(403, "this was not asked by a page of the studio")
        if scope["path"] != "/" and not scope["path"].startswith("/static/"):
            refusal = self._check_token(scope, headers)
            if refusal is not None:
                return refusal
        return _check_size(method, headers)

    def _check_token(self, scope: Scope, headers: Headers) -> Refusal | None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scope["type"] == "websocket":
            scheme, _, given = headers.get("sec-websocket-protocol", "").partition(", ")
        if scheme not in ("Bearer", PROTOCOL) or not given:
            return Refusal(401, "the key is missing: open the address that `sfumato studio` printed")
        now = time.monotonic()
        if len(self.wrong) == WRONG_TOKENS and now - self.wrong[0] < 1.0:
            return Refusal(429, "too many wrong keys: wait a second")
        if hmac.compare_digest(given.encode(), self.token.encode()):
            return None
        self.wrong.append(now)
        return Refusal(401, "the key is wrong: open the address that `sfumato studio` printed")


def _check_size(method: str, headers: Headers) -> Refusal | None:
    """Refuse, by its headers alone, a body that is too large or does not say how large it is."""
    if method not in ("PUT", "POST"):
        return None
    length = headers.get("content-length", "")
    if not length.isdecimal() or "transfer-encoding" in headers:  # where both are there, the latter tells
        return Refusal(411, "the request does not say how long it is")
    limit = LARGEST_PICTURE if method == "PUT" else LARGEST_FORM
    if len(length) > 18 or int(length) > limit:
        return Refusal(413, f"this has more than the {limit // 2**20} MiB that are taken")
    return None
