"""What is said of bfloat16 where the processor has AMX, and where it has not."""

import pytest

from sfumato.cli import speeds
from sfumato.cli.style import painting
from sfumato.cli.style.painting import LONG, advice_on_precision
from sfumato.engine import NUMPY
from sfumato.style.transfer import StyleTransfer

FOUND = {"milliseconds": {"numpy on cpu in float32": 200.0, "torch on cpu in bfloat16": 60.0}}


@pytest.fixture
def amx(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor with AMX, and PyTorch."""
    for module in (speeds, painting):
        monkeypatch.setattr(module, "has_amx", lambda: True)
    monkeypatch.setattr(speeds, "choose_engine", lambda **how: NUMPY)
    monkeypatch.setattr(painting, "has_torch", lambda: True)


@pytest.mark.usefixtures("amx")
def test_info_says_what_bfloat16_saves_as_it_has_measured_it() -> None:
    said = "this processor has AMX: --precision bfloat16 takes 0.30 of the time for pictures"
    assert speeds.saved_in_bfloat16(FOUND) == f"{said}, beside numpy on cpu in float32"


@pytest.mark.usefixtures("amx")
def test_without_pytorch_info_says_how_to_get_it() -> None:
    alone = {"milliseconds": {"numpy on cpu in float32": 200.0}}
    assert "pip install '.[torch]'" in speeds.saved_in_bfloat16(alone)


def test_without_amx_info_promises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speeds, "has_amx", lambda: False)
    assert "no AMX" in speeds.saved_in_bfloat16(FOUND)


@pytest.mark.usefixtures("amx")
def test_a_long_painting_is_told_of_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = -(-LONG // 512**2)
    said = f"--precision bfloat16 takes {painting.SHARE_IN_BFLOAT16} the time"
    assert advice_on_precision(StyleTransfer(size=512, steps=steps)) == f"this processor has AMX: {said}"
    assert advice_on_precision(StyleTransfer(size=512, steps=steps - 1)) == ""
    assert advice_on_precision(StyleTransfer(size=512, steps=steps, engine="numpy")) == ""
    monkeypatch.setattr(painting, "has_torch", lambda: False)
    assert "pip install '.[torch]'" in advice_on_precision(StyleTransfer(size=512, steps=steps))
    monkeypatch.setattr(painting, "has_amx", lambda: False)
    assert advice_on_precision(StyleTransfer(size=512, steps=steps)) == ""
