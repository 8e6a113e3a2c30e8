"""What the guide on sounds promises: its table is that of the options, and the built-in sounds are there."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from sfumato.cli.sound.options import (
    SoundFileOptions,
    SoundObjectiveOptions,
    SoundOptions,
    SoundRunOptions,
    measured_settings,
    options_table,
)
from sfumato.sound.builtin import BUILTIN_SOUNDS, PREFIX, sound_path
from sfumato.sound.files import read_sound
from sfumato.sound.presets import PRESETS
from sfumato.sound.settings import SoundSettings

ROOT = Path(__file__).parent.parent.parent


def test_every_setting_has_an_option_but_the_engine_which_has_three() -> None:
    groups = (SoundOptions, SoundObjectiveOptions, SoundRunOptions, SoundFileOptions)
    options = {name for group in groups for name in group.__annotations__}
    assert {setting.name for setting in fields(SoundSettings)} - options == {"engine"}


def test_the_table_in_the_guide_is_that_of_the_options() -> None:
    assert options_table() in (ROOT / "docs" / "sound.md").read_text(encoding="utf-8")


def test_the_guides_figures_are_measured_at_the_defaults_of_today() -> None:
    """Where this fails, `python -m scripts.make_sound_guide` measures them anew."""
    page = (ROOT / "docs" / "sound.md").read_text(encoding="utf-8")
    assert f"<!-- settings -->\n\n{measured_settings()}\n\n<!-- end -->" in page


def test_what_the_guide_says_of_presets_and_defaults_is_so() -> None:
    page, default = (ROOT / "docs" / "sound.md").read_text(encoding="utf-8"), SoundSettings()
    said = re.findall(r"The preset is `([^`]*)`", page)
    for preset, line in zip(("texture", "subtle"), said, strict=True):
        words = line.split()
        for name, value in zip(words[::2], words[1::2], strict=True):
            own = PRESETS[preset].settings[name.removeprefix("--").replace("-", "_")]
            assert str(own).removesuffix(".0") == value
    assert f"The default is {default.style_weight:g}." in page
    assert f"`--sample-rate {default.sample_rate}` is the default" in page
    assert f"`{default.start}`, the default, is" in page
    assert f"`{default.keep}`, the default, keeps" in page


@pytest.mark.parametrize("name", BUILTIN_SOUNDS)
def test_a_built_in_sound_is_eight_seconds_of_mono(name: str) -> None:
    pytest.importorskip("soundfile")
    sound = read_sound(sound_path(PREFIX + name))
    assert (sound.samples.shape, sound.rate) == ((176_400, 1), 22_050)


def test_what_is_played_takes_little_room() -> None:
    played = [*ROOT.glob("src/sfumato/sound/clips/*"), *ROOT.glob("docs/_static/sounds/*")]
    assert sum(path.stat().st_size for path in played) < 300_000
