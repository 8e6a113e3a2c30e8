"""`--backend`, `--device` and `--precision`, on every command that computes."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sfumato.engine import engines
from sfumato.pictures.files import read_image

Call = Callable[..., Any]

BFLOAT16 = any(engine.precision == "bfloat16" for engine in engines())
needs_bfloat16 = pytest.mark.skipif(not BFLOAT16, reason="this processor computes nothing in bfloat16")

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders for what is kept")


@pytest.fixture
def trained(here: Call) -> Path:
    assert here("train", "digits", "--epochs", "3", "--out", "run", "--quiet").status == 0
    return Path("run")


def test_training_on_torch_is_training_on_numpy_but_for_rounding(here: Call) -> None:
    pair = [
        json.loads(here("train", "digits", "--epochs", "3", "--dropout", "0.2", "--json", "--quiet", *options).out)
        for options in ((), ("--backend", "torch", "--device", "cpu"))
    ]
    assert [values["backend"] for values in pair] == ["numpy", "torch"]
    for name in ("train_loss", "validation_loss", "test_loss"):
        assert pair[0][name] == pytest.approx(pair[1][name], rel=1e-3)


@pytest.mark.slow
@needs_bfloat16
def test_bfloat16_is_recorded_and_learns(here: Call, tmp_path: Path) -> None:
    done = here("train", "digits", "--precision", "bfloat16", "--out", "run", "--json", "--quiet")
    values = json.loads(done.out)
    assert (values["backend"], values["device"], values["precision"]) == ("torch", "cpu", "bfloat16")
    assert values["test_accuracy"] > 0.9
    used = json.loads((tmp_path / "run" / "config.json").read_text())["used"]
    assert (used["backend"], used["device"], used["precision"]) == ("torch", "cpu", "bfloat16")


def test_evaluate_and_predict_say_the_same_on_torch(here: Call, trained: Path, tmp_path: Path) -> None:
    choices: list[tuple[str, ...]] = [(), ("--backend", "torch")]
    measured = [json.loads(here("evaluate", "run", "digits", "--json", *options).out) for options in choices]
    assert measured[0]["loss"] == pytest.approx(measured[1]["loss"], rel=1e-5)
    np.savetxt(tmp_path / "rows.csv", np.random.default_rng(0).integers(16, size=(5, 64)), fmt="%d", delimiter=",")
    answers = [here("predict", "run", "rows.csv", *options).out for options in choices]
    assert answers[0] == answers[1]


def test_a_gradient_is_checked_on_torch_too(here: Call) -> None:
    done = here("check", "spiral", "--hidden", "4", "--backend", "torch", "--json")
    assert (done.status, json.loads(done.out)["verdict"]) == (0, "right")
    status, _, err = here("check", "spiral", "--precision", "bfloat16")
    assert (status, err) == (
        2,
        "sfumato: a gradient is checked in float64, as less has too few digits: leave out --precision\n",
    )


def test_a_search_keeps_its_backend_for_the_best(here: Call) -> None:
    done = here("tune", "circles", "--trials", "2", "--epochs", "3", "--backend", "torch", "--json", "--quiet")
    values = json.loads(done.out)
    assert "--backend torch" in " ".join(values["command"])
    assert values["outcome"]["backend"] == "torch"


def test_a_run_goes_on_where_it_began(here: Call) -> None:
    train = ["train", "circles", "--schedule", "constant", "--out", "run", "--quiet", "--epochs"]
    assert here(*train, "2", "--backend", "torch").status == 0
    asked = [*train, "4", "--resume"]
    status, _, err = here(*asked, "--backend", "numpy")
    assert status == 2
    assert "this run began with backend torch, not numpy" in err
    again = here(*asked, "--json")
    assert (again.status, json.loads(again.out)["backend"]) == (0, "torch")


@pytest.mark.slow
@needs_bfloat16
def test_a_picture_in_bfloat16_is_the_picture_in_float32_to_the_eye(here: Call, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("content", "style"):
        coarse = rng.integers(256, size=(8, 12, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((96, 64), Image.Resampling.BICUBIC).save(tmp_path / f"{name}.png")
    base = ["style", "content.png", "style.png", "--size", "96", "--steps", "12", "--json", "--quiet", "-o"]
    found = {}
    for name, options in {"float32": "", "bfloat16": "--precision bfloat16"}.items():
        done = here(*base, f"{name}.png", *options.split())
        assert done.status == 0
        found[name] = json.loads(done.out)["loss"]
    assert found["bfloat16"] == pytest.approx(found["float32"], rel=0.1)
    pixels = [read_image(tmp_path / f"{name}.png").astype(float) for name in found]
    assert np.sqrt(np.mean((pixels[0] - pixels[1]) ** 2)) < 12


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--device cuda:99", "--device cuda:99: "),
        ("--device gpu", "no device is called 'gpu': use cpu, cuda, cuda:1 or mps"),
        ("--device xpu", "--device xpu: is nothing that Sfumato computes on; use cpu, cuda, cuda:1 or mps"),
        ("--backend numpy --device cuda", "numpy computes on the processor alone, not on cuda: use --backend torch"),
        ("--backend numpy --precision bfloat16", "numpy has no arithmetic in bfloat16: use --backend torch"),
        (
            "--device cpu --precision float16",
            "--precision float16: the device cpu lacks it (it is for GPUs; processors have bfloat16); use float32",
        ),
    ],
)
@pytest.mark.parametrize("command", ["train moons", "style content.png style.png"])
def test_what_is_not_there_is_said_in_one_line(
    command: str, options: str, expected: str, here: Call, tmp_path: Path
) -> None:
    for name in ("content", "style"):
        Image.new("RGB", (64, 48)).save(tmp_path / f"{name}.png")
    status, out, err = here(*command.split(), *options.split(), "--quiet")
    assert (status, out) == (2, "")
    assert err.startswith("sfumato: " + expected)
    assert err.count("\n") == 1


@on_linux
def test_commands_without_progress_say_once_that_they_compile(sfumato: Call, here: Call, tmp_path: Path) -> None:
    """Compilation takes seconds, which would be silent otherwise."""
    pytest.importorskip("numba")
    assert here("train", "circles", "--epochs", "1", "--out", "run", "--quiet").status == 0
    np.savetxt(tmp_path / "rows.csv", np.ones((2, 2)), delimiter=",")
    for command in (["evaluate", "run", "circles"], ["predict", "run", "rows.csv"], ["check", "circles"]):
        done = sfumato(*command, "--backend", "numba", XDG_CACHE_HOME=str(tmp_path / command[0]))
        assert (done.status, done.err.count("compiling kernels, which takes some seconds")) == (0, 1)
    for cache, *options in (["predict"], ["quiet", "--quiet"]):  # what is kept, and silence
        done = sfumato(
            "predict", "run", "rows.csv", "--backend", "numba", *options, XDG_CACHE_HOME=str(tmp_path / cache)
        )
        assert (done.status, done.err) == (0, "")
