"""The room Tables over HTTP: tables as understood, trainings that equal the command line's, and predictions."""

import gzip
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris
from tests.studio.running import Studio

from sfumato.studio.training_options import TRAINING_OPTIONS

PROGRAM = [sys.executable, "-c", "from sfumato.cli import main; main()"]
LONG = {"epochs": 100_000, "batch_size": 16}
"""Settings that take longer than any test waits."""


@pytest.fixture(scope="module")
def iris() -> pd.DataFrame:
    """The irises, with the names of their species in the last column."""
    bunch = load_iris(as_frame=True)
    table: pd.DataFrame = bunch.frame.rename(columns=lambda name: name.removesuffix(" (cm)"))
    return table.assign(species=bunch.target_names[bunch.target]).drop(columns="target")


@pytest.fixture
def flowers(tmp_path: Path, iris: pd.DataFrame) -> Path:
    """The same as a CSV file."""
    iris.to_csv(tmp_path / "flowers.csv", index=False)
    return tmp_path / "flowers.csv"


@pytest.fixture(autouse=True)
def empty(served: Studio) -> Iterator[None]:
    """Each test ends without trainings."""
    yield
    for told in served.http.get("/api/trainings").json()["trainings"]:
        served.http.post(f"/api/trainings/{told['id']}/stop")
        ended(served, told["id"])
        served.http.post(f"/api/trainings/{told['id']}/remove")


def give(studio: Studio, path: Path) -> str:
    """Hand in a table; returns its id."""
    answer = studio.http.put("/api/tables", params={"name": path.name}, content=path.read_bytes())
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def understood(studio: Studio, path: Path, **settings: Any) -> dict[str, Any]:
    """What the page is told of a table."""
    asked = {"table": give(studio, path), "name": path.name, "settings": settings}
    answer = studio.http.post("/api/tables/understood", json=asked)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def train(studio: Studio, path: Path, **settings: Any) -> str:
    """Put a training in the queue; returns its name."""
    asked = {"table": give(studio, path), "name": path.name, "settings": settings}
    answer = studio.http.post("/api/trainings", json=asked)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def ended(studio: Studio, name: str) -> dict[str, Any]:
    """Wait until a training is over, and return it."""
    return studio.until(name, lambda job: job["state"] not in ("waiting", "training"), place="trainings")


def file_of(studio: Studio, name: str, file: str) -> bytes:
    """A file of a training."""
    answer = studio.http.get(f"/api/trainings/{name}/files/{file}")
    assert answer.status_code == 200, answer.text
    return answer.content


def run(folder: Path, *words: str) -> None:
    """Run the program in a folder."""
    subprocess.run([*PROGRAM, *words, "--quiet"], cwd=folder, check=True, env=os.environ, stdout=subprocess.DEVNULL)


def run_shown(folder: Path, command: str) -> Path:
    """Run the command that the page shows, where the table lies; returns the folder of its run."""
    words = shlex.split(command)
    assert words[:2] == ["sfumato", "train"]
    run(folder, *words[1:])
    return folder / words[-1]


def without_seconds(history: bytes) -> list[str]:
    """Lines of a history but for the time."""
    return [line.rpartition(",")[0] for line in history.decode().splitlines()]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {
            "target": "petal width",
            "drop": ["species"],
            "hidden": [8, 4],
            "optimizer": "momentum",
            "batch_size": "full",
            "epochs": 5,
            "seed": 3,
        },
        {"class_weight": {"setosa": 2.0}, "hidden": [], "test": 0.3, "validation": 0.2, "early_stopping": 3, "l2": 0.5},
    ],
    ids=["defaults", "values", "classes"],
)
def test_a_training_equals_the_commands(settings: dict[str, Any], flowers: Path, served: Studio) -> None:
    name = train(served, flowers, **settings)
    job = ended(served, name)
    assert job["state"] == "finished", job
    out = run_shown(flowers.parent, job["command"])
    assert file_of(served, name, "model.safetensors") == (out / "model.safetensors").read_bytes()
    assert job["files"] == sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    assert file_of(served, name, "cost.png").startswith(b"\x89PNG")
    history = file_of(served, name, "history.csv")
    assert without_seconds(history) == without_seconds((out / "history.csv").read_bytes())
    assert len(job["records"]) == job["epochs"] == len(history.splitlines()) - 1
    assert b"<!DOCTYPE html>" in file_of(served, name, "report.html")[:20]
    assert job["text"].startswith("flowers.csv: network ")

    rows = pd.read_csv(flowers).sample(10, random_state=0)
    rows.to_csv(flowers.parent / "new.csv", index=False)
    classes = bool(job["summary"]["report"].get("classes"))
    asked = {"name": "new.csv", **({"proba": "yes"} if classes else {})}
    content = (flowers.parent / "new.csv").read_bytes()
    answer = served.http.put(f"/api/trainings/{name}/predictions", params=asked, content=content).json()
    run(flowers.parent, "predict", str(out), "new.csv", "-o", "answers.csv", *(["--proba"] if classes else []))
    assert answer["csv"].encode() == (flowers.parent / "answers.csv").read_bytes()
    assert answer["rows"] == 10


