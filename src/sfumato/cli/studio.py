"""`sfumato studio`: the page in the browser."""

import sys
from pathlib import Path
from typing import Annotated

from sfumato.cli.console import say
from sfumato.cli.options import option

PANEL = "Page"


def studio(
    port: Annotated[
        int | None,
        option("Port of the page.", panel=PANEL, metavar="N", shown="8765, or the next that is free", min=0, max=65535),
    ] = None,
    folder: Annotated[
        str | None,
        option("Where pictures and their settings are kept.", panel=PANEL, metavar="DIR", shown="the user's own data"),
    ] = None,
    no_browser: Annotated[bool, option("Print the address alone.", "--no-browser", panel=PANEL)] = False,
    host: Annotated[
        str, option("Address to listen on; one that other machines see needs --allow-host.", panel=PANEL)
    ] = "127.0.0.1",
    allow_host: Annotated[
        str | None,
        option("The name that browsers there call this machine.", panel=PANEL, metavar="NAME", shown="none"),
    ] = None,
    lesson: Annotated[
        str | None, option("Lesson that the page opens with, such as xor.", panel=PANEL, metavar="NAME", shown="none")
    ] = None,
) -> None:
    """Open the studio: a page in the browser, served from this machine alone, to paint and to learn in.

    It needs no network and sends nothing anywhere. It is for one person on one machine; Ctrl-C ends it, and what was
    being painted can be gone on with.

    Examples:
        sfumato studio

        sfumato studio --folder paintings --no-browser

        sfumato studio --lesson xor
    """
    from sfumato.studio.folder import default_folder
    from sfumato.studio.server import Address, serve

    address = Address(host, port, allow_host)
    if not address.is_loopback:
        say(
            "sfumato: others can reach this page, over a connection that they may read: keep its key secret", sys.stderr
        )
    place = Path(folder) if folder else default_folder()
    place.parent.mkdir(parents=True, exist_ok=True)
    serve(address, place, open_browser=not no_browser, say=lambda page: say(page, sys.stdout), lesson=lesson)
