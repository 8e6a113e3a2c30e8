"""Exports that train the same elsewhere: a script, a notebook, a command, the points; and the model itself."""

import base64
import csv
import io
import json
import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sfumato.errors import InputError
from sfumato.model import Model
from sfumato.studio.learn.playground import Playground
from sfumato.studio.learn.scripting import POINTS, blocks, chosen
from sfumato.studio.learn.setup import activations

Exported = dict[str, Any]


def script(playground: Playground) -> Exported:
    """A script of fewer than 40 lines that comes to the same loss."""
    return {"name": "playground.py", "text": "\n\n".join(blocks(playground)) + "\n", "note": _note(playground)}


def notebook(playground: Playground) -> Exported:
    """The script as a notebook."""
    title, *code = blocks(playground)
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": title.strip('"')},
        *(
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": block,
            }
            for number, block in enumerate(code)
        ),
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    written = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return {"name": "playground.ipynb", "text": json.dumps(written, indent=1), "note": _note(playground)}


def data(playground: Playground) -> Exported:
    """All examples as CSV: the features, and the number of the class or the value."""
    dataset = playground.setup.dataset
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow([*dataset.features, dataset.target])
    for x, y in zip(dataset.examples.x.tolist(), dataset.examples.y.tolist(), strict=True):
        rows.writerow([*map(repr, x), repr(y)])
    names = {str(number): name for number, name in enumerate(dataset.classes)}
    note = "" if all(number == name for number, name in names.items()) else f"the classes are numbered: {names}"
    return {"name": POINTS, "text": written.getvalue(), "note": note}


def model(playground: Playground) -> Exported:
    """The trained model, as `sfumato train` writes it; it takes the features, and gives values in their own units."""
    setup, training = playground.setup, playground.setup.training
    trained = Model(
        network=training.network,
        theta=training.theta_in_own_units(playground.theta.copy()),
        loss=training.loss,
        scaling=training.scaling,
        classes=setup.dataset.classes,
        features=setup.dataset.features,
        target=setup.dataset.target,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        trained.save(path)
        content = path.read_bytes()
    note = f"its inputs are the columns {', '.join(setup.dataset.features)}"
    return {"name": path.name, "base64": base64.b64encode(content).decode(), "note": note}


def command(playground: Playground) -> Exported:
    """The command that trains the same on the exported points, epoch by epoch.

    Raises:
        InputError: for what the command line cannot say.
    """
    setup, state = playground.setup, playground.setup.state
    network, optimizer, run = state["network"], state["optimizer"], state["run"]
    used = sorted({*activations(network)})
    if len(used) > 1:
        raise InputError("the command has one activation for all layers: choose one, or export the script")
    if len({*setup.dataset.examples.y.tolist()}) < len(setup.dataset.classes):
        raise InputError("the command needs points of every class: draw some, or export the script")
    if optimizer["name"] == "lbfgs" and chosen(optimizer):
        raise InputError("the command has no settings of L-BFGS: leave them out, or export the script")
    l2 = state["objective"]["l2"]
    if optimizer["name"] == "adamw":
        if l2:
            raise InputError("the command has either L2 or AdamW's decay: leave one out, or export the script")
        l2 = optimizer["weight_decay"] * setup.train.size
    epochs = run["epochs"] if optimizer["schedule"] == "cosine" else max(1, round(playground.frame().measures.epoch))
    options: dict[str, Any] = {
        "target": setup.dataset.target,
        "task": setup.dataset.task,
        "scaling": state["data"]["scaling"],
        "validation": 0,
        "test": state["test"],
        "hidden": ",".join(map(str, network["hidden"])) or "none",
        **({"activation": used[0]} if used else {}),
        "init": network["init"],
        **({"init_scale": network["init_scale"]} if network["init_scale"] is not None else {}),
        **({"dropout": network["dropout"]} if network["dropout"] and used else {}),
        "l2": l2,
        "optimizer": optimizer["name"],
        "learning_rate": optimizer["learning_rate"],
        **{{"form": "momentum_form"}.get(key, key): value for key, value in chosen(optimizer).items()},
        "schedule": optimizer["schedule"],
        **({"decay": optimizer["decay"]} if optimizer["decay"] is not None else {}),
        "batch_size": run["batch"],
        "epochs": epochs,
        "seed": run["seed"],
    }
    options.pop("weight_decay", None)
    words = ["sfumato", "train", POINTS]
    for key, value in options.items():
        words += [f"--{key.replace('_', '-')}"] + ([] if value is True else [str(value)])
    notes = [_note(playground)] + (["it computes in float32"] if run["precision"] != "float32" else [])
    notes += ["it trains whole epochs"] if playground.now.step % playground.batches else []
    return {
        "name": None,
        "text": shlex.join([*words, "--backend", "numpy", "-o", "playground"]),
        "note": _joined(notes),
    }


def _note(playground: Playground) -> str:
    """A line on what training anew does otherwise than was done."""
    changes = " and ".join(playground.changes)
    return changes and f"{changes}; this trains from the first weights, with the settings of now"


def _joined(notes: list[str]) -> str:
    return "; ".join(note for note in notes if note)


EXPORTS: dict[str, Callable[[Playground], Exported]] = {
    "script": script,
    "notebook": notebook,
    "command": command,
    "data": data,
    "model": model,
}
"""Kinds of exports."""