def test_what_a_result_advises_is_in_the_words_of_the_form(tmp_path: Path, served: Studio) -> None:
    rng = np.random.default_rng(
        0
    )  # classes that have nothing to do with the inputs: they can be learned by heart alone
    table = pd.DataFrame(rng.standard_normal((80, 10)), columns=[*"abcdefghij"])
    table.assign(kind=rng.choice(["x", "y"], 80)).to_csv(tmp_path / "noise.csv", index=False)
    job = ended(served, train(served, tmp_path / "noise.csv", hidden=[50], l2=0, epochs=300, validation=0.3))
    (note,) = job["summary"]["notes"]
    assert note.endswith("stop there (Early stopping), or regularise (L2 penalty, Dropout).")
    assert note in job["text"]


@pytest.mark.parametrize("kind", ["flowers.csv.gz", "flowers.parquet"])
def test_compressed_csv_and_parquet_are_taken(kind: str, tmp_path: Path, iris: pd.DataFrame, served: Studio) -> None:
    path = tmp_path / kind
    if kind.endswith(".gz"):
        path.write_bytes(gzip.compress(iris.to_csv(index=False).encode()))
    else:
        pytest.importorskip("pyarrow")
        iris.to_parquet(path)
    told = understood(served, path)
    assert told["understood"]["target"] == "species"
    assert told["understood"]["columns"][-1]["details"] == "setosa, versicolor, virginica"
    assert told["preview"]["rows"][0] == ["5.1", "3.5", "1.4", "0.2", "setosa"]
    job = ended(served, train(served, path, epochs=100))
    assert job["state"] == "finished"
    assert job["summary"]["test_accuracy"] > 0.8


def test_columns_are_told_as_they_are_understood(tmp_path: Path, served: Studio) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "id": range(1, 61),
            "colour": rng.choice(["red", "green"], 60),
            "price": rng.normal(size=60),
            "note": [f"text {k}" for k in range(60)],
            "sold": rng.choice(["yes", "no"], 60),
        }
    )
    table.to_csv(tmp_path / "shop.csv", index=False)
    told = understood(served, tmp_path / "shop.csv")
    kinds = {column["name"]: column["kind"] for column in told["understood"]["columns"]}
    assert kinds == {"id": "left out", "colour": "category", "price": "number", "note": "left out", "sold": "classes"}
    details = {column["name"]: column["details"] for column in told["understood"]["columns"]}
    assert details["colour"] == "green, red"
    assert "only counts the rows" in details["id"]
    told = understood(served, tmp_path / "shop.csv", target="price", drop=["colour"])
    assert told["understood"]["task"] == "regression"
    assert told["preview"]["names"] == [*table]


def test_what_cannot_be_used_is_said_in_a_line_with_its_field(flowers: Path, served: Studio) -> None:
    told = understood(served, flowers, target="colour")
    assert told["error"]["field"] == "target"
    assert told["error"]["text"].startswith("flowers.csv: there is no column 'colour'")
    assert understood(served, flowers, class_weight={"rose": 2})["error"]["field"] == "class_weight"
    assert understood(served, flowers, drop=["species"], target="species")["error"]["field"] == "drop"
    table = give(served, flowers)
    for settings, field in (
        ({"hidden": [0]}, "hidden"),
        ({"batch_size": "some"}, "batch_size"),
        ({"epochs": "many"}, "epochs"),
        ({"hidden": [900_000, 900_000]}, "hidden"),
        ({"l2": -1}, "l2"),
        *(({name: -1}, name) for name in ("epochs", "batch_size", "learning_rate", "early_stopping", "limit")),
        *(({name: -1}, name) for name in ("dropout", "beta1", "beta2", "epsilon")),
        ({"optimizer": "momentum", "beta": -1}, "beta"),
        ({"beta": 0.5}, "beta"),
        ({"init": "normal", "init_scale": -1}, "init_scale"),
        ({"init_scale": 1}, "init_scale"),
        ({"schedule": "exponential", "decay": -1}, "decay"),
        ({"decay": 1}, "decay"),
        ({"validation": 0, "early_stopping": 3}, "early_stopping"),
    ):
        asked = {"table": table, "name": "flowers.csv", "settings": settings}
        answer = served.http.post("/api/trainings", json=asked)
        assert (answer.status_code, answer.json()["field"]) == (400, field)
    refused: tuple[Any, ...] = ({"stream": True}, {"validation": "/etc/passwd"}, {"test": "other.csv"}, [])
    for values in refused:
        asked = {"table": table, "name": "flowers.csv", "settings": values}
        assert served.http.post("/api/trainings", json=asked).status_code == 400
    assert served.http.get("/api/trainings").json()["trainings"] == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty"),
        ("sheet.xlsx", b"PK\x03\x04" + b"\0" * 60, "spreadsheet"),
        ("cat.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)), "is a picture"),
        ("broken.parquet", b"PAR1 and no more", "broken.parquet"),
    ],
)
def test_what_is_no_table_is_refused_in_a_line(name: str, content: bytes, said: str, served: Studio) -> None:
    kept = {*(served.folder / "tables").iterdir()}
    answer = served.http.put("/api/tables", params={"name": name}, content=content)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(name)
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert {*(served.folder / "tables").iterdir()} == kept


