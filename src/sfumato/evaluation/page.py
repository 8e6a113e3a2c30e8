"""A report as a page: one HTML file that holds its style and its figures, and asks nothing of a network."""

import base64
import io
from html import escape

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from sfumato import __version__, plots
from sfumato.arrays import Array
from sfumato.evaluation import ConfusionMatrix, RegressionReport
from sfumato.evaluation.report import Report
from sfumato.evaluation.text import number
from sfumato.plots import report as report_plots

MOST_PICTURES, MOST_ROWS, MOST_COLUMNS = 36, 20, 12
MOST_CLASSES_DRAWN = 60
"""Classes of a confusion matrix that is drawn; a larger one is a grey square."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d2327; --paper: #fdfdfb; --line: #d9d9d2; --faint: #63696e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e1; --paper: #17191b; --line: #3b3f43; --faint: #9aa0a5; }
  img.figure { filter: invert(0.92) hue-rotate(180deg); }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem;
  margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line); }
p { margin: .4rem 0; max-width: 46rem; }
.faint, figcaption { color: var(--faint); font-size: .85rem; }
.numbers { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 1.2rem 0; padding: 0; }
.numbers div { min-width: 6rem; }
.numbers dt { color: var(--faint); font-size: .85rem; }
.numbers dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
img.figure { max-width: 100%; height: auto; display: block; }
.side { display: flex; flex-wrap: wrap; gap: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.cut { max-width: 14rem; overflow: hidden; text-overflow: ellipsis; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: 1rem; }
.pictures figure { margin: 0; }
.pictures img { width: 100%; image-rendering: pixelated; border: 1px solid var(--line); }
figcaption { overflow: hidden; text-overflow: ellipsis; }
@media print { body { max-width: none; } h2 { break-after: avoid; } figure, img, tr { break-inside: avoid; } }
"""


def page(report: Report) -> str:
    """The whole page."""
    measures = report.measures
    parts = _classes(report, measures) if isinstance(measures, ConfusionMatrix) else _values(report, measures)
    name = escape(report.name)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{name}</title><style>{STYLE}</style></head><body>",
            f"<h1>{name}</h1>",
            *parts,
            f'<p class="faint">Made by Sfumato {escape(__version__)}.</p>',
            "</body></html>\n",
        ]
    )


def _classes(report: Report, matrix: ConfusionMatrix) -> list[str]:
    assert report.calibration is not None
    low, high = matrix.accuracy_interval
    averages = matrix.average("macro")
    numbers = {
        "examples": str(matrix.examples),
        "accuracy": number(matrix.accuracy),
        "95 % interval": f"{low:.4f} to {high:.4f}",
        "always the commonest": number(matrix.no_information_rate),
        "mean F1": number(averages.f1),
        "Cohen's kappa": number(matrix.kappa),
        "loss": f"{report.loss:.4f}",
        "calibration error": number(report.calibration.error),
    }
    return [
        _numbers(numbers),
        "<h2>Confusion matrix</h2>",
        *_matrix(matrix),
        "<h2>Classes</h2>",
        _class_table(report, matrix),
        "<h2>Ranking</h2>",
        "<p>Each class against the others, as the threshold on its probability falls. The area under the ROC curve is "
        "the probability that an example of the class gets a higher one than another example.</p>",
        '<div class="side">',
        _figure(report_plots.roc(report), "ROC curves"),
        _figure(report_plots.precision_recall(report), "Precision against recall"),
        "</div>",
        "<h2>Calibration</h2>",
        "<p>Predictions made with a probability of 0.8 should be right in 80 of 100 cases: on the dotted line. Below "
        "it, the model is surer than it should be.</p>",
        _figure(report_plots.reliability(report), "Share of right predictions against their probability"),
        "<h2>Worst mistakes</h2>",
        *_mistakes(report, matrix),
    ]


