"""The studio's server: where it listens, how it starts and stops."""

import contextlib
import ipaddress
import mimetypes
import socket
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from sfumato.errors import InputError
from sfumato.outputs import locked_folder
from sfumato.storage import write_atomically
from sfumato.studio.application import make_app
from sfumato.studio.folder import PAGE, refuse_another, running_page, token_of
from sfumato.studio.guard import LARGEST_FORM
from sfumato.studio.lessons import address_of

PORT = 8765
"""Port that is taken unless another is asked for, or the next one that is free."""

FREE = 20
"""Ports that are tried."""


@dataclass(frozen=True)
class Address:
    """An address at which the studio is served.

    Args:
        host: The address to listen on.
        port: The port; None for `PORT`, or the next that is free.
        allowed: What browsers call this machine, where `host` is another address than the machine's own loopback.

    Raises:
        InputError: for another address without such a name.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    allowed: str | None = None

    def __post_init__(self) -> None:
        if not self.is_loopback and not self.allowed:
            raise InputError(
                f"host={self.host!r} is seen by other machines: say what browsers there call this one (allow_host=...)"
            )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def listen(self) -> socket.socket:
        """Open the port.

        Raises:
            InputError: if it is taken, or the address is not this machine's.
        """
        ports = range(PORT, PORT + FREE) if self.port is None else [self.port]
        for port in ports:
            try:
                family, *_, place = socket.getaddrinfo(self.host, port, type=socket.SOCK_STREAM)[0]
                return socket.create_server(place[:2], family=family)
            except OSError as error:
                reason = error
        what = f"port {self.port} of " if self.port is not None else ""
        raise InputError(f"{what}{self.host} cannot be listened on ({reason.strerror}); choose another")

    def page(self, port: int) -> str:
        """The address of the page."""
        if self.allowed:
            return f"http://{self.allowed if ':' in self.allowed else f'{self.allowed}:{port}'}/"
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{port}/"

    def names(self, port: int) -> list[str]:
        """Values of the header Host under which the page is served."""
        own = [f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]
        return own + ([self.allowed, f"{self.allowed}:{port}"] if self.allowed else [])


class _Server(uvicorn.Server):
    """A server that, asked to end, waits for no estimate.

    Args:
        config: Of the server.
        give_up: Ends estimates.
    """

    def __init__(self, config: uvicorn.Config, give_up: Callable[[], object]) -> None:
        super().__init__(config)
        self.give_up = give_up

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.give_up()
        await super().shutdown(sockets)


def serve(
    address: Address, folder: Path, *, open_browser: bool, say: Callable[[str], None], lesson: str | None = None
) -> None:
    """Serve the studio until Ctrl-C, or until the process is asked to end; one that is running already is shown.

    Args:
        address: Where.
        folder: What it keeps: pictures, jobs and the key.
        open_browser: Open the page in the user's browser.
        say: Takes the page's address, once it is served.
        lesson: Name of a lesson that the page opens with.

    Raises:
        InputError, FileError: if the port or the folder cannot be had, or there is no such lesson.
    """
    part = f"{address_of(lesson)}&" if lesson else ""
    mimetypes.add_type("text/javascript", ".mjs")  # whatever the system's own list says
    folder = folder.expanduser().absolute()
    refuse_another(folder)

    def show(page: str) -> None:
        say(page)
        if open_browser:
            webbrowser.open(page)

    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked_folder(folder))
        except InputError:
            running = running_page(folder, part)
            if running is None:
                raise
            show(running)
            return
        listening = held.enter_context(address.listen())
        folder.chmod(0o700)
        token, port = token_of(folder), listening.getsockname()[1]
        page = f"{address.page(port)}#{part}key={token}"

        def ready() -> None:
            write_atomically(folder / PAGE, address.page(port))
            held.callback((folder / PAGE).unlink, missing_ok=True)
            show(page)

        app = make_app(folder, hosts=address.names(port), token=token, ready=ready)
        config = uvicorn.Config(
            app,
            ws="websockets-sansio",
            ws_max_size=LARGEST_FORM,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        with contextlib.suppress(KeyboardInterrupt):
            _Server(config, app.state.give_up).run(sockets=[listening])
