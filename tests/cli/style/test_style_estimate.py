"""`sfumato style --estimate`: what a job would take is said, and nothing is painted or written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]
Refused = Callable[..., str]
Snapshot = Callable[[Path], dict[str, bytes | None]]

LAYERS = ["--content-layers", "block1_conv2", "--style-layers", "block1_conv1"]
TINY = ["--size", "64", "--steps", "2", "--scales", "1", *LAYERS, "--quiet", "--estimate"]


def test_an_estimate_says_memory_time_and_size_and_writes_nothing(
    pictures: list[str], sfumato: Call, snapshot: Snapshot, tmp_path: Path
) -> None:
    before = snapshot(tmp_path)
    status, out, err = sfumato("style", *pictures, *TINY, "-o", "style.png")
    assert (status, err) == (0, "")
    assert out.startswith("64 x 48 pixels, in one piece: about ")
    assert "if every scale takes all its steps, and about " in out
    assert out.endswith(" is the largest that fits)\n")
    assert snapshot(tmp_path) == before


def test_as_json_it_is_one_object(pictures: list[str], here: Call) -> None:
    values = json.loads(here("style", *pictures, *TINY, "--json").out)
    assert (values["width"], values["height"], values["tiles"]) == (64, 48, 1)
    assert 50e6 < values["memory_bytes"] < values["allowed_bytes"]
    assert values["plan"]["tile"] is None
    assert 0 < values["seconds"] < 600
    assert values["largest_size"] > 64


def test_less_memory_leaves_room_for_less(pictures: list[str], here: Call) -> None:
    sizes = [
        json.loads(here("style", *pictures, *TINY, "--json", "--memory", memory).out)["largest_size"]
        for memory in ("1GB", "4GB")
    ]
    assert 64 < sizes[0] < sizes[1]


def test_several_contents_take_the_sum_of_the_time_and_the_most_of_the_memory(
    pictures: list[str], here: Call, snapshot: Snapshot, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_text("no picture", encoding="utf-8")
    before = snapshot(tmp_path)
    status, out, err = here("style", *pictures, "bad.png", "--style", "style.png", *TINY, "--json", "-o", "new")
    values = json.loads(out)
    assert status == 2
    assert err == f"sfumato: {values['failed'][0]['error']}\n"
    assert [told["content"] for told in values["pictures"]] == pictures
    assert values["seconds"] == pytest.approx(sum(told["seconds"] for told in values["pictures"]))
    assert values["memory_bytes"] == max(told["memory_bytes"] for told in values["pictures"])
    assert snapshot(tmp_path) == before


def test_a_grid_takes_each_style_three_times(pictures: list[str], here: Call) -> None:
    values = json.loads(here("style", *pictures, *TINY, "--grid", "--json").out)
    (told,) = values["pictures"]
    assert (told["content"], told["times"]) == ("style.png", 3)
    assert values["seconds"] == pytest.approx(3 * told["seconds"])


def test_what_is_wrong_is_said_as_when_painting(pictures: list[str], refused: Refused) -> None:
    wrong = (*TINY, "--style-layers", "block1_conv9")
    assert "vgg19 has no layer" in refused("style", *pictures, *wrong)
    assert "vgg19 has no layer" in refused("style", *pictures, "--style", "style.png", *wrong)
    assert "name one picture" in refused("style", *pictures, "--style", "style.png", *TINY, "--grid")
    assert "none.png: cannot be read" in refused("style", "none.png", "style.png", *TINY)
    assert "MB" in refused("style", *pictures, *TINY, "--memory", "1MB")
