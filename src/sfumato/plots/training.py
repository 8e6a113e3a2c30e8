"""Pictures of a training run. Each function returns a matplotlib figure; nothing is shown or written here."""

import io
import math
import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.errors import InputError
from sfumato.evaluation import ConfusionMatrix
from sfumato.evaluation.text import shorten
from sfumato.layers.dense import Affine
from sfumato.model import Model
from sfumato.training.history import EpochRecord

BLUE, ORANGE, GREY = "#33658a", "#d1495b", "#6c757d"
CLASS_COLOURS = (BLUE, ORANGE, "#2e933c", "#edae49", "#7d5ba6", "#00798c", "#8d6a4f", "#e377c2", "#7f7f7f", "#111111")


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG file's content, at 150 dots an inch."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a letter that the font lacks is drawn as a box, and no more
        figure.savefig(buffer, format="png", dpi=150, facecolor="white")
    return buffer.getvalue()


def cost_curves(history: Sequence[EpochRecord], title: str = "Cost against epochs") -> Figure:
    """Loss on training and validation data over the epochs, the epoch of the lowest validation loss marked."""
    figure, axes = _figure(6.4, 4.2)
    epochs = [record.epoch for record in history]
    validation = np.array([record.validation_loss for record in history])
    training = np.array([record.train_loss for record in history])
    marker = "o" if len(epochs) <= 30 else None
    axes.plot(epochs, training, color=BLUE, label="training", marker=marker, markersize=3)
    if not np.isnan(validation).all():
        axes.plot(epochs, validation, color=ORANGE, label="validation", marker=marker, markersize=3)
        best = int(np.nanargmin(validation))
        axes.axvline(epochs[best], color=GREY, linewidth=0.8, linestyle=":")
        axes.plot(epochs[best], validation[best], "o", color=ORANGE, markersize=7, fillstyle="none")
    if training.min() > 0 and training.max() > 30 * training.min():
        axes.set_yscale("log")
    axes.set(xlabel="epoch", ylabel="mean loss", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    return figure


def compare_costs(curves: dict[str, Sequence[float]], title: str) -> Figure:
    """Several runs' training losses on one figure, on a logarithmic scale."""
    figure, axes = _figure(7.2, 4.6)
    for colour, (name, losses) in zip(CLASS_COLOURS, curves.items(), strict=False):
        axes.plot(range(1, len(losses) + 1), losses, label=name, color=colour, linewidth=1.0)
    axes.set(xlabel="epoch", ylabel="mean loss", yscale="log")
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.25)
    figure.legend(loc="outside lower center", ncols=2 if max(map(len, curves)) > 26 else 3, frameon=False, fontsize=9)
    return figure


def confusion_matrix(matrix: ConfusionMatrix, title: str = "Confusion matrix") -> Figure:
    """True classes down, predicted across; coloured by share of the true class, with the counts written in."""
    k = len(matrix.classes)
    size = min(14.0, 3.2 + 0.5 * k)
    figure, axes = _figure(size + 0.8, size, layout="compressed")
    counts = matrix.counts
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))  # the root lets rare mistakes show
    labels = [plain(shorten(name, 12)) for name in matrix.classes]
    crowded = k > 6 or max(map(len, labels)) > 6
    axes.set_xticks(range(k), labels, rotation=90 if crowded and max(map(len, labels)) > 2 else 0)
    axes.set_yticks(range(k), labels)
    for i in range(k if k <= 26 else 0):
        for j in range(k):
            if counts[i, j]:
                colour = "white" if shares[i, j] > 0.4 else "#333333"
                axes.text(j, i, str(counts[i, j]), ha="center", va="center", color=colour, fontsize=8 if k > 3 else 10)
    axes.set(xlabel="predicted", ylabel="true", title=f"{title}: accuracy {matrix.accuracy:.4f}")
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.04)
    bar.set_label("share of the true class")
    return figure


def decision_boundary(
    model: Model, examples: Examples, title: str = "Decision boundary and training examples"
) -> Figure:
    """What a classifier of two features says everywhere, and the examples on top.

    Raises:
        InputError: if the model does not take two features, or is a regression.
    """
    if model.network.input_shape != (2,) or not model.classes:
        raise InputError("a decision boundary needs a classifier of two features")
    figure, axes = _figure(6.4, 5.2)
    x, y, _ = examples
    low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
    margin = np.where(high > low, 0.08 * (high - low), 1.0)
    across, up = (np.linspace(low[i] - margin[i], high[i] + margin[i], 300) for i in (0, 1))
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    winner = model.predict(grid).reshape(300, 300)
    k = len(model.classes)
    colours = [CLASS_COLOURS[i % len(CLASS_COLOURS)] for i in range(k)]
    extent = (float(across[0]), float(across[-1]), float(up[0]), float(up[-1]))
    axes.imshow(
        winner,
        origin="lower",
        extent=extent,
        aspect="equal" if 0.5 < (up[-1] - up[0]) / (across[-1] - across[0]) < 2 else "auto",
        cmap=ListedColormap(colours),
        vmin=0,
        vmax=k - 1,
        alpha=0.25,
    )
    for index in np.unique(winner)[1:]:
        axes.contour(across, up, winner == index, levels=[0.5], colors="#444444", linewidths=0.5)
    for index, name in enumerate(model.classes):
        members = x[y == index]
        axes.scatter(
            members[:, 0],
            members[:, 1],
            s=14,
            color=colours[index],
            edgecolor="white",
            linewidth=0.4,
            label=plain(name),
        )
    names = model.features or ("1", "2")
    axes.set(xlabel=plain(names[0]), ylabel=plain(names[1]), title=title)
    if k <= len(CLASS_COLOURS):
        axes.legend(frameon=True, framealpha=0.9, fontsize=9, title=plain(model.target), loc="best")
    return figure


def first_weights(model: Model, limit: int = 64) -> Figure:
    """The first layer's weights as pictures: which pixels speak for a unit or filter (red) or against it (blue).

    Args:
        model: A model of images whose first layer with weights is dense or a convolution.
        limit: Units or filters shown at most.

    Raises:
        InputError: if the model has no such layer.
    """
    shape = model.network.input_shape
    own = next((own for own in model.network.parameters(model.theta) if own), None)
    if isinstance(own, Affine) and own.W.ndim == 4:
        what, weights = "Filters of the first layer", own.W
    elif isinstance(own, Affine) and len(shape) == 3 and len(own.W) == math.prod(shape):
        what, weights = "Weights of the first layer's units", own.W.T.reshape(-1, *shape)
    else:
        raise InputError("only a model of images with a dense or convolutional first layer has weights to picture")
    pictures: Array = weights.mean(axis=-1)[:limit]
    columns = min(len(pictures), 8 if len(pictures) > 20 else 5)
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(1.25 * columns + 0.4, 1.25 * rows + 0.9), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    bound = float(np.quantile(np.abs(pictures), 0.995)) or 1.0
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, picture in zip(grid.flat, pictures, strict=False):
        image = axes.imshow(picture, cmap="RdBu_r", vmin=-bound, vmax=bound)
    more = f" (the first {limit})" if len(weights) > limit else ""
    figure.suptitle(what + more, fontsize=11)
    figure.colorbar(image, ax=grid, fraction=0.03, pad=0.02)
    return figure


def plain(name: str) -> str:
    """A name to be drawn as it is: a dollar would begin mathematics, an underscore in front hide it from the legend."""
    return (" " + name if name.startswith("_") else name).replace("$", r"\$")


def _figure(
    width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained"
) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout=layout)
    return figure, figure.add_subplot()
