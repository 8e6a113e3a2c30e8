"""Figures of training and of a model: each thing drawn is where its axes and labels say."""

import math
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb, to_rgba

from sfumato import CategoricalCrossEntropy, Dense, Flatten, Model, Network, plots
from sfumato.data import Examples, Scaling
from sfumato.training.history import EpochRecord


def record(epoch: int, train_loss: float, validation_loss: float) -> EpochRecord:
    return EpochRecord(epoch, 0.1, train_loss, 0.5, validation_loss, 0.5, 1.0)


def test_each_loss_is_drawn_under_its_name() -> None:
    history = [record(1, 3.0, 2.5), record(2, 2.0, 1.5), record(3, 1.0, 1.75)]
    axes = plots.cost_curves(history).axes[0]
    lines = {str(line.get_label()): line for line in axes.lines}
    assert np.array_equal(lines["training"].get_xdata(), [1, 2, 3])
    assert np.array_equal(lines["training"].get_ydata(), [3.0, 2.0, 1.0])
    assert np.array_equal(lines["validation"].get_xdata(), [1, 2, 3])
    assert np.array_equal(lines["validation"].get_ydata(), [2.5, 1.5, 1.75])
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation"]
    best = axes.lines[-1]
    assert (np.asarray(best.get_xdata()).item(), np.asarray(best.get_ydata()).item()) == (2, 1.5)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "mean loss")


def test_without_validation_there_is_no_such_curve() -> None:
    axes = plots.cost_curves([record(1, 3.0, math.nan), record(2, 2.0, math.nan)]).axes[0]
    assert [line.get_label() for line in axes.lines] == ["training"]


def test_each_run_is_drawn_under_its_name() -> None:
    axes = plots.compare_costs({"adam": [3, 1], "momentum": [4, 2, 1]}, "two runs").axes[0]
    drawn = {str(line.get_label()): np.asarray(line.get_ydata()).tolist() for line in axes.lines}
    assert drawn == {"adam": [3, 1], "momentum": [4, 2, 1]}
    assert np.array_equal(axes.lines[1].get_xdata(), [1, 2, 3])


def test_a_region_has_the_colour_of_its_class() -> None:
    network = Network([Dense(3)], (2,))
    theta = np.zeros(network.size)
    affine = network.parameters(theta).dense_1
    affine.W[...] = [[1, -1, 0], [0, 0, 3]]  # the first to the right, the second to the left, the third far above
    model = Model(network, theta, CategoricalCrossEntropy(), Scaling.none(), ("right", "left", "up"), ("east", "north"))
    x = np.array([[4.0, -1.0], [-4.0, -1.0], [0.5, 4.0], [-0.5, 4.0]])
    axes = plots.decision_boundary(model, Examples(x, np.array([0, 1, 2, 2]))).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("east", "north")
    image = axes.images[0]
    colours = image.to_rgba(np.asarray(image.get_array()), alpha=1.0)
    left, right, bottom, top = image.get_extent()
    assert image.origin == "lower"
    classes = {"right": (4.0, -1.0), "left": (-4.0, -1.0), "up": (0.0, 4.0)}
    for (name, (across, up)), points in zip(classes.items(), axes.collections[-3:], strict=True):
        row, column = round(299 * (up - bottom) / (top - bottom)), round(299 * (across - left) / (right - left))
        assert points.get_label() == name
        drawn: Any = points.get_facecolor()
        np.testing.assert_allclose(colours[row, column], drawn[0])
    offsets = [np.asarray(points.get_offsets()).tolist() for points in axes.collections[-3:]]
    assert offsets == [x[:1].tolist(), x[1:2].tolist(), x[2:].tolist()]


def test_first_weights_are_drawn_unit_by_unit_and_pixel_by_pixel() -> None:
    network = Network([Flatten(), Dense(4)], (3, 2, 1))
    theta = np.arange(network.size, dtype=float)
    weights = network.parameters(theta).dense_1.W
    model = Model(network, theta, CategoricalCrossEntropy(), Scaling.none(), tuple("abcd"))
    figure = plots.first_weights(model)
    panels = [axes for axes in figure.axes if axes.images]
    assert len(panels) == 4
    for unit, axes in enumerate(panels):
        image = axes.images[0]
        np.testing.assert_array_equal(np.asarray(image.get_array()), weights[:, unit].reshape(3, 2))
        red, _, blue, _ = image.to_rgba(np.array([[image.norm.vmax]]))[0, 0]
        assert red > blue, "what speaks for the unit is red"


def test_classes_have_different_colours() -> None:
    assert len({to_rgb(colour) for colour in plots.CLASS_COLOURS}) == len(plots.CLASS_COLOURS)
    assert to_rgba(plots.BLUE) != to_rgba(plots.ORANGE)
