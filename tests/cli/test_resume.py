"""A run that was killed or interrupted goes on to the result that an undisturbed one gives, byte for byte."""

import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfumato.cli import run
from sfumato.outputs import LIST
from sfumato.training.run_folder import UNFINISHED

Call = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("blank_figures")

SETTINGS = ["--hidden", "40,20", "--dropout", "0.3", "--batch-size", "16", "--l2", "1", "--threads", "1"]
SHORT = ["train", "breast-cancer", *SETTINGS, "--epochs", "60"]
LONG = ["train", "breast-cancer", *SETTINGS, "--epochs", "500", "--early-stopping", "1000"]


def results(folder: Path) -> tuple[bytes, list[bytes]]:
    """The model, and the history but for its last column: the seconds."""
    lines = (folder / "history.csv").read_bytes().splitlines()
    return (folder / "model.safetensors").read_bytes(), [line.rpartition(b",")[0] for line in lines]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], Any]:
    """Results of a run that nothing happens to; each is made once."""
    made: dict[str, Any] = {}

    def call(arguments: list[str]) -> Any:
        key = " ".join(arguments)
        if key not in made:
            folder = tmp_path_factory.mktemp("undisturbed") / "run"
            assert run([*arguments, "--quiet", "-o", str(folder)]) == 0
            made[key] = results(folder)
        return made[key]

    return call


def changed(path: Path) -> Callable[[], bool]:
    """Whether a file has been written since now."""

    def written() -> int:
        try:
            return path.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    before = written()
    return lambda: written() != before


