"""What the options of `sfumato style` mean: weights, layers, memory, presets."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from sfumato.checks import memory_size
from sfumato.cli.parsing import split_weight
from sfumato.cli.style.parsing import parse_layers, parse_masks, parse_size
from sfumato.errors import InputError
from sfumato.style.presets import PRESETS

Call = Callable[..., Any]

TINY = ["--size", "64", "--steps", "1", "--scales", "1", "--optimizer", "adam"]


@pytest.mark.parametrize(
    ("text", "name", "weight"),
    [
        ("a.jpg", "a.jpg", 1.0),
        ("a.jpg:2", "a.jpg", 2.0),
        ("a.jpg:0.5", "a.jpg", 0.5),
        (r"C:\pictures\a.jpg", r"C:\pictures\a.jpg", 1.0),
        (r"C:\pictures\a.jpg:2", r"C:\pictures\a.jpg", 2.0),
        ("part: two.jpg", "part: two.jpg", 1.0),
        ("a.jpg:-1", "a.jpg", -1.0),
        ("sfumato:mosaic", "sfumato:mosaic", 1.0),
        ("sfumato:mosaic:2", "sfumato:mosaic", 2.0),
    ],
)
def test_a_weight_follows_the_last_colon(text: str, name: str, weight: float) -> None:
    assert split_weight(text) == (name, weight)


def test_spaces_around_layers_and_weights_are_no_part_of_them() -> None:
    layers = {"conv1_1": 2.0, "conv2_1": 1.0, "conv3_1": 0.5}
    assert parse_layers("--style-layers", "conv1_1 : 2, conv2_1 ,conv3_1: 0.5 ") == layers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2GB", 2_000_000_000),
        ("512 MB", 512_000_000),
        ("1.5GiB", 3 * 2**29),
        (".5kib", 512),
        ("123456", 123_456),
        ("123456B", 123_456),
        ("1.5", 1),
        ("0.1", None),
        ("0GB", None),
        ("", None),
        ("GB", None),
        ("7e9", None),
        ("inf", None),
        ("9" * 400, None),
    ],
)
def test_memory_is_a_number_with_a_unit(text: str, number: int | None) -> None:
    with contextlib.nullcontext() if number else pytest.raises(InputError, match="--memory takes"):
        assert memory_size("--memory", text) == number


def test_numbers_of_thousands_of_digits_are_refused_like_any_other_text() -> None:
    digits = "9" * 5000
    with pytest.raises(InputError, match="--size takes"):
        parse_size(digits)
    with pytest.raises(InputError, match="--mask takes"):
        parse_masks([f"sfumato:ink={digits}"], 1)


def test_a_built_in_picture_can_be_a_mask() -> None:
    assert parse_masks(["sfumato:ink=1"], 1) == [("sfumato:ink", 1)]


@pytest.fixture
def settings(pictures: list[str], here: Call) -> Callable[..., dict[str, Any]]:
    """The settings that a picture is painted with."""

    def call(*options: str) -> dict[str, Any]:
        done = here("style", *pictures, *TINY, *options, "--json", "--quiet")
        assert done.status == 0, done.err
        values: dict[str, Any] = json.loads(done.out)["settings"]
        return values

    return call


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_what_it_says(name: str, settings: Callable[..., dict[str, Any]]) -> None:
    used = settings("--preset", name)
    assert {key: used[key] for key in PRESETS[name].settings} == PRESETS[name].settings


def test_options_go_before_the_preset_even_with_the_value_of_the_default(
    settings: Callable[..., dict[str, Any]],
) -> None:
    assert PRESETS["portrait"].settings.keys() >= {"style_weight", "colour"}
    plain = settings()
    used = settings("--preset", "portrait", "--style-weight", str(plain["style_weight"]))
    assert used["style_weight"] == plain["style_weight"]
    assert used["colour"] == PRESETS["portrait"].settings["colour"] != plain["colour"]


def test_memory_and_colour_are_settings(settings: Callable[..., dict[str, Any]]) -> None:
    used = settings("--memory", "3GB", "--colour", "histogram")
    assert (used["memory"], used["colour"]) == (3_000_000_000, "histogram")


def test_built_in_pictures_are_named_like_files(pictures: list[str], here: Call) -> None:
    ends = ["--style", "sfumato:ink:2", "--style", pictures[1], "--start", "sfumato:mosaic", "--json", "--quiet"]
    done = here("style", "sfumato:mosaic", *TINY, *ends)
    assert done.status == 0, done.err
    assert json.loads(done.out)["settings"]["style_shares"] == [2 / 3, 1 / 3]
