"""Figures of a report: each thing drawn is where its axes and labels say."""

from dataclasses import replace

import numpy as np
import pytest

from sfumato import ConfusionMatrix, InputError, Model, multilayer_perceptron, plots, report
from sfumato.data import Examples, Scaling
from sfumato.evaluation.report import Report
from sfumato.losses.classification import default_loss


def report_on(names: tuple[str, ...], n: int = 60) -> Report:
    """The report on an untrained model."""
    loss, outputs = default_loss(len(names))
    network = multilayer_perceptron((3,), (6,), outputs)
    model = Model(network, network.initialize(0), loss, Scaling.none(), names)
    random = np.random.default_rng(0)
    y = random.integers(0, len(names), n) if names else random.normal(size=n)
    return report(model, Examples(random.normal(size=(n, 3)), y))


def test_a_confusion_matrix_has_true_classes_down_and_predicted_across() -> None:
    matrix = ConfusionMatrix(np.array([[5, 4, 1], [0, 20, 0], [3, 0, 7]]), ("ant", "bee", "cat"))
    axes = plots.confusion_matrix(matrix).axes[0]
    shares = np.array([[0.5, 0.4, 0.1], [0, 1, 0], [0.3, 0, 0.7]])
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array()), shares)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["ant", "bee", "cat"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ant", "bee", "cat"]
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {(0, 0): "5", (1, 0): "4", (2, 0): "1", (1, 1): "20", (0, 2): "3", (2, 2): "7"}


def test_roc_curves_have_false_positives_across_and_true_positives_up() -> None:
    found = report_on(("ant", "bee", "cat"))
    axes = plots.roc(found).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("false positive rate", "true positive rate")
    chance, *lines = axes.lines
    assert np.array_equal(chance.get_xdata(), chance.get_ydata())
    for name, line, curve in zip(found.model.classes, lines, found.roc, strict=True):
        assert np.array_equal(line.get_xdata(), curve.x)
        assert np.array_equal(line.get_ydata(), curve.y)
        assert not np.array_equal(curve.x, curve.y)
        assert line.get_label() == f"{name}, area {curve.area:.3f}"


def test_precision_is_up_and_recall_across() -> None:
    found = report_on(("ant", "bee", "cat"))
    axes = plots.precision_recall(found).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("recall", "precision")
    for name, line, curve in zip(found.model.classes, axes.lines, found.precision_recall, strict=True):
        assert np.array_equal(line.get_xdata(), curve.x)
        assert np.array_equal(line.get_ydata(), curve.y)
        assert (curve.x[0], curve.y[0]) == (0, 1)
        assert line.get_label() == f"{name}, average {curve.area:.3f}"


def test_of_two_classes_the_second_is_drawn() -> None:
    found = report_on(("no", "yes"))
    for figure in (plots.roc(found), plots.precision_recall(found)):
        labels = [str(line.get_label()) for line in figure.axes[0].lines]
        assert [label.split(",")[0] for label in labels if not label.startswith("_")] == ["yes"]


def test_calibration_has_confidence_across_and_accuracy_up() -> None:
    found = report_on(("ant", "bee", "cat"))
    calibration = found.calibration
    assert calibration is not None
    above, below = plots.reliability(found).axes
    line = next(line for line in above.lines if line.get_label() == "the model")
    np.testing.assert_array_equal(np.asarray(line.get_xdata()), calibration.confidence)
    np.testing.assert_array_equal(np.asarray(line.get_ydata()), calibration.accuracy)
    assert above.get_ylabel() == "share that is right"
    assert (below.get_xlabel(), below.get_ylabel()) == ("probability of the predicted class", "examples")
    heights = [[bar.get_height() for bar in axes.containers[0]] for axes in (above, below)]
    assert heights == [np.nan_to_num(calibration.accuracy).tolist(), calibration.counts.tolist()]
    with pytest.raises(InputError, match="needs a classifier"):
        plots.reliability(report_on(()))


def test_true_values_are_across_and_predicted_ones_up() -> None:
    found = report_on(())
    found = report(replace(found.model, target="price"), found.examples)
    axes = plots.predicted_against_true(found).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true price", "predicted price")
    points = np.asarray(axes.collections[0].get_offsets())
    np.testing.assert_array_equal(points, np.stack([found.examples.y, found.predicted], axis=1))


def test_errors_are_predicted_minus_true() -> None:
    found = report_on(())
    axes = plots.errors(found).axes[0]
    assert axes.get_xlabel() == "predicted minus true"
    off = found.predicted - found.examples.y
    low, high = axes.patches[0].get_extents(), axes.patches[-1].get_extents()
    ends = axes.transData.inverted().transform([(low.x0, 0), (high.x1, 0)])[:, 0]
    np.testing.assert_allclose(ends, [off.min(), off.max()])
