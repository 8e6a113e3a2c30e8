"""`sfumato import`: weights that PyTorch trained, from the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from sfumato import Model

Call = Callable[..., Any]


@pytest.fixture
def network(tmp_path: Path) -> Any:
    """A network of the architecture that `trained` has, and its weights in the test's folder."""
    network = nn.Sequential(nn.Linear(3, 15), nn.ReLU(), nn.Linear(15, 9), nn.ReLU(), nn.Linear(9, 1))
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    return network


def test_the_imported_model_predicts_as_pytorch_does(network: Any, trained: Path, here: Call, tmp_path: Path) -> None:
    done = here("import", "weights.pt", "--like", str(trained), "-o", "model.safetensors")
    assert (done.status, done.err) == (0, "")
    assert done.out == ("weights.pt written to model.safetensors: dense_1 from 0, dense_2 from 2, dense_3 from 4\n")
    table = str(trained.parent / "flowers.csv")
    assert here("predict", "model.safetensors", table, "--proba", "-o", "answers.csv").status == 0
    x = pd.read_csv(table)[["width", "height", "age"]].to_numpy()
    scaling = Model.load(trained / "model.safetensors").scaling
    with torch.no_grad():
        tulip = torch.sigmoid(network(torch.from_numpy(scaling(x, np.dtype(np.float32)))))[:, 0].numpy()
    np.testing.assert_allclose(pd.read_csv(tmp_path / "answers.csv")["probability of tulip"], tulip, atol=1e-5)


def test_json_says_which_layer_came_from_which(network: Any, trained: Path, here: Call) -> None:
    done = here("import", "weights.pt", "--like", str(trained), "-o", "model.safetensors", "--json")
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out) == {
        "weights": "weights.pt",
        "like": str(trained),
        "out": "model.safetensors",
        "layers": {"dense_1": "0", "dense_2": "2", "dense_3": "4"},
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing option '--like'"),
        (["--like", "MODEL"], "import writes a file: add -o model.safetensors"),
        (
            ["--like", "MODEL", "-o", "weights.pt"],
            "weights.pt: is an input of this command",
        ),
        (["--like", "MODEL", "-o", "nowhere/model.safetensors"], "there is no folder nowhere"),
        (["--like", "nowhere", "-o", "model.safetensors"], "nowhere: no such file"),
        (["--like", "weights.pt", "-o", "model.safetensors"], "weights.pt: not a whole safetensors file"),
    ],
)
def test_what_is_missing_is_said(
    arguments: list[str], said: str, network: Any, trained: Path, refused: Callable[..., str]
) -> None:
    given = [str(trained) if argument == "MODEL" else argument for argument in arguments]
    assert said in refused("import", "weights.pt", *given)


def test_another_architecture_is_refused_with_the_option_that_helps(
    trained: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    torch.save(nn.Sequential(nn.Linear(3, 20), nn.ReLU(), nn.Linear(20, 1)).state_dict(), tmp_path / "weights.pt")
    said = refused("import", "weights.pt", "--like", str(trained), "-o", "model.safetensors")
    assert "number of dense layers in it is 2 (0, 2), the model's is 3" in said
    assert "--hidden 20" in said


def test_help_says_whose_scaling_is_kept(here: Call) -> None:
    done = here("import", "--help")
    assert "Everything else is MODEL's" in " ".join(done.out.split())
    assert "sfumato import network.pth --like runs/flowers" in done.out
