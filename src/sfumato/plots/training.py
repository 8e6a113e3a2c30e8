"""Figures of a training run and of the model that it made. Each function returns a matplotlib figure.

Nothing is shown or written here.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.errors import InputError
from sfumato.layers.dense import Affine
from sfumato.model import Model
from sfumato.plots.drawing import BLUE, CLASS_COLOURS, GREY, ORANGE, figure_of, literal
from sfumato.training.history import EpochRecord


def cost_curves(history: Sequence[EpochRecord], title: str = "Cost against epochs") -> Figure:
    """Draw the loss on training and validation data over the epochs, and mark the lowest validation loss.

    The losses are on a logarithmic scale if the training loss falls to a thirtieth or less.

    Args:
        history: Records of the epochs, in order; validation losses that are all NaN are left out.
        title: Title of the figure.
    """
    figure, axes = figure_of(5.6, 4.2)
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


def compare_costs(curves: Mapping[str, Sequence[float]], title: str) -> Figure:
    """Draw the losses of several runs over the epochs, on a logarithmic scale.

    Args:
        curves: Loss of each epoch, by the name of the run.
        title: Title of the figure.
    """
    figure, axes = figure_of(5.6, 4.6)
    for colour, (name, losses) in zip(CLASS_COLOURS, curves.items(), strict=False):
        axes.plot(range(1, len(losses) + 1), losses, label=name, color=colour, linewidth=1.0)
    axes.set(xlabel="epoch", ylabel="mean loss", yscale="log")
    axes.set_title(title, fontsize="medium")
    axes.grid(alpha=0.25)
    figure.legend(loc="outside lower center", ncols=1 if max(map(len, curves)) > 26 else 2, frameon=False)
    return figure


def decision_boundary(
    model: Model, examples: Examples, title: str = "Decision boundary and training examples"
) -> Figure:
    """Draw the classes that a classifier of two features predicts over the plane, and the examples on top.

    Args:
        model: A classifier of two features.
        examples: Raw inputs, (n, 2), with their classes.
        title: Title of the figure.

    Raises:
        InputError: if the model does not take two features, or is a regression.
    """
    if model.network.input_shape != (2,) or not model.classes or model.several:
        raise InputError("a decision boundary needs a classifier of two features")
    figure, axes = figure_of(5.6, 5.0)
    k = len(model.classes)
    colours = [CLASS_COLOURS[i % len(CLASS_COLOURS)] for i in range(k)]
    _draw_regions(axes, model, examples.x, colours)
    for index, name in enumerate(model.classes):
        across, up = examples.x[examples.y == index].T
        axes.scatter(across, up, s=14, color=colours[index], edgecolor="white", linewidth=0.4, label=literal(name))
    names = model.features or ("1", "2")
    axes.set(xlabel=literal(names[0]), ylabel=literal(names[1]), title=title)
    axes.locator_params(nbins=6)
    if k <= len(CLASS_COLOURS):
        axes.legend(frameon=True, framealpha=0.9, fontsize=9, title=literal(model.target), loc="best")
    return figure


def _draw_regions(axes: Axes, model: Model, x: Array, colours: list[str]) -> None:
    """Colour the plane around the points x, (n, 2), by the predicted class, with lines between the classes."""
    low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
    margin = np.where(high > low, 0.08 * (high - low), 1.0)
    across, up = (np.linspace(low[i] - margin[i], high[i] + margin[i], 300) for i in (0, 1))
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    predicted = model.predict(grid).reshape(300, 300)
    axes.imshow(
        predicted,
        origin="lower",
        extent=(float(across[0]), float(across[-1]), float(up[0]), float(up[-1])),
        aspect="equal" if 0.5 < (up[-1] - up[0]) / (across[-1] - across[0]) < 2 else "auto",
        cmap=ListedColormap(colours),
        vmin=0,
        vmax=len(colours) - 1,
        alpha=0.25,
    )
    for index in np.unique(predicted)[1:]:
        axes.contour(across, up, predicted == index, levels=[0.5], colors="#444444", linewidths=0.5)


def first_weights(model: Model, limit: int = 64) -> Figure:
    """Draw the first layer's weights as pictures: positive ones red, negative ones blue.

    Args:
        model: A model of images whose first layer with weights is dense or a convolution.
        limit: Units or filters shown at most.

    Raises:
        InputError: if the model has no such layer.
    """
    what, weights = _first_layer(model)
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


def _first_layer(model: Model) -> tuple[str, Array]:
    """Return a title and the weights, (units or filters, height, width, channels), of the first layer with weights."""
    shape = model.network.input_shape
    own = next((own for own in model.network.parameters(model.theta) if own), None)
    if isinstance(own, Affine) and own.W.ndim == 4:
        return "Filters of the first layer", own.W
    if isinstance(own, Affine) and len(shape) == 3 and len(own.W) == math.prod(shape):
        return "Weights of the first layer's units", own.W.T.reshape(-1, *shape)
    raise InputError("only a model of images with a dense or convolutional first layer has weights to picture")
