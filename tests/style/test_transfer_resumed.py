"""Style transfer that goes on where it stopped, to the same bytes, or says why it does not."""

import dataclasses
import functools
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.style.small_transfers import CONTENT, STYLE, transfer

from sfumato import FileError, InputError
from sfumato.minimize import RunOptions
from sfumato.storage import load_tensors, save_tensors
from sfumato.style.result import StyleResult


def stopped_after(steps: int) -> Callable[[], bool]:
    calls = itertools.count()
    return lambda: next(calls) >= steps


@functools.cache
def undisturbed(optimizer: str, normalize: bool) -> StyleResult:
    """The result of a run that nothing happens to; each is painted once."""
    return transfer(optimizer=optimizer, normalize_gradients=normalize).run(CONTENT, STYLE)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "momentum"])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("steps", [0, 3, 4, 5, 7])
def test_an_interrupted_run_resumes_to_the_same_bytes(
    tmp_path: Path, optimizer: str, normalize: bool, steps: int
) -> None:
    settings = transfer(optimizer=optimizer, normalize_gradients=normalize)
    whole = undisturbed(optimizer, normalize)
    kept = tmp_path / "checkpoint"
    part = settings.run(CONTENT, STYLE, run=RunOptions(stop=stopped_after(steps), checkpoint=kept))
    assert part.stopped == "interrupted"
    resumed = settings.run(CONTENT, STYLE, run=RunOptions(checkpoint=kept, resume=True))
    np.testing.assert_array_equal(resumed.picture, whole.picture)
    assert (resumed.loss, resumed.history) == (whole.loss, whole.history)
    assert resumed.seconds > part.seconds


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"style_weight": 7.0}, "began with style weight 100.0, not 7.0"),
        ({"seed": 3}, "began with seed 0, not 3"),
        ({"steps": 9}, "began with steps 4, not 9"),
    ],
)
def test_other_settings_do_not_go_on_with_a_run(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    first = transfer(style_weight=100.0)
    first.run(CONTENT, STYLE, run=RunOptions(stop=stopped_after(2), checkpoint=tmp_path / "kept"))
    with pytest.raises(InputError, match=message):
        dataclasses.replace(first, **changes).run(
            CONTENT, STYLE, run=RunOptions(checkpoint=tmp_path / "kept", resume=True)
        )
    with pytest.raises(InputError, match="began with other pictures; resume with the same"):
        first.run(CONTENT, CONTENT, run=RunOptions(checkpoint=tmp_path / "kept", resume=True))


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"nothing")
    with pytest.raises(FileError, match="not a whole safetensors file"):
        transfer().run(CONTENT, STYLE, run=RunOptions(checkpoint=tmp_path / "kept", resume=True))
    with pytest.raises(InputError, match="to resume, name the checkpoint"):
        transfer().run(CONTENT, STYLE, run=RunOptions(resume=True))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a run after three steps."""
    kept = tmp_path_factory.mktemp("begun") / "kept"
    transfer().run(CONTENT, STYLE, run=RunOptions(stop=stopped_after(3), checkpoint=kept))
    return kept


@pytest.mark.parametrize(
    "damage",
    [
        lambda tensors, header: header["numbers"].pop("weights"),
        lambda tensors, header: header.pop("settings"),
        lambda tensors, header: header.update(progress=[7, 0, 3, 0.0, ""]),
        lambda tensors, header: header.update(history="none"),
        lambda tensors, header: tensors.pop("theta"),
        lambda tensors, header: tensors.pop("optimizer.s"),
        lambda tensors, header: tensors.update(theta=tensors["theta"][:-3]),
        lambda tensors, header: tensors["theta"].fill(np.nan),
        lambda tensors, header: tensors.update(theta=tensors["theta"].astype(np.float64)),
        lambda tensors, header: tensors.update({"optimizer.s": tensors["optimizer.s"][:3]}),
        lambda tensors, header: tensors.update(average=np.zeros(5, np.float32)),
        lambda tensors, header: header["numbers"]["weights"].pop(),
        lambda tensors, header: header.update(progress=[-1, 0, 3, 0.0, ""]),
        lambda tensors, header: header.update(progress=[0, 2.5, 3, 0.0, ""]),
        lambda tensors, header: header.update(progress=[0, 99, 99, 0.0, ""]),
        lambda tensors, header: header.update(progress=[0, 3, 3, "x", ""]),
        lambda tensors, header: header["optimizer"].update(pairs="x"),
    ],
)
def test_a_damaged_checkpoint_is_refused_in_words(
    begun: Path, tmp_path: Path, damage: Callable[[Any, Any], Any]
) -> None:
    kept = tmp_path / "kept"
    tensors, header = load_tensors(begun)
    damage(tensors, header)
    save_tensors(kept, tensors, header)
    with pytest.raises(FileError, match=r"kept: (the checkpoint in it is damaged|not a checkpoint)"):
        transfer().run(CONTENT, STYLE, run=RunOptions(checkpoint=kept, resume=True))
