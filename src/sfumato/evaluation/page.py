"""Reports as HTML: one file with its style and its figures inside, which refers to nothing else.

The page's text and order are in `templates/report.html.j2`, its looks in `templates/report.css`. Here are the values
that the template is given.
"""

import base64
import io
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from sfumato import plots
from sfumato.arrays import Array
from sfumato.data.columns import widths
from sfumato.data.dates import date_of
from sfumato.evaluation.confusion import ConfusionMatrix
from sfumato.evaluation.formatting import number
from sfumato.evaluation.measurement import Measurement
from sfumato.evaluation.regression import RegressionReport
from sfumato.plots import report as report_plots
from sfumato.version import __version__

if TYPE_CHECKING:
    import jinja2
    from matplotlib.figure import Figure

MOST_PICTURES, MOST_ROWS, MOST_COLUMNS = 36, 20, 12
MOST_CLASSES_DRAWN = 60
"""Classes of a confusion matrix that is drawn; a larger one is a grey square."""


class InlineFigure(NamedTuple):
    """A figure inside the page.

    Attributes:
        source: The PNG file as a data URL.
        width: Width in CSS pixels, of 1/96 inch.
        description: Text for readers who do not see the figure.
    """

    source: str
    width: int
    description: str


class InlinePicture(NamedTuple):
    """An example of images, wrongly classified."""

    source: str
    example: int
    true: str
    predicted: str
    probability: str


class ExampleTable(NamedTuple):
    """Examples with the values of their first columns.

    Attributes:
        heads: Names of the columns.
        rows: Cells as text, one list for each example.
        columns_left_out: Number of the features' columns that are not among them.
    """

    heads: list[str]
    rows: list[list[str]]
    columns_left_out: int


def page(measured: Measurement) -> str:
    """Render the whole page."""
    matrix = measured.measures
    values = _classification(measured, matrix) if isinstance(matrix, ConfusionMatrix) else _regression(measured)
    style = (files("sfumato.evaluation") / "templates" / "report.css").read_text("utf-8")
    return _render("report.html.j2", measured, style=style, version=__version__, **values)


def summary(measured: Measurement) -> str:
    """Render the measures alone, as a small table."""
    return _render("summary.html.j2", measured)


def _render(template: str, measured: Measurement, **values: Any) -> str:
    return _templates().get_template(template).render(name=measured.name, numbers=_numbers(measured), **values)


@cache
def _templates() -> "jinja2.Environment":
    import jinja2

    folder = files("sfumato.evaluation") / "templates"
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _numbers(measured: Measurement) -> dict[str, str]:
    """Format the measures at the top of the page."""
    measures = measured.measures
    if isinstance(measures, RegressionReport):
        return {
            "examples": str(measures.examples),
            "root mean squared error": f"{measures.root_mean_squared_error:.5g}",
            "mean absolute error": f"{measures.mean_absolute_error:.5g}",
            "R squared": number(measures.r_squared),
        }
    assert measured.calibration is not None
    low, high = measures.accuracy_interval
    return {
        "examples": str(measures.examples),
        "accuracy": number(measures.accuracy),
        "95 % interval": f"{low:.4f} to {high:.4f}",
        "always the commonest": number(measures.no_information_rate),
        "mean F1": number(measures.average("macro").f1),
        "Cohen's kappa": number(measures.kappa),
        "loss": f"{measured.loss:.4f}",
        "calibration error": number(measured.calibration.error),
    }


def _classification(measured: Measurement, matrix: ConfusionMatrix) -> dict[str, Any]:
    drawn = None
    if len(matrix.classes) <= MOST_CLASSES_DRAWN:
        description = f"Confusion matrix of {len(matrix.classes)} classes, accuracy {matrix.accuracy:.4f}"
        drawn = _inline_figure(plots.confusion_matrix(matrix), description)
    calibration = "Share of right predictions against their probability"
    return {
        "task": "classification",
        "matrix": drawn,
        "mixed_up": _mixed_up(matrix),
        "classes": _classes(measured, matrix),
        "roc": _inline_figure(report_plots.roc(measured), "ROC curves"),
        "precision_recall": _inline_figure(report_plots.precision_recall(measured), "Precision against recall"),
        "reliability": _inline_figure(report_plots.reliability(measured), calibration),
        **_mistakes(measured, matrix),
    }


