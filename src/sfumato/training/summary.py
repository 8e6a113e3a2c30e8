"""The summary of a finished training run, as text and as values."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sfumato.data import Examples, StreamedExamples
from sfumato.engine import NUMPY, Engine
from sfumato.evaluation import ConfusionMatrix, RegressionReport
from sfumato.evaluation.several import SeveralReports
from sfumato.layers import Convolution, Dense
from sfumato.model import Model
from sfumato.network import Network
from sfumato.training.diagnosis import diagnose
from sfumato.training.fitting import FitResult
from sfumato.training.splits import Splits
from sfumato.version import __version__


@dataclass(frozen=True)
class Summary:
    """The outcome of training as text and as values.

    Attributes:
        network: The network in brief, as in 784-15-9-10.
        text: The report.
        values: The same by name, for JSON.
        matrix: The confusion matrix on the held-out examples; None for regression.
    """

    network: str
    text: str
    values: dict[str, Any]
    matrix: ConfusionMatrix | None


def report_on(
    model: Model, examples: Examples | StreamedExamples
) -> ConfusionMatrix | RegressionReport | SeveralReports:
    """Measure a model on examples."""
    blocks = [(block.y, model.predict(block.x)) for block in examples.blocks()]
    true, predicted = (np.concatenate(column) for column in zip(*blocks, strict=True))
    if model.several:
        return SeveralReports.from_predictions(true, predicted, model.classes)
    if model.classes:
        return ConfusionMatrix.from_labels(true, predicted, model.classes)
    return RegressionReport.from_predictions(true, predicted)


def summarize(
    model: Model,
    splits: Splits,
    result: FitResult,
    words: Callable[[str], str] = str,
    warnings: Sequence[str] = (),
) -> Summary:
    """Measure the trained model, which reads the test set, once."""
    values: dict[str, Any] = {}
    shown: dict[str, Examples | StreamedExamples | None] = {
        "train": splits.train,
        "validation": splits.validation,
        "test": splits.test,
    }
    for name, examples in shown.items():
        loss, accuracy = (None, None) if examples is None else model.evaluate(examples)
        values |= {f"{name}_loss": loss, f"{name}_accuracy": accuracy}
    held_out = splits.held_out
    report = report_on(model, shown[held_out] or splits.train)
    found = diagnose(result.history, early_stopping=result.settings["early_stopping"] is not None)
    notes = [words(note) for note in found]
    values |= {
        "epochs": len(result.history),
        "best_epoch": result.best_epoch or None,
        "stopped": result.stopped,
        "steps": result.steps,
        "parameters": model.network.size,
        "seconds": result.seconds,
        "examples": {name: 0 if examples is None else examples.size for name, examples in shown.items()},
        **{name: result.settings[name] for name in ("backend", "device", "precision")},
        "version": __version__,
        "columns": [column._asdict() for column in splits.dataset.columns],
        "notes": notes,
        "warnings": [words(text) for text in warnings],
        "report_on": held_out,
        "report": report.to_dict(),
    }
    text = "\n".join(
        [*_head(model, splits, result, values, words), *notes, "", f"On the {held_out} data:", "", report.to_text()]
    )
    return Summary(_widths(model.network), text, values, report if isinstance(report, ConfusionMatrix) else None)


def _head(
    model: Model, splits: Splits, result: FitResult, values: dict[str, Any], words: Callable[[str], str]
) -> list[str]:
    lines = [
        f"{splits.dataset.name}: network {_widths(model.network)}, {model.network.size} parameters, "
        f"{values['epochs']} epochs ({values['steps']} steps) in {values['seconds']:.2f} s"
    ]
    engine = Engine(values["backend"], values["device"], values["precision"])
    if engine != NUMPY:
        lines[0] += f" ({engine})"
    if result.stopped == "early":
        lines.append(f"stopped early: the weights are those of epoch {result.best_epoch}, the lowest validation loss")
    if result.stopped == "converged":
        lines.append("stopped early: no lower loss can be found from here")
    decided = [column.note for column in splits.dataset.columns if "(task=" in column.note]
    lines += [words(note.partition(": ")[2]) for note in decided]
    for name, count in values["examples"].items():
        if count:
            accuracy = f", accuracy {values[f'{name}_accuracy']:.4f}" if model.classes else ""
            lines.append(f"{name:<10} ({count} examples): loss {values[f'{name}_loss']:.4f}{accuracy}")
    return lines


def _widths(network: Network) -> str:
    """Sizes of the network's layers: 784-15-9-10, or 28x28x1-conv32-conv64-128-10 where it begins with convolutions."""
    convolutions = [f"conv{layer.filters}" for layer in network.layers if isinstance(layer, Convolution)]
    inputs = "x".join(map(str, network.input_shape)) if convolutions else str(math.prod(network.input_shape))
    units = [str(layer.units) for layer in network.layers if isinstance(layer, Dense)]
    return "-".join([inputs, *convolutions, *units])