@pytest.mark.parametrize(
    ("written", "encoding", "field", "said", "settings"),
    [
        ("size,kind\n" + 10 * "1,höher\n2,tiefer\n", "utf-16-le", "encoding", "Encoding", {"encoding": "utf-16-le"}),
        ('"size"#"kind"\n' + 10 * '"1"#"a"\n"2"#"b"\n', "utf-8", "separator", "quotation marks", {"separator": "#"}),
    ],
)
def test_a_table_is_read_once_its_encoding_or_separator_is_given(
    written: str, encoding: str, field: str, said: str, settings: dict[str, str], tmp_path: Path, served: Studio
) -> None:
    (tmp_path / "odd.csv").write_text(written, encoding=encoding)
    told = understood(served, tmp_path / "odd.csv")
    assert (told["preview"], told["understood"], told["error"]["field"]) == (None, None, field)
    assert told["error"]["text"].startswith("odd.csv, line ")
    assert said in told["error"]["text"]
    told = understood(served, tmp_path / "odd.csv", **settings)
    assert told["error"] is None
    assert told["preview"]["names"] == ["size", "kind"]
    assert told["understood"]["classes"] == 2


def test_an_encoding_that_does_not_fit_is_said_at_its_field(tmp_path: Path, served: Studio) -> None:
    (tmp_path / "odd.csv").write_text("size,kind\n1,höher\n2,tiefer\n", encoding="utf-8")
    for encoding in ("ascii", "klingon"):
        asked = {"table": give(served, tmp_path / "odd.csv"), "name": "odd.csv", "settings": {"encoding": encoding}}
        told = served.http.post("/api/tables/understood", json=asked).json()
        assert (told.get("field") or told["error"]["field"]) == "encoding"


def test_a_bad_row_is_named(tmp_path: Path, served: Studio) -> None:
    (tmp_path / "bad.csv").write_text("a,b,c\n1,2,x\n3,4,y\n5,6\n7,8,x\n", encoding="utf-8")
    told = understood(served, tmp_path / "bad.csv")
    assert told["error"]["text"].startswith("bad.csv, line 4: the number of values is 2, not 3")
    assert told["understood"] is None


def test_a_training_that_is_stopped_goes_on_to_the_same_model(flowers: Path, served: Studio) -> None:
    settings = {"epochs": 3000, "batch_size": 16, "seed": 1}
    whole = train(served, flowers, **settings)
    assert ended(served, whole)["state"] == "finished"
    name = train(served, flowers, **settings)
    served.until(name, lambda job: job["state"] == "training" and len(job["records"]) > 5, place="trainings")
    served.http.post(f"/api/trainings/{name}/stop")
    stopped = ended(served, name)
    assert stopped["state"] == "stopped"
    assert 0 < stopped["epochs"] < 3000
    assert file_of(served, name, "model.safetensors")
    served.http.post(f"/api/trainings/{name}/resume")
    assert ended(served, name)["state"] == "finished"
    assert file_of(served, name, "model.safetensors") == file_of(served, whole, "model.safetensors")


def test_trainings_wait_for_each_other_and_are_removed(flowers: Path, served: Studio) -> None:
    first, second = (train(served, flowers, **LONG) for _ in range(2))
    served.until(first, lambda job: job["state"] == "training" and job["records"], place="trainings")
    assert served.http.get(f"/api/trainings/{second}").json()["position"] == 1
    assert "stop it first" in served.http.post(f"/api/trainings/{first}/remove").json()["error"]
    later = served.http.get(f"/api/trainings/{first}?from=3").json()["records"]
    assert all(record["epoch"] > 3 for record in later)
    served.http.post(f"/api/trainings/{second}/stop")
    served.http.post(f"/api/trainings/{first}/stop")
    for name in (first, second):
        ended(served, name)
        served.http.post(f"/api/trainings/{name}/remove")
        assert served.http.get(f"/api/trainings/{name}").status_code == 404
        assert not (served.folder / "trainings" / name).exists()


