"""Contact sheets of the studio: the command line's sheets, whose cells are pictures painted alone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.studio.running import FAST, Studio
from tests.studio.test_jobs import painted_by_command

from sfumato.pictures.files import read_image


@pytest.fixture(autouse=True)
def empty(served: Studio) -> Iterator[None]:
    """Each test ends without sheets."""
    yield
    for told in served.http.get("/api/sheets").json()["sheets"]:
        served.http.post(f"/api/sheets/{told['id']}/stop")
        painted(served, told["id"])
        served.http.post(f"/api/sheets/{told['id']}/remove")


def wanted(studio: Studio, pictures: tuple[Path, Path], **settings: Any) -> dict[str, Any]:
    """A sheet of two styles, as the page asks for it."""
    content, style = map(studio.give, pictures)
    names = {content: "content.png", style: "style.png"}
    return {"content": content, "styles": [[style, 1], ["sfumato:ink", 1]], "names": names, "settings": settings}


def start(studio: Studio, pictures: tuple[Path, Path], **settings: Any) -> str:
    """Put a sheet in the queue; returns its name."""
    answer = studio.http.post("/api/sheets", json=wanted(studio, pictures, **settings))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def painted(studio: Studio, name: str) -> dict[str, Any]:
    """Wait until a sheet is over, and return it."""
    return studio.until(name, lambda sheet: sheet["state"] not in ("waiting", "painting"), place="sheets")


def test_a_sheet_is_the_commands_and_a_cell_is_the_picture_painted_alone(
    pictures: tuple[Path, Path], studio: Studio
) -> None:
    name = start(studio, pictures, **FAST, style_weight=20)
    sheet = painted(studio, name)
    assert (sheet["state"], sheet["weights"], sheet["painted"]) == ("finished", [4, 20, 100], [True] * 6)
    out = painted_by_command(sheet["command"], pictures[0].parent)
    assert out.name == "content-sheet.png"
    assert studio.http.get(f"/api/sheets/{name}/file").content == out.read_bytes()

    asked = wanted(studio, pictures)
    for number, style, weight in ((2, asked["styles"][0][0], 100), (3, "sfumato:ink", 4)):
        alone = studio.paint(asked["content"], style, names=asked["names"], **{**FAST, "style_weight": weight})
        assert studio.painted(alone)["state"] == "finished"
        cell = studio.http.get(f"/api/sheets/{name}/cells/{number}")
        assert cell.content == studio.http.get(f"/api/jobs/{alone}/picture").content
    assert studio.http.get(f"/api/sheets/{name}/cells/6").status_code == 404


def test_a_sheet_that_is_stopped_goes_on_to_the_same_bytes(
    pictures: tuple[Path, Path], start_studio: Callable[..., Studio]
) -> None:
    studio = start_studio()
    settings = {**FAST, "steps": 30, "optimizer": "adam"}
    whole, name = (start(studio, pictures, **settings) for _ in range(2))
    assert painted(studio, whole)["state"] == "finished"
    studio.until(name, lambda sheet: (sheet.get("record") or {}).get("cell", 0) >= 1, place="sheets")
    studio.http.post(f"/api/sheets/{name}/stop")
    stopped = painted(studio, name)
    assert stopped["state"] == "stopped"
    assert 1 <= sum(stopped["painted"]) < 6
    assert studio.http.get(f"/api/sheets/{name}/cells/0").status_code == 200
    assert studio.http.get(f"/api/sheets/{name}/file").status_code == 404
    studio.close()

    again = start_studio()
    again.http.post(f"/api/sheets/{name}/resume")
    assert painted(again, name)["state"] == "finished"
    one, other = (again.http.get(f"/api/sheets/{sheet}/file").content for sheet in (whole, name))
    assert one == other
    again.http.post(f"/api/sheets/{name}/remove")
    assert not (again.folder / "sheets" / name).exists()


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"colour": "only"}, "colour"), ({"style_weight": 0}, "style_weight"), ({"style_weights": 3}, None)],
    ids=["colours-alone", "no-weight", "no-setting"],
)
def test_what_makes_no_sense_on_a_sheet_is_refused_in_a_line(
    settings: dict[str, Any], field: str | None, pictures: tuple[Path, Path], studio: Studio
) -> None:
    answer = studio.http.post("/api/sheets", json=wanted(studio, pictures, **settings))
    assert (answer.status_code, answer.json().get("field")) == (400, field)
    weighted = wanted(studio, pictures)
    weighted["styles"][0][1] = 2
    assert "leave out their weights" in studio.http.post("/api/sheets", json=weighted).json()["error"]
    assert studio.http.get("/api/sheets").json()["sheets"] == []


def test_a_sheet_that_cannot_be_painted_says_why(pictures: tuple[Path, Path], studio: Studio) -> None:
    name = start(studio, pictures, **{**FAST, "content_layers": {"block9_conv1": 1}})
    failed = painted(studio, name)
    assert failed["state"] == "failed"
    assert "block9_conv1" in failed["error"]
    assert str(studio.folder) not in failed["error"]


def test_the_cells_of_a_sheet_differ_in_style_and_weight(pictures: tuple[Path, Path], studio: Studio) -> None:
    name = start(studio, pictures, **FAST)
    painted(studio, name)
    folder = studio.folder / "sheets" / name / "cells"
    cells = [read_image(folder / f"{row}-{column}.png").astype(int) for row in (1, 2) for column in (1, 2, 3)]
    differences = [np.abs(one - other).mean() for n, one in enumerate(cells) for other in cells[:n]]
    assert min(differences) > 0.1