def test_a_killed_run_resumes_to_the_same_bytes(
    start: Call, here: Call, undisturbed: Callable[[list[str]], Any], tmp_path: Path
) -> None:
    process = start(*SHORT, "--quiet", "-o", "run")
    process.until(changed(tmp_path / "run" / "checkpoint.safetensors"))
    process.kill()
    process.wait()
    assert not (tmp_path / "run" / "model.safetensors").exists(), "killed in the middle"
    assert here(*SHORT, "-o", "run", "--resume").status == 0
    assert results(tmp_path / "run") == undisturbed(SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_is_killed_again_and_again_resumes_to_the_same_bytes(
    seed: int, start: Call, sfumato: Call, undisturbed: Callable[[list[str]], Any], tmp_path: Path
) -> None:
    moments = random.Random(seed)
    folder = tmp_path / "run"
    resume = [*LONG, "-o", "run", "--resume"]

    def kill(after: Callable[[], bool], seconds: float) -> None:
        process = start(*resume)
        process.until(after)
        time.sleep(moments.uniform(0, seconds))
        process.kill()
        process.wait()

    kill(lambda: True, 2)  # while it starts, or somewhat later
    for _ in range(3):
        kill(changed(folder / "checkpoint.safetensors"), 0.6)  # while it trains
    assert (folder / "checkpoint.safetensors").exists()
    kill((folder / UNFINISHED).exists, 0.5)  # while it writes the results
    assert sfumato(*resume).status == 0
    assert results(folder) == undisturbed(LONG)
    assert [path.name for path in folder.rglob("*") if path.name.startswith(".")] == [LIST], (
        "nothing unfinished is left"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("out", [["-o", "run"], []])
def test_ctrl_c_ends_with_a_message_and_a_checkpoint(
    out: list[str], start: Call, here: Call, undisturbed: Callable[[list[str]], Any], tmp_path: Path
) -> None:
    process = start(*SHORT, "--verbose", "--json", *out)
    stderr = process.stderr
    process.until(lambda: stderr.readline().startswith("epoch 2/"))
    process.send_signal(signal.SIGINT)
    answer, said = process.communicate()
    assert (process.returncode, answer) == (130, "")
    last = said.splitlines()[-1]
    assert last.startswith("interrupted after ")
    assert "of 60 epochs" in last
    if not out:
        assert "nothing is kept, as no --out was given" in last
        assert list(tmp_path.iterdir()) == []
        return
    assert last.endswith("add --resume to go on from run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"checkpoint.safetensors", LIST}
    assert here(*SHORT, *out, "--resume").status == 0
    assert results(tmp_path / "run") == undisturbed(SHORT)


def test_ctrl_c_outside_of_training_says_so_too(here: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sfumato.data.loading.load", interrupted)
    assert here("train", "spiral") == (130, "", "sfumato: interrupted\n")


@pytest.mark.parametrize("options", ["moons --dropout 0.2", "table.csv", "spiral --optimizer lbfgs"])
def test_more_epochs_go_on_from_the_end(options: str, here: Call, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("".join(f"{i},{i % 7},{i * i}\n" for i in range(60)), encoding="utf-8")
    train = ["train", *options.split(), "--schedule", "constant", "--quiet", "--epochs"]  # cosine is over all epochs
    assert here(*train, "9", "-o", "whole").status == 0
    (tmp_path / "run").mkdir()
    assert here(*train, "4", "-o", "run", "--resume").status == 0, "killed before there was anything to keep"
    assert here(*train, "4", "-o", "run", "--resume").status == 0, "nothing is left to do"
    assert here(*train, "9", "-o", "run", "--resume").status == 0
    assert results(tmp_path / "run") == results(tmp_path / "whole")


def test_a_folder_of_other_things_is_not_gone_on_from(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to-anna.txt").write_text("Dear Anna", encoding="utf-8")
    assert "no checkpoint.safetensors to go on from" in refused("train", "moons", "-o", "letters", "--resume")


@pytest.fixture(scope="module")
def circles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run that has finished."""
    folder = tmp_path_factory.mktemp("circles") / "run"
    assert run(["train", "circles", "--epochs", "2", "--quiet", "-o", str(folder)]) == 0
    return folder


@pytest.fixture
def finished(circles: Path, tmp_path: Path) -> list[str]:
    """A copy of that run in the test's folder, and the arguments that it was made with."""
    shutil.copytree(circles, tmp_path / "run")
    return ["train", "circles", "--epochs", "2", "--quiet", "-o", "run"]


@pytest.mark.parametrize(
    ("options", "differs"),
    [
        ("--seed 1", "began with seed 0, not 1"),
        ("--hidden 7", "Dense(units=7"),
        ("--dropout 0.1", "Dropout(p=0.1)"),
        ("--activation tanh", "Tanh"),
        ("--init glorot", "Glorot"),
        ("--optimizer nesterov", "Nesterov"),
        ("--beta1 0.8", "beta1=0.8"),
        ("--learning-rate 0.1", "learning rate 0.01, not 0.1"),
        ("--schedule constant", "learning rate"),
        ("--l2 1", "l2 0.5, not 1.0"),
        ("--batch-size 10", "batch size 32, not 10"),
        ("--early-stopping 9", "early stopping None, not 9"),
        ("--test 0.5", "data"),
        ("--limit 50", "data"),
        ("--scaling none", "scaling"),
        ("--epochs 1", "epochs"),
    ],
)
def test_resuming_with_other_options_is_refused_and_names_what_differs(
    options: str, differs: str, finished: list[str], refused: Callable[..., str]
) -> None:
    assert differs in refused(*finished, "--resume", *options.split())


@pytest.mark.parametrize("damage", [lambda whole: whole[:200], lambda whole: b"", lambda whole: b"{}" + whole])
def test_a_damaged_checkpoint_is_refused(
    damage: Callable[[bytes], bytes], finished: list[str], refused: Callable[..., str], tmp_path: Path
) -> None:
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    assert "checkpoint.safetensors: not a whole safetensors file" in refused(*finished, "--resume")
    checkpoint.write_bytes((tmp_path / "run" / "model.safetensors").read_bytes())
    assert "checkpoint.safetensors: not a checkpoint" in refused(*finished, "--resume")