def test_waiting_trainings_change_places_and_are_offered_after_the_studio_was_killed(
    flowers: Path, start_studio: Callable[..., Studio]
) -> None:
    studio = start_studio()
    first, second, third = (train(studio, flowers, **LONG) for _ in range(3))
    studio.until(first, lambda job: job["state"] == "training" and job["records"], place="trainings")
    studio.http.post(f"/api/trainings/{third}/earlier")
    assert [studio.job(name, "trainings")["position"] for name in (third, second)] == [1, 2]
    studio.process.kill()
    studio.process.wait()

    again = start_studio()
    assert again.http.get("/api/trainings").json()["left"] == [first, third, second]
    again.http.post(f"/api/trainings/{third}/leave")
    again.http.post(f"/api/trainings/{second}/resume")
    assert again.http.get("/api/trainings").json()["left"] == [first]


def test_nothing_is_estimated_while_a_network_is_trained(
    flowers: Path, pictures: tuple[Path, Path], served: Studio
) -> None:
    content, style = map(served.give, pictures)
    name = train(served, flowers, **LONG)
    served.until(name, lambda job: job["state"] == "training" and job["records"], place="trainings")
    wanted = {"content": content, "styles": [[style, 1]], "names": {}, "settings": {}}
    assert served.http.post("/api/estimate", json=wanted).json() == {"estimate": None, "postponed": True}


def test_no_address_leads_out_of_a_runs_files(flowers: Path, served: Studio) -> None:
    name = train(served, flowers, epochs=1)
    ended(served, name)
    for file in ("job.json", "outcome.json", ".sfumato-files", "..%2Fjob.json", "%2Fetc%2Fpasswd", "nothing"):
        assert served.http.get(f"/api/trainings/{name}/files/{file}").status_code == 404
    for table in ("../token", "/etc/passwd", "0" * 32):
        asked = {"table": table, "name": "x.csv", "settings": {}}
        assert served.http.post("/api/trainings", json=asked).status_code == 400


def test_predictions_say_what_does_not_fit(flowers: Path, served: Studio) -> None:
    name = train(served, flowers, epochs=2)
    assert ended(served, name)["state"] == "finished"
    place = f"/api/trainings/{name}/predictions"
    answer = served.http.put(place, params={"name": "other.csv"}, content=b"a,b\n1,2\n")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("other.csv: ")
    assert str(served.folder) not in answer.json()["error"]
    rows = b"sepal length,sepal width,petal length,petal width\n5,3,wide,1\n6,3,5,2\n"
    told = served.http.put(place, params={"name": "new.csv"}, content=rows).json()
    assert told["rows"] == 2
    assert told["notes"][0].startswith("new.csv, line 2, column 'petal length': 'wide' is not a number")


@pytest.mark.parametrize("task", ["classes", "values"])
def test_the_lines_for_scikit_learn_run(task: str, flowers: Path, served: Studio) -> None:
    path, settings = flowers, {"epochs": 60, "hidden": [20]}
    if task == "values":
        path = flowers.with_name("diabetes.csv")
        load_diabetes(as_frame=True).frame.to_csv(path, index=False, header=False, sep=";")
    name = train(served, path, **settings)
    job = ended(served, name)
    assert job["state"] == "finished", job
    lines = subprocess.run(
        [sys.executable, "-c", job["scikit_learn"]], cwd=path.parent, check=True, capture_output=True, env=os.environ
    )
    assert float(lines.stdout) > (0.85 if task == "classes" else 0.2)
    assert "hidden=(20,)" in job["scikit_learn"]


def test_the_form_has_every_option_of_train_but_those_of_files_and_images(served: Studio) -> None:
    told = {own["name"]: own for own in served.http.get("/api/tables/options").json()["settings"]}
    assert told.keys() == TRAINING_OPTIONS.keys()
    answer = subprocess.run([*PROGRAM, "train", "--help"], check=True, capture_output=True, env=os.environ)
    options = {word.strip("│ ,.") for word in answer.stdout.decode().split() if word.startswith("--")}
    theirs = {f"--{name.replace('_', '-')}" for name in told}
    others = "stream architecture resume backend device precision out overwrite json quiet verbose threads help"
    assert options - theirs == {f"--{name}" for name in others.split()}
