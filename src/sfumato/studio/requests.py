"""Requests to paint: pictures by id and settings by name, and the command that paints the same."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sfumato.errors import InputError
from sfumato.pictures.builtin import PREFIX
from sfumato.studio.commands import file_word, out_name, plain
from sfumato.studio.options import OPTIONS, read_settings
from sfumato.studio.pictures import PictureStore
from sfumato.style.settings import STARTS
from sfumato.style.stylize import Painting
from sfumato.style.transfer import StyleTransfer

MOST_STYLES = 20


@dataclass(frozen=True)
class PaintingRequest:
    """A picture to paint, as the page asks for it and as a job's folder keeps it.

    Args:
        content: Id of the picture to paint.
        styles: Ids of those whose style to paint it in, each with its weight.
        settings: Those that differ from their defaults; `start` may be the id of a picture.
        names: What the pictures are called where they come from, by id.
        masks: Ids of masks, each with the number of the style that it is for, from 1.
        content_mask: Id of the mask of where the content counts; None for everywhere.
    """

    content: str
    styles: tuple[tuple[str, float], ...]
    settings: Mapping[str, Any]
    names: Mapping[str, str]
    masks: tuple[tuple[str, int], ...] = ()
    content_mask: str | None = None

    @property
    def pictures(self) -> list[str]:
        """Ids of all its pictures."""
        begun = self.settings.get("start", STARTS[0])
        others = [*([] if begun in STARTS else [begun]), *([self.content_mask] if self.content_mask else [])]
        return [self.content, *(style for style, _ in self.styles), *(mask for mask, _ in self.masks), *others]

    def to_json(self) -> str:
        """The request as `read_request` takes it."""
        return json.dumps(asdict(self))

    def painting(self, store: PictureStore, out: Path | None = None, *, resume: bool = False) -> Painting:
        """The painting that is asked for, by the files of the store.

        Raises:
            InputError: for settings that cannot be used, or a picture that is not there.
        """
        settings = dict(self.settings)
        begun = settings.get("start", STARTS[0])
        if begun not in STARTS:
            settings["start"] = store.source(begun)
        if self.content_mask:
            settings["content_mask"] = store.source(self.content_mask)
        styles = [(store.source(style), weight) for style, weight in self.styles]
        masks = [(store.source(mask), number) for mask, number in self.masks]
        names = {Path(store.source(picture)).name: self._name(picture) for picture in self.pictures}
        transfer, content = StyleTransfer(**settings), store.source(self.content)
        return Painting(transfer, content, styles, masks, out=out, resume=resume, names=names)

    def named(self, text: str, store: PictureStore) -> str:
        """A message with the names of pictures in place of the store's files."""
        for picture in self.pictures:
            path = store.find(picture)
            text = text.replace(str(path), self._name(picture)) if path else text
        return text

    def command(self, *, grid: bool = False) -> str:
        """The command line that paints the same, or its contact sheet, where the pictures lie."""
        words = ["sfumato", "style", file_word(self._name(self.content))]
        for style, weight in self.styles:
            words += ["--style", self._name(style) + (f":{plain(weight)}" if weight != 1 else "")]
        for mask, number in self.masks:
            words += ["--mask", f"{self._name(mask)}={number}"]
        if self.content_mask:
            words += ["--content-mask", self._name(self.content_mask)]
        for name, value in self.settings.items():
            option = f"--{name.replace('_', '-')}"
            words += [option] if OPTIONS[name].kind == "flag" else [option, self._option_value(name, value)]
        stem = f"{Path(self._name(self.content)).stem}-{'sheet' if grid else 'painted'}"
        return shlex.join([*words, *(["--grid"] if grid else []), "-o", out_name(stem, ".png", self.names.values())])

    def _option_value(self, name: str, value: Any) -> str:
        if OPTIONS[name].kind == "weights":
            return ",".join(f"{layer}:{plain(weight)}" for layer, weight in value.items())
        return self._name(value) if name == "start" and value not in STARTS else plain(value)

    def _name(self, picture: str) -> str:
        return picture if picture.startswith(PREFIX) else self.names.get(picture, picture)


def read_request(values: Any, store: PictureStore) -> PaintingRequest:
    """Read a request from JSON.

    Raises:
        InputError: if it is none, names a picture that is not there, or has settings that cannot be used.
    """
    try:
        styles = tuple((str(style), float(weight)) for style, weight in values["styles"])
        names = {str(picture): plain_name(str(name)) for picture, name in dict(values["names"]).items()}
        content, settings = str(values["content"]), values["settings"]
        masks = tuple((str(mask), int(number)) for mask, number in values.get("masks") or ())
        content_mask = str(values.get("content_mask") or "") or None
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise InputError("a request has content, styles with weights, settings, and names of pictures") from None
    if not 1 <= len(styles) <= MOST_STYLES:
        raise InputError(f"choose a style, or up to {MOST_STYLES}")
    if not all(1 <= number <= len(styles) for _, number in masks) or len(masks) > MOST_STYLES:
        raise InputError(f"up to {MOST_STYLES} masks are each for one of the styles, numbered from 1 to {len(styles)}")
    request = PaintingRequest(content, styles, read_settings(settings, store.find), names, masks, content_mask)
    request = replace(request, names={picture: names[picture] for picture in request.pictures if picture in names})
    try:
        request.painting(store)  # refuses what cannot be used
        request.to_json().encode()
    except (OverflowError, UnicodeError):
        raise InputError("a number is too large, or a text cannot be written") from None
    return request


def plain_name(name: str) -> str:
    """The last part of a file's name, of at most 100 printable characters: to be shown, never to be opened."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:100] or "picture"
