"""Whether a folder of HTML pages holds together: every link within it leads to a file, and to a place in it that is
there, and no script, style or picture has to be fetched from the network.

    python scripts/check_links.py docs/_build/html

Prints a line for each that fails, and exits with status 1 if there is one. Links into the network are left to
`make linkcheck`, which needs it.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, what it loads to be shown, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.places: set[str] = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.add(value)
                if name == "src" or tag == "link":
                    self.loads.add(value)
            elif name in ("id", "name") and value:
                self.places.add(value)


def faults(folder: Path) -> Iterator[str]:
    """Each link that leads nowhere, and whatever is loaded from the network, with the page that it is on."""
    pages = {path.resolve(): Page(path) for path in sorted(folder.rglob("*.html"))}
    if not pages:
        yield f"{folder}: there are no pages; make them by `make docs`"
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.netloc and link in page.loads:
                yield f"{path.relative_to(folder.resolve())}: {link} is loaded from the network"
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            reached = pages.get(target)
            if not target.is_file() or (reached and unquote(parts.fragment) not in reached.places):
                yield f"{path.relative_to(folder.resolve())}: {link} leads nowhere"


def main() -> None:
    """Check the folder that the command line names."""
    found = list(faults(Path(sys.argv[1])))
    print("\n".join(found or [f"every link within {sys.argv[1]} leads somewhere, and nothing needs the network"]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
