"""What a notebook or a prompt shows of a network, data, a matrix: a line or a table, never all numbers."""

import numpy as np
import pytest

from sfumato import ConfusionMatrix, Convolution, Dense, Dropout, Flatten, MaxPooling, Network, ReLU
from sfumato.data import Dataset, Examples, Scaling, spiral

NETWORK = Network([Convolution(4), MaxPooling(), Flatten(), Dense(10), ReLU(), Dropout(0.5), Dense(3)], (6, 6, 1))
TABLE = """\
layer          kind         output shape  parameters
-------------  -----------  ------------  ----------
convolution_1  Convolution  (n, 6, 6, 4)          40
maxpooling_1   MaxPooling   (n, 3, 3, 4)           0
flatten_1      Flatten           (n, 36)           0
dense_1        Dense             (n, 10)         370
relu_1         ReLU              (n, 10)           0
dropout_1      Dropout           (n, 10)           0
dense_2        Dense              (n, 3)          33

inputs (n, 6, 6, 1); 443 parameters
"""


def test_summary_prints_each_layer_with_its_shape_and_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    NETWORK.summary()
    assert capsys.readouterr().out == TABLE


def test_the_parameters_of_a_network_in_a_network_are_its_layers(capsys: pytest.CaptureFixture[str]) -> None:
    Network([NETWORK, Dense(2)], (6, 6, 1)).summary()
    shown = capsys.readouterr().out.splitlines()
    assert shown[2].split() == ["network_1", "Network", "(n,", "3)", "443"]
    assert shown[3].split() == ["dense_1", "Dense", "(n,", "2)", "8"]


def test_large_counts_have_commas() -> None:
    assert Network([Dense(1000)], 2000).to_text().endswith("inputs (n, 2000); 2,001,000 parameters")


def test_a_notebook_shows_tables_with_names_as_text() -> None:
    shown = NETWORK._repr_html_()
    assert shown.count("<tr>") == 8
    assert "<caption>inputs (n, 6, 6, 1); 443 parameters</caption>" in shown
    matrix = ConfusionMatrix(np.array([[5, 1], [2, 4]]), ("<no>", "yes"))
    shown = matrix._repr_html_()
    assert "<tr><th>&lt;no&gt;</th><td>5</td><td>1</td></tr><tr><th>yes</th><td>2</td><td>4</td></tr>" in shown
    assert "accuracy 0.7500 on 12 examples; true classes down, predicted ones across" in shown


def test_objects_that_hold_many_numbers_print_a_line() -> None:
    dataset = spiral()
    matrix = ConfusionMatrix(np.array([[5, 1], [2, 4]]), ("no", "yes"))
    rows = Examples(np.zeros((5, 2)), np.zeros(5, np.int64), np.ones(5))
    assert repr(matrix) == "ConfusionMatrix(12 examples, 2 classes, accuracy 0.7500)"
    assert repr(rows) == "Examples(x: (5, 2) float64, y: (5,) int64, sample_weight: (5,) float64)"
    size, classes = dataset.examples.size, len(dataset.classes)
    assert repr(dataset) == f"Dataset('spiral', {size} examples, 2 features, {classes} classes)"
    assert repr(Scaling.none()) == "Scaling(offset=0, factor=1)"
    assert repr(Scaling.standard(rows.x)) == "Scaling(2 features)"


def test_a_data_set_of_images_with_a_test_set_shows_both() -> None:
    images = Examples(np.zeros((4, 8, 6, 1), np.uint8), np.arange(4) % 2)
    dataset = Dataset("shapes", images, images, "classification", ("round", "square"), (), "shape")
    assert repr(dataset) == "Dataset('shapes', 4 examples, 4 test examples, 8x6x1 pixels, 2 classes)"
    shown = dataset._repr_html_()
    assert "<tr><th>names of classes</th><td>round, square</td></tr>" in shown
    assert "<tr><th>target</th><td>shape</td></tr>" in shown