def _matrix(matrix: ConfusionMatrix) -> list[str]:
    """The matrix as a figure; of very many classes, those that are mixed up most as a table."""
    if len(matrix.classes) <= MOST_CLASSES_DRAWN:
        described = f"Confusion matrix of {len(matrix.classes)} classes, accuracy {matrix.accuracy:.4f}"
        return [_figure(plots.confusion_matrix(matrix), described)]
    wrong = matrix.counts - np.diag(np.diagonal(matrix.counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_ROWS]
    pairs = [divmod(int(place), len(matrix.classes)) for place in order if wrong.flat[place]]
    rows = [[matrix.classes[i], matrix.classes[j], str(wrong[i, j])] for i, j in pairs]
    text = f"<p>{len(matrix.classes)} classes are too many to draw. Mixed up most often:</p>"
    return [text, _table(["true", "predicted", "examples"], rows)]


def _class_table(report: Report, matrix: ConfusionMatrix) -> str:
    heads = ["class", "examples", "precision", "recall", "F1", "specificity", "ROC area", "average precision"]
    areas = [np.array([curve.area for curve in curves]) for curves in (report.roc, report.precision_recall)]
    columns = (matrix.precision, matrix.recall, matrix.f1, matrix.specificity, *areas)
    rows = [
        [name, str(examples), *(number(column[k]) for column in columns)]
        for k, (name, examples) in enumerate(zip(matrix.classes, matrix.counts.sum(axis=1), strict=True))
    ]
    return _table(heads, rows)


def _mistakes(report: Report, matrix: ConfusionMatrix) -> list[str]:
    assert report.probabilities is not None
    wrong = matrix.examples - matrix.correct
    if not wrong:
        return ["<p>There are none: every prediction is right.</p>"]
    is_image = report.examples.x.ndim == 4
    worst = report.worst(MOST_PICTURES if is_image else MOST_ROWS)
    said = "the one" if wrong == 1 else f"all {wrong}" if len(worst) == wrong else f"the {len(worst)} surest of {wrong}"
    names = matrix.classes
    probabilities = report.probabilities[worst, report.predicted[worst]]
    text = f"<p>Predictions that are wrong, {said}: the surest first. Examples are numbered from 0.</p>"
    if not is_image:
        heads = ["example", "true", "predicted", "probability"]
        rows = [
            [str(i), names[report.examples.y[i]], names[report.predicted[i]], f"{probability:.4f}"]
            for i, probability in zip(worst, probabilities, strict=True)
        ]
        return [text, _rows_table(report, heads, rows, worst)]
    figures = [
        f'<figure><img src="{_picture(report.examples.x[i])}" alt="example {i}"><figcaption>{i}: '
        f"{escape(names[report.examples.y[i]])}, taken for {escape(names[report.predicted[i]])} "
        f"({probability:.3f})</figcaption></figure>"
        for i, probability in zip(worst, probabilities, strict=True)
    ]
    return [text, '<div class="pictures">', *figures, "</div>"]


def _values(report: Report, errors: RegressionReport) -> list[str]:
    numbers = {
        "examples": str(errors.examples),
        "root mean squared error": f"{errors.root_mean_squared_error:.5g}",
        "mean absolute error": f"{errors.mean_absolute_error:.5g}",
        "R squared": number(errors.r_squared),
    }
    worst = report.worst(MOST_ROWS)
    y, predicted = report.examples.y[worst], report.predicted[worst]
    rows = [
        [str(i), f"{true:.6g}", f"{value:.6g}", f"{value - true:+.4g}"]
        for i, true, value in zip(worst, y, predicted, strict=True)
    ]
    return [
        _numbers(numbers),
        "<h2>Values</h2>",
        '<div class="side">',
        _figure(report_plots.predicted_against_true(report), "Predicted against true values"),
        _figure(report_plots.errors(report), "A histogram of the errors"),
        "</div>",
        "<h2>Furthest off</h2>",
        "<p>Examples are numbered from 0.</p>",
        _rows_table(report, ["example", "true", "predicted", "error"], rows, worst),
    ]


def _rows_table(report: Report, heads: list[str], rows: list[list[str]], which: Array) -> str:
    """Examples with the values of their first columns."""
    features = report.model.features[:MOST_COLUMNS]
    cells = [_cells(report, i)[:MOST_COLUMNS] for i in which]
    more = len(report.model.features) - len(features)
    note = f'<p class="faint">{more} more columns are not shown.</p>' if more else ""
    return _table([*heads, *features], [row + own for row, own in zip(rows, cells, strict=True)]) + note


def _cells(report: Report, example: int) -> list[str]:
    """An example's values as its table had them: categories by name."""
    x, cells = report.examples.x[example], []
    start = 0
    for name in report.model.features:
        known = report.model.categories.get(name)
        if known is None:
            cells.append("missing" if np.isnan(x[start]) else f"{x[start]:.6g}")
        else:
            shown = np.flatnonzero(x[start : start + len(known)])
            cells.append(known[shown[0]] if shown.size else "missing")
        start += 1 if known is None else len(known)
    return cells


def _numbers(numbers: dict[str, str]) -> str:
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in numbers.items())
    return f'<dl class="numbers">{items}</dl>'


def _table(heads: list[str], rows: list[list[str]]) -> str:
    head = "".join(f'<th class="cut" title="{escape(name)}">{escape(name)}</th>' for name in heads)
    lines = ["".join(f'<td class="cut">{escape(cell)}</td>' for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _figure(figure: Figure, described: str) -> str:
    width = round(96 * figure.get_figwidth())  # as large as it was meant, in CSS's pixels of 1/96 inch
    return f'<img class="figure" width="{width}" src="{_inline(plots.to_png(figure))}" alt="{escape(described)}">'


def _picture(x: Array) -> str:
    """An image (height, width, channels), from its darkest to its brightest where it is not of bytes."""
    if x.dtype != np.uint8:
        span = float(np.ptp(x)) or 1.0
        x = np.rint((x - x.min()) / span * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(x if x.shape[-1] == 3 else x.mean(axis=-1).astype(np.uint8)).save(buffer, format="png")
    return _inline(buffer.getvalue())


def _inline(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
