"""Exports: a script, a command and a model that come to what the playground came to."""

import base64
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.studio.learn.states import random_state
from tests.studio.learn.talking import at, opened, refused, told, trained

from sfumato import Model
from sfumato.studio.learn.session import Session

TABLE = {
    "kind": "table",
    "rows": [[10.0 + k % 7, 200.0 - 3 * (k % 5) + k, 0.5 * k] for k in range(40)],
    "task": "regression",
    "columns": ["age", "height"],
    "target": "price",
}

STATES: list[dict[str, Any]] = [
    {},
    {"objective": {"l2": 0.5}, "network": {"hidden": [5, 4], "activation": ["relu", "tanh"], "dropout": 0.2}},
    {"optimizer": {"name": "adamw", "schedule": "exponential", "decay": 0.9}, "run": {"batch": 16, "seed": 3}},
    {"optimizer": {"name": "lbfgs", "history": 5}, "data": {"kind": "moons"}, "run": {"precision": "float64"}},
    {"data": TABLE, "features": ["x1", "x2", "x1*x2"]},
    {
        "data": {"kind": "waves"},
        "optimizer": {"name": "momentum", "form": "classical", "learning_rate": 0.01},
        "test": 0,
    },
    {"optimizer": {"schedule": "cosine"}, "run": {"epochs": 40}, "network": {"init": "normal", "init_scale": 0.3}},
]


def written(session: Session, folder: Path, kind: str) -> dict[str, Any]:
    """An export, with its file and the points in a folder."""
    answer = told(session, "export", kind=kind)
    (folder / "points.csv").write_text(told(session, "export", kind="data")["text"], encoding="utf-8")
    if answer["name"]:
        content = base64.b64decode(answer["base64"]) if "base64" in answer else answer["text"].encode()
        (folder / answer["name"]).write_bytes(content)
    return answer


@pytest.mark.parametrize("state", STATES, ids=range(len(STATES)))
def test_the_script_comes_to_the_same_loss_in_a_process_of_its_own(state: dict[str, Any], tmp_path: Path) -> None:
    session = opened(**state)
    frame = trained(session, 25)
    answer = written(session, tmp_path, "script")
    assert answer["note"] == ""
    assert len(answer["text"].splitlines()) < 40
    assert "studio" not in answer["text"] and "._" not in answer["text"]
    done = subprocess.run(
        [sys.executable, "playground.py"], cwd=tmp_path, capture_output=True, text=True, check=True, env=os.environ
    )
    found = re.fullmatch(r"training loss (\S+)\n", done.stdout)
    assert found is not None
    assert float(found[1]) == pytest.approx(frame.measures.train_loss, rel=1e-6)


def test_the_notebook_has_the_script_in_cells(tmp_path: Path) -> None:
    session = opened()
    trained(session, 5)
    notebook = json.loads(written(session, tmp_path, "notebook")["text"])
    code = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert (notebook["nbformat"], notebook["cells"][0]["cell_type"]) == (4, "markdown")
    assert "\n\n".join(code) in told(session, "export", kind="script")["text"]


@pytest.mark.parametrize("number", [0, 2, 5, 6])
def test_the_command_trains_the_same(number: int, tmp_path: Path) -> None:
    session = opened(**STATES[number])
    steps = 40 if number == 6 else 2 * session.opened.batches if session.opened else 0
    frame = trained(session, steps)
    answer = written(session, tmp_path, "command")
    assert answer["note"] == ""
    program, *words = shlex.split(answer["text"])
    assert program == "sfumato"
    start = [sys.executable, "-c", "from sfumato.cli import main; main()"]
    subprocess.run([*start, *words, "--quiet"], cwd=tmp_path, capture_output=True, check=True, env=os.environ)
    theta = Model.load(tmp_path / "playground").theta
    assert theta == pytest.approx(frame.theta, rel=1e-4, abs=1e-6)


def test_what_the_command_cannot_say_is_refused() -> None:
    mixed = opened(network={"hidden": [3, 3], "activation": ["relu", "tanh"]})
    assert "one activation" in refused(mixed, "export", kind="command")[0]
    assert refused(mixed, "export", kind="onnx")[1] == "kind"


@pytest.mark.parametrize("state", [{}, {"data": TABLE}], ids=["classes", "values"])
def test_the_model_predicts_what_the_playground_shows(state: dict[str, Any], tmp_path: Path) -> None:
    session = opened(**state)
    trained(session, 50)
    written(session, tmp_path, "model")
    model = Model.load(tmp_path / "model.safetensors")
    assert session.opened is not None
    setup, report = session.opened.setup, told(session, "report")["train"]
    predicted = model.predict(setup.train.x)
    if setup.dataset.classes:
        assert np.mean(predicted == setup.train.y) == pytest.approx(report["accuracy"])
    else:
        error = np.sqrt(np.mean((predicted - setup.train.y) ** 2))
        assert error == pytest.approx(report["root_mean_squared_error"], rel=1e-4)


def test_an_export_says_what_it_does_not_repeat() -> None:
    session = opened()
    trained(session, 5)
    told(session, "set", patch={"optimizer": {"learning_rate": 0.1}})
    told(session, "weight", name="dense_1.b", index=[0], value=1)
    note = told(session, "export", kind="script")["note"]
    assert "settings were changed while it trained and weights were set by hand" in note
    told(session, "reset")
    assert told(session, "export", kind="script")["note"] == ""


def test_random_states_can_be_exported() -> None:
    for seed in range(20):
        session = opened(**random_state(seed))
        compile(told(session, "export", kind="script")["text"], "playground.py", "exec")
        assert at(session).step == 0
