"""`sfumato export`: a model that onnxruntime runs, from the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from sfumato import Model
from sfumato.data import Known, load_features

Call = Callable[..., Any]


def test_an_exported_model_answers_as_predict_does(trained: Path, here: Call, tmp_path: Path) -> None:
    done = here("export", str(trained), "-o", "flowers.onnx")
    assert (done.status, done.err) == (0, "")
    model = Model.load(trained / "model.safetensors")
    x = load_features(str(trained.parent / "flowers.csv"), Known(model.features, {}), len(model.features))
    session = onnxruntime.InferenceSession(tmp_path / "flowers.onnx")
    (found,) = session.run(["probabilities"], {"x": x})
    np.testing.assert_allclose(found, model.predict_proba(x), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "add -o model.onnx"),
        (["-o", "nowhere/model.onnx"], "nowhere"),
        (["-o", "there.onnx"], "exists already"),
    ],
)
def test_an_output_that_cannot_be_written_is_said(
    arguments: list[str], said: str, trained: Path, here: Call, tmp_path: Path
) -> None:
    (tmp_path / "there.onnx").write_bytes(b"mine")
    done = here("export", str(trained), *arguments)
    assert done.status == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert (tmp_path / "there.onnx").read_bytes() == b"mine"


def test_what_is_no_model_is_refused(here: Call, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"no model")
    done = here("export", "model.safetensors", "-o", "model.onnx")
    assert done.status == 2
    assert "model.safetensors" in done.err
    assert not (tmp_path / "model.onnx").exists()