def _mixed_up(matrix: ConfusionMatrix) -> list[list[str]]:
    """List the pairs of classes that are confused most often, with their counts."""
    wrong = matrix.counts - np.diag(np.diagonal(matrix.counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_ROWS]
    pairs = [divmod(int(place), len(matrix.classes)) for place in order if wrong.flat[place]]
    return [[matrix.classes[i], matrix.classes[j], str(wrong[i, j])] for i, j in pairs]


def _classes(measured: Measurement, matrix: ConfusionMatrix) -> list[list[str]]:
    """List the measures of each class."""
    areas = [np.array([curve.area for curve in curves]) for curves in (measured.roc, measured.precision_recall)]
    columns = (matrix.precision, matrix.recall, matrix.f1, matrix.specificity, *areas)
    return [
        [name, str(examples), *(number(column[k]) for column in columns)]
        for k, (name, examples) in enumerate(zip(matrix.classes, matrix.counts.sum(axis=1), strict=True))
    ]


def _mistakes(measured: Measurement, matrix: ConfusionMatrix) -> dict[str, Any]:
    """List the wrong predictions of the highest probability: as pictures of images, else as rows."""
    assert measured.probabilities is not None
    x, y = measured.examples.x, measured.examples.y
    is_image = x.ndim == 4
    worst = measured.worst(MOST_PICTURES if is_image else MOST_ROWS)
    true, predicted = ([matrix.classes[k] for k in numbers[worst]] for numbers in (y, measured.predicted))
    probability = measured.probabilities[worst].max(axis=1)
    mistakes = list(zip(worst, true, predicted, probability, strict=True))
    counts = {"wrong": matrix.examples - matrix.correct, "shown": len(worst)}
    if is_image:
        return {
            **counts,
            "pictures": [InlinePicture(_picture(x[i]), i, t, p, f"{p_t:.3f}") for i, t, p, p_t in mistakes],
        }
    rows = [[str(i), t, p, f"{p_t:.4f}"] for i, t, p, p_t in mistakes]
    heads = ["example", "true", "predicted", "probability"]
    return {**counts, "pictures": [], "worst": _example_table(measured, heads, rows, worst)}


def _regression(measured: Measurement) -> dict[str, Any]:
    worst = measured.worst(MOST_ROWS)
    y, predicted = measured.examples.y[worst], measured.predicted[worst]
    rows = [
        [str(i), f"{true:.6g}", f"{value:.6g}", f"{value - true:+.4g}"]
        for i, true, value in zip(worst, y, predicted, strict=True)
    ]
    scatter, histogram = report_plots.predicted_against_true(measured), report_plots.errors(measured)
    return {
        "task": "regression",
        "predicted_against_true": _inline_figure(scatter, "Predicted against true values"),
        "errors": _inline_figure(histogram, "A histogram of the errors"),
        "worst": _example_table(measured, ["example", "true", "predicted", "error"], rows, worst),
    }


def _example_table(measured: Measurement, heads: list[str], rows: list[list[str]], which: Array) -> ExampleTable:
    features = measured.model.features
    shown = [row + _cells(measured, i)[:MOST_COLUMNS] for row, i in zip(rows, which, strict=True)]
    return ExampleTable([*heads, *features[:MOST_COLUMNS]], shown, max(0, len(features) - MOST_COLUMNS))


def _cells(measured: Measurement, example: int) -> list[str]:
    """Format an example's values as they were in its table: categories by name."""
    x, cells = measured.examples.x[example], []
    start = 0
    model = measured.model
    for name, width in zip(model.features, widths(model.features, model.categories, model.columns), strict=True):
        known, column = model.categories.get(name), model.known.decided(name)
        if known is not None:
            shown = np.flatnonzero(x[start : start + len(known)])
            cells.append(known[shown[0]] if shown.size else "missing")
        elif np.isnan(x[start]):
            cells.append("missing")
        else:
            cells.append(date_of(x[start] + column.first) if column.kind == "date" else f"{x[start]:.6g}")
        start += width
    return cells


def _inline_figure(figure: "Figure", description: str) -> InlineFigure:
    return InlineFigure(_data_url(plots.to_png(figure)), round(96 * figure.get_figwidth()), description)


def _picture(x: Array) -> str:
    """Encode an image (height, width, channels), from its darkest to its brightest where it is not of bytes."""
    if x.dtype != np.uint8:
        span = float(np.ptp(x)) or 1.0
        x = np.rint((x - x.min()) / span * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(x if x.shape[-1] == 3 else x.mean(axis=-1).astype(np.uint8)).save(buffer, format="png")
    return _data_url(buffer.getvalue())


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
