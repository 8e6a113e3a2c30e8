"""`sfumato evaluate` and `sfumato predict`: a model's answers, in the names and the form of one's own data."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfumato import Model
from sfumato.data import load

Call = Callable[..., Any]


def table(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


@pytest.fixture
def data(trained: Path) -> str:
    """Path of the table that the trained model was made from."""
    return str(trained.parent / "flowers.csv")


def test_evaluate_reports_what_predict_answers(trained: Path, data: str, here: Call, flowers: str) -> None:
    values = json.loads(here("evaluate", str(trained), data, "--json").out)
    truth = [row[-1] for row in table(flowers)[1:]]
    answers = [row[0] for row in table(here("predict", str(trained), data).out)[1:]]
    assert values["examples"] == len(truth) == len(answers)
    right = np.mean([answer == true for answer, true in zip(answers, truth, strict=True)])
    assert values["accuracy"] == pytest.approx(right)
    assert right > 0.9
    assert values["report"]["classes"] == ["rose", "tulip"]


def test_evaluate_measures_what_train_measured(here: Call, tmp_path: Path) -> None:
    trained = json.loads(here("train", "mnist", "--limit", "500", "--epochs", "2", "--json", "-o", "run").out)
    text = here("evaluate", "run", "mnist").out
    assert text.startswith("run on the test data of mnist, 10000 examples: loss ")
    status, out, err = here("evaluate", "run/model.safetensors", "mnist", "--json", "-o", "report.json")
    values = json.loads(out)
    assert (status, err) == (0, "")
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == values
    assert values["accuracy"] == trained["test_accuracy"]
    assert values["loss"] == pytest.approx(trained["test_loss"])


def test_evaluate_takes_the_models_target_wherever_its_column_is(
    trained: Path, data: str, here: Call, flowers: str, tmp_path: Path
) -> None:
    turned = "\n".join(",".join([*reversed(row), "9" if k else "extra"]) for k, row in enumerate(table(flowers)))
    (tmp_path / "turned.csv").write_text(turned, encoding="utf-8")
    expected = json.loads(here("evaluate", str(trained), data, "--json").out)
    assert json.loads(here("evaluate", str(trained), "turned.csv", "--json").out) == expected
    assert json.loads(here("evaluate", str(trained), "turned.csv", "--json", "--target", "0").out) == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("width,height,age,kind\n1,2,3,rose\n4,5,6,daisy\n", "holds classes that are not known here: daisy"),
        ("width,height,kind\n1,2,rose\n4,5,tulip\n", "its header lacks 'age'; give it all of the names"),
        ("width,height,agee,kind\n1,2,3,rose\n4,5,6,tulip\n", "its header lacks 'age'; give it all of the names"),
        ("1,2,rose\n4,5,tulip\n", "the number of columns beside the target is 2, but 3 are expected"),
    ],
)
def test_data_that_the_model_cannot_be_measured_on(
    content: str, said: str, trained: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "other.csv").write_text(content, encoding="utf-8")
    told = refused("evaluate", str(trained), "other.csv")
    assert told.startswith("other.csv")
    assert said in told


def test_columns_without_names_are_counted(here: Call, refused: Callable[..., str], tmp_path: Path) -> None:
    for width in (2, 3, 4):
        rows = "".join(",".join(str(i % (k + 3)) for k in range(width)) + f",{i % 2}\n" for i in range(60))
        (tmp_path / f"{width}.csv").write_text(rows, encoding="utf-8")
    assert here("train", "3.csv", "--epochs", "2", "--quiet", "-o", "run").status == 0
    assert here("evaluate", "run", "3.csv").status == 0
    for width in (2, 4):
        said = f"{width}.csv: the number of columns beside the target is {width}, but 3 are expected"
        assert said in refused("evaluate", "run", f"{width}.csv")
        assert said in refused("train", "3.csv", "--test", f"{width}.csv")


def test_one_row_or_one_class_is_enough_to_measure(trained: Path, here: Call, flowers: str, tmp_path: Path) -> None:
    header, *rows = flowers.splitlines()
    roses = [row for row in rows if row.endswith("rose")]
    for part in (roses, roses[:1]):
        (tmp_path / "roses.csv").write_text("\n".join([header, *part]), encoding="utf-8")
        status, out, _ = here("evaluate", str(trained), "roses.csv", "--json")
        assert status == 0
        assert json.loads(out)["examples"] == len(part)


def test_predict_answers_in_the_models_names_row_by_row(trained: Path, here: Call, tmp_path: Path) -> None:
    plain = "width,height,age\n3,3,0\n-3,-3,0\n2,2,1\n"
    for content in (
        plain,
        plain.split("\n", 1)[1],  # no header: the order of training
        "note,age,height,width\nx,0,3,3\n,0,-3,-3\nz,1,2,2\n",
        plain.replace(",", ";"),
    ):
        (tmp_path / "new.csv").write_text(content, encoding="utf-8")
        status, out, err = here("predict", str(trained), "new.csv")
        assert (status, out, err) == (0, "kind\nrose\ntulip\nrose\n", "")


def test_predict_with_probabilities(trained: Path, data: str, here: Call) -> None:
    header, *rows = table(here("predict", str(trained), data, "--proba").out)
    assert header == ["kind", "probability of rose", "probability of tulip"]
    for answer, *probabilities in rows:
        rose, tulip = map(float, probabilities)
        assert rose + tulip == pytest.approx(1, abs=1e-6)
        assert answer == ("rose" if rose >= tulip else "tulip")
    values = json.loads(here("predict", str(trained), data, "--proba", "--json").out)
    assert values["rows"] == len(rows)
    assert values["predictions"]["kind"] == [row[0] for row in rows]
    assert values["predictions"]["probability of rose"] == [float(row[1]) for row in rows]


def test_predict_to_a_file(trained: Path, data: str, here: Call, refused: Callable[..., str], tmp_path: Path) -> None:
    answers = here("predict", str(trained), data).out
    assert here("predict", str(trained), data, "-o", "answers.csv")[:2] == (0, "")
    assert (tmp_path / "answers.csv").read_text(encoding="utf-8") == answers
    assert "exists already; add --overwrite" in refused("predict", str(trained), data, "-o", "answers.csv")
    (tmp_path / "answers.csv").write_text("old", encoding="utf-8")
    status, out, err = here("predict", str(trained), data, "-o", "answers.csv", "--overwrite", "--json", "--quiet")
    assert (status, err) == (0, "")
    assert json.loads(out)["rows"] == answers.count("\n") - 1
    assert (tmp_path / "answers.csv").read_text(encoding="utf-8") == answers


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("width,height\n1,2\n", "the number of columns is 2 (its header lacks 'age')"),
        ("1,2,3,4\n", "the number of columns is 4, "),
        ("width,height,age\n1,2\n", "line 2: the number of values is 2, not 3"),
        ("width,height,age\n", "has a header but no rows"),
        ("", "the file is empty"),
    ],
)
def test_rows_that_the_model_cannot_answer(
    content: str, said: str, trained: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text(content, encoding="utf-8")
    told = refused("predict", str(trained), "new.csv")
    assert told.startswith("new.csv")
    assert said in told


def test_a_misspelt_name_in_the_header_is_not_taken_by_position(
    trained: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text("age,height,widht\n1,2,3\n", encoding="utf-8")
    assert "lacks 'width'" in refused("predict", str(trained), "new.csv")


def test_a_value_beyond_all_bounds_gets_no_made_up_answer(
    trained: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text("width,height,age\n1e300,-1e300,1e300\n", encoding="utf-8")
    assert refused("predict", str(trained), "new.csv")


def test_a_model_of_values_predicts_values_and_has_no_probabilities(
    here: Call, refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text("".join(f"{x / 10},{x / 5 + 1}\n" for x in range(200)), encoding="utf-8")
    assert here("train", "table.csv", "--epochs", "150", "--quiet", "-o", "run").status == 0
    (tmp_path / "new.csv").write_text("5\n15\n", encoding="utf-8")
    header, *answers = table(here("predict", "run", "new.csv").out)
    assert header == ["y"]
    assert [float(row[0]) for row in answers] == pytest.approx([11, 31], rel=0.1)
    assert "leave out --proba" in refused("predict", "run", "new.csv", "--proba")


def test_an_image_model_takes_rows_of_pixels(here: Call, refused: Callable[..., str], tmp_path: Path) -> None:
    assert here("train", "digits", "--epochs", "5", "--quiet", "-o", "run").status == 0
    images = load("digits").examples.x
    np.savetxt(tmp_path / "pixels.csv", images.reshape(len(images), -1), fmt="%d", delimiter=",")
    answers = [int(row[0]) for row in table(here("predict", "run", "pixels.csv").out)[1:]]
    assert answers == Model.load(tmp_path / "run" / "model.safetensors").predict(images).tolist()
    (tmp_path / "pixels.csv").write_text("1,2,3\n", encoding="utf-8")
    assert "the model takes 64 features" in refused("predict", "run", "pixels.csv")
    assert "examples have shape (28, 28, 1); (8, 8, 1) is expected" in refused("evaluate", "run", "mnist")


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_what_is_no_model(command: str, trained: Path, data: str, refused: Callable[..., str], tmp_path: Path) -> None:
    whole = (trained / "model.safetensors").read_bytes()
    (tmp_path / "folder").mkdir()
    for name, content, said in (
        ("truncated", whole[: len(whole) // 2], "not a whole safetensors file"),
        ("shortened", whole[:-1], "not a whole safetensors file"),
        ("empty", b"", "not a whole safetensors file"),
        ("table", b"a,b\n1,2\n", "not a whole safetensors file"),
        ("pickle", b"\x80\x04K\x01.", "not a whole safetensors file"),
        ("foreign", b"\x02\0\0\0\0\0\0\0{}", "a safetensors file, but not one that Sfumato wrote"),
        ("checkpoint", (trained / "checkpoint.safetensors").read_bytes(), "not a model"),
    ):
        (tmp_path / name).write_bytes(content)
        told = refused(command, name, data)
        assert told.startswith(f"{name}: ")
        assert said in told
    assert "no model.safetensors in this folder; name a model" in refused(command, "folder", data)
    assert "none: no such file" in refused(command, "none", data)


def test_the_program_itself_answers_on_the_standard_output_alone(
    trained: Path, data: str, here: Call, sfumato: Call, tmp_path: Path
) -> None:
    expected = here("predict", str(trained), data, "--proba").out
    assert sfumato("predict", str(trained), data, "--proba") == (0, expected, "")
    status, out, err = sfumato("evaluate", str(trained), data, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["accuracy"] > 0.9
    assert list(tmp_path.iterdir()) == []


def test_answers_in_any_script_reach_a_stream_that_knows_only_ascii(here: Call, sfumato: Call, tmp_path: Path) -> None:
    rows = "".join(f"{i % 9 - 4},{'κόκκινο' if i % 9 > 3 else 'πράσινο'}\n" for i in range(90))
    (tmp_path / "table.csv").write_text(rows, encoding="utf-8")
    assert here("train", "table.csv", "--epochs", "100", "--quiet", "-o", "run").status == 0
    (tmp_path / "new.csv").write_text("-4\n4\n", encoding="utf-8")
    done = sfumato("predict", "run", "new.csv", PYTHONIOENCODING="ascii")
    assert done == (0, "y\nπράσινο\nκόκκινο\n", "")
