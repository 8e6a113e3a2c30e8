"""Settings by name for intents."""

from dataclasses import asdict, fields

import numpy as np
import pytest

from sfumato.style import StyleTransfer
from sfumato.style.presets import PRESETS
from sfumato.style.settings import StyleSettings


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_paints_and_says_what_for(name: str) -> None:
    preset = PRESETS[name]
    content, style = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    result = StyleTransfer(**preset.settings, size=32, steps=1).run(content, style)
    assert np.isfinite(result.loss)
    assert (result.picture != content).any()
    assert preset.purpose.endswith(".")
    assert "\n" not in preset.purpose


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_changes_what_it_names_and_leaves_patience_to_the_user(name: str) -> None:
    default = asdict(StyleSettings())
    assert set(PRESETS[name].settings) <= {setting.name for setting in fields(StyleSettings)}
    assert not {"size", "steps", "seed", "scales", "memory"} & set(PRESETS[name].settings)
    for setting, value in PRESETS[name].settings.items():
        assert value != default[setting], f"{setting} is the default"


def test_no_two_presets_are_the_same() -> None:
    settings = [preset.settings for preset in PRESETS.values()]
    assert all(one != other for place, one in enumerate(settings) for other in settings[:place])
