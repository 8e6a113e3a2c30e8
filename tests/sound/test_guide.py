"""What the guide on sounds promises: its table is that of the options, and the built-in sounds are there."""

from dataclasses import fields
from pathlib import Path

import pytest

from sfumato.cli.sound.options import (
    SoundFileOptions,
    SoundObjectiveOptions,
    SoundOptions,
    SoundRunOptions,
    options_table,
)
from sfumato.sound.builtin import BUILTIN_SOUNDS, PREFIX, sound_path
from sfumato.sound.files import read_sound
from sfumato.sound.settings import SoundSettings

ROOT = Path(__file__).parent.parent.parent


def test_every_setting_has_an_option_but_the_engine_which_has_three() -> None:
    groups = (SoundOptions, SoundObjectiveOptions, SoundRunOptions, SoundFileOptions)
    options = {name for group in groups for name in group.__annotations__}
    assert {setting.name for setting in fields(SoundSettings)} - options == {"engine"}


def test_the_table_in_the_guide_is_that_of_the_options() -> None:
    assert options_table() in (ROOT / "docs" / "sound.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BUILTIN_SOUNDS)
def test_a_built_in_sound_is_eight_seconds_of_mono(name: str) -> None:
    pytest.importorskip("soundfile")
    sound = read_sound(sound_path(PREFIX + name))
    assert (sound.samples.shape, sound.rate) == ((176_400, 1), 22_050)


def test_what_is_played_takes_little_room() -> None:
    played = [*ROOT.glob("src/sfumato/sound/clips/*"), *ROOT.glob("docs/_static/sounds/*")]
    assert sum(path.stat().st_size for path in played) < 300_000
