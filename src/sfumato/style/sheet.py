"""A contact sheet: one content in each of several styles by itself, with each of a few style weights."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from sfumato.arrays import Array
from sfumato.pictures.builtin import PREFIX
from sfumato.pictures.contact_sheet import Labelled, contact_sheet
from sfumato.pictures.files import read_image
from sfumato.style.inputs import read_picture
from sfumato.style.problem import StyleProblem
from sfumato.style.pyramid import resize
from sfumato.style.result import to_uint8
from sfumato.style.settings import STARTS, Picture
from sfumato.style.stylize import Painting, checkpoint_of


class Cell(NamedTuple):
    """A cell of a sheet.

    Attributes:
        file: Where it is painted.
        style: In whose style.
        weight: With which style weight.
    """

    file: Path
    style: Picture
    weight: float

    @property
    def is_begun(self) -> bool:
        """Whether it is painted in part."""
        return checkpoint_of(self.file).exists()

    @property
    def is_painted(self) -> bool:
        """Whether it is finished."""
        return self.file.exists() and not self.is_begun


def weights_around(weight: float) -> list[float]:
    """The style weight of each column, in steps whose effect can be seen."""
    return [weight / 5.0, weight, weight * 5.0]


@dataclass(frozen=True)
class Sheet:
    """A sheet: a row for each style, a column for each style weight.

    Attributes:
        job: The content, the styles and the settings; its styles' own weights are not looked at.
        folder: Where the cells are painted, each into a file of its own.
    """

    job: Painting
    folder: Path

    @property
    def cells(self) -> list[Cell]:
        """All cells, row by row."""
        weights = weights_around(self.job.transfer.style_weight)
        return [
            Cell(self.folder / f"{row}-{column}.png", style, weight)
            for row, (style, _) in enumerate(self.job.styles, 1)
            for column, weight in enumerate(weights, 1)
        ]

    def painting(self, cell: Cell) -> Painting:
        """The job of a cell: to paint it, or to go on with it."""
        transfer = replace(self.job.transfer, style_weight=cell.weight)
        styles = [(cell.style, 1.0)]
        return replace(self.job, transfer=transfer, styles=styles, out=cell.file, resume=cell.is_begun, quality=None)

    def label(self, picture: object) -> str:
        """Label of a picture on the sheet: its name without folder, ending and prefix."""
        name = Path(str(picture).removeprefix(PREFIX)).name
        return Path(self.job.names.get(name, name)).stem

    def settings(self, on_download: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        """Settings that determine the sheet, without the names of folders, for the description in its file.

        Args:
            on_download: Called with the bytes of the network's weights that have come, and their total.

        Raises:
            SfumatoError: if a picture, a layer or the network's weights are not there.
        """
        job, transfer = self.job, self.job.transfer
        problem = StyleProblem(transfer, job.content, job.styles, on_download=on_download)
        inputs = [{**own._asdict(), "name": job.names.get(own.name, own.name)} for own in problem.inputs]
        settings = {
            **transfer.as_values(transfer.chosen_engine()),
            "start": transfer.start if str(transfer.start) in STARTS else "a picture",
            "content_mask": None if transfer.content_mask is None else "a picture",
            "vgg_weights": Path(transfer.vgg_weights).name,
            "content": self.label(job.content),
            "styles": [self.label(name) for name, _ in job.styles],
            "style_weights": weights_around(transfer.style_weight),
            "pictures": problem.fingerprint(),
            "inputs": inputs,
        }
        plain: dict[str, Any] = json.loads(json.dumps(settings))
        return plain

    def draw(self) -> Array:
        """Draw the sheet from its painted cells, uint8 (height, width, 3)."""
        job, files = self.job, [cell.file for cell in self.cells]
        how, weights = job.transfer.reading, weights_around(job.transfer.style_weight)
        height, width = read_image(files[0]).shape[:2]
        content = to_uint8(resize(read_picture(job.content, how), height, width))
        rows = [Labelled(self.label(name), read_picture(name, how)) for name, _ in job.styles]
        columns = [f"style weight {weights[0]:g}", *(f"{weight:g}" for weight in weights[1:])]
        return contact_sheet(Labelled(self.label(job.content), content), rows, columns, map(read_image, files))
