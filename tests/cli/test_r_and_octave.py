"""R and Octave read what Sfumato writes, and the other way round; where they are installed."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sfumato import Model
from sfumato.arrays import Array

Call = Callable[..., Any]
EXAMPLES = Path(__file__).parents[2] / "examples" / "r_and_octave"

needs_r = pytest.mark.skipif(
    not shutil.which("Rscript")
    or subprocess.run(["Rscript", "-e", "library(jsonlite)"], capture_output=True, check=False).returncode != 0,
    reason="needs R with jsonlite",
)
needs_octave = pytest.mark.skipif(not shutil.which("octave-cli"), reason="needs Octave")


@pytest.fixture
def r(tmp_path: Path) -> Callable[[str], None]:
    """Runs lines of R in the test's folder, in which `examples` is the folder of the examples for R."""

    def call(code: str) -> None:
        lines = f"examples <- {str(EXAMPLES)!r}\n{code}"
        subprocess.run(["Rscript", "-e", lines], cwd=tmp_path, check=True, capture_output=True)

    return call


@pytest.fixture
def octave(tmp_path: Path) -> Callable[[str], None]:
    """Runs lines of Octave in the test's folder, with the functions of the examples."""

    def call(code: str) -> None:
        command = ["octave-cli", "--quiet", "--path", str(EXAMPLES), "--eval", code]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    return call


def read_rows(path: Path) -> Array:
    return pd.read_csv(path, header=None).to_numpy()


@needs_r
def test_tables_go_from_r_and_back(r: Callable[[str], None], here: Call, tmp_path: Path) -> None:
    r('write.csv(iris, "iris.csv", row.names = FALSE)')
    assert here("train", "iris.csv", "--epochs", "2", "-o", "run", "--quiet").status == 0
    model = Model.load(tmp_path / "run" / "model.safetensors")
    assert model.features == ("Sepal.Length", "Sepal.Width", "Petal.Length", "Petal.Width")
    assert (model.classes, model.target) == (("setosa", "versicolor", "virginica"), "Species")
    assert here("predict", "run", "iris.csv", "--proba", "-o", "answers.csv").status == 0
    r(
        """
        answers <- read.csv("answers.csv")
        stopifnot(nrow(answers) == 150, answers$Species %in% levels(iris$Species))
        history <- read.csv("run/history.csv")
        stopifnot(history$epoch == 1:2, history$train_loss > 0)
        write.table(answers[, -1], "back.csv", sep = ",", row.names = FALSE, col.names = FALSE)
        """
    )
    x = pd.read_csv(tmp_path / "iris.csv").to_numpy()[:, :4].astype(float)
    np.testing.assert_allclose(read_rows(tmp_path / "back.csv"), model.predict_proba(x), atol=1e-6)


@needs_r
def test_a_model_is_read_in_r(r: Callable[[str], None], trained: Path, tmp_path: Path) -> None:
    path = trained / "model.safetensors"
    r(
        f"""
        source(file.path(examples, "read_safetensors.R"))
        model <- read_safetensors({str(path)!r})
        stopifnot(model$description$classes == c("rose", "tulip"))
        save_matrix <- function(x, path) write.table(x, path, sep = ",", row.names = FALSE, col.names = FALSE)
        save_matrix(model$tensors$dense_2.W, "W.csv")
        save_matrix(model$tensors$scaling.offset, "offset.csv")
        """
    )
    model = Model.load(path)
    W = model.network.parameters(model.theta).dense_2.W
    np.testing.assert_allclose(read_rows(tmp_path / "W.csv"), W, rtol=1e-6)
    np.testing.assert_allclose(read_rows(tmp_path / "offset.csv")[:, 0], model.scaling.offset, rtol=1e-12)


@needs_octave
def test_a_model_is_read_in_octave(octave: Callable[[str], None], trained: Path, tmp_path: Path) -> None:
    path = trained / "model.safetensors"
    octave(
        f"""
        [tensors, description] = read_safetensors ("{path}");
        assert (description.classes, {{"rose"; "tulip"}});
        dlmwrite ("W.csv", tensors.dense_2_W, "precision", "%.17g");
        dlmwrite ("offset.csv", tensors.scaling_offset, "precision", "%.17g");
        """
    )
    model = Model.load(path)
    W = model.network.parameters(model.theta).dense_2.W
    np.testing.assert_allclose(read_rows(tmp_path / "W.csv"), W, rtol=1e-12)
    np.testing.assert_allclose(read_rows(tmp_path / "offset.csv")[:, 0], model.scaling.offset, rtol=1e-12)


@needs_octave
def test_weights_go_from_octave_into_a_model(octave: Callable[[str], None], here: Call, tmp_path: Path) -> None:
    octave(
        """
        randn ("seed", 0); x = randn (40, 3); w = [1; -2; 3]; p = 1 ./ (1 + exp (-(x * w + 0.5)));
        csvwrite ("rows.csv", [x, p > 0.5]); csvwrite ("x.csv", x); csvwrite ("p.csv", p);
        csvwrite ("dense_1.W.csv", w); csvwrite ("dense_1.b.csv", 0.5);
        """
    )
    script = [sys.executable, str(EXAMPLES / "weights_from_csv.py"), "w.safetensors", "dense_1.W.csv", "dense_1.b.csv"]
    subprocess.run(script, cwd=tmp_path, check=True, capture_output=True)
    options = ("--hidden", "none", "--scaling", "none", "--epochs", "1", "--quiet")
    assert here("train", "rows.csv", *options, "-o", "run").status == 0
    assert here("import", "w.safetensors", "--like", "run", "-o", "model.safetensors").status == 0
    assert here("predict", "model.safetensors", "x.csv", "--proba", "-o", "answers.csv").status == 0
    answers = pd.read_csv(tmp_path / "answers.csv")["probability of 1"]
    np.testing.assert_allclose(answers, read_rows(tmp_path / "p.csv")[:, 0], atol=1e-6)
