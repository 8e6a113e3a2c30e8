"""Everything that users have at hand becomes examples, or is refused in a line that says what to do."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sfumato import InputError
from sfumato.data import Examples, StreamedExamples, as_examples, as_features, as_targets, spiral, stream_table

X = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
FRAME = pd.DataFrame(X, columns=["a", "b"])


@pytest.mark.parametrize(
    "x",
    [
        X,
        tuple(map(tuple, X)),
        np.array(X),
        np.array(X, dtype=int),
        np.array(X, dtype=object),
        FRAME,
        FRAME.astype("Int64"),
        FRAME.astype({"a": "float32", "b": "int8"}),
    ],
)
def test_lists_arrays_and_tables_are_features(x: Any) -> None:
    found = as_features(x)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, X)


@pytest.mark.parametrize("y", [[1, 0, 1], np.array([1, 0, 1], np.uint8), [True, False, True], [[1], [0], [1]]])
@pytest.mark.parametrize(
    "made", [lambda y: y, lambda y: pd.Series(np.ravel(y)), lambda y: pd.DataFrame({"y": np.ravel(y)})]
)
def test_whole_numbers_and_booleans_are_classes(y: Any, made: Any) -> None:
    examples = as_examples((X, made(y)))
    assert isinstance(examples, Examples)
    assert examples.y.dtype == np.int64
    assert examples.y.tolist() == [1, 0, 1]
    assert examples.sample_weight is None


@pytest.mark.parametrize(
    "y", [[1.0, 2.5, 3.0], pd.Series([1.0, 2.5, 3.0]), pd.Series([1.0, 2.5, 3.0], dtype="Float64")]
)
def test_numbers_with_a_point_are_values(y: Any) -> None:
    examples = as_examples((X, y, [1, 2, 1]))
    assert isinstance(examples, Examples)
    assert examples.y.dtype == np.float64
    assert examples.y.tolist() == [1.0, 2.5, 3.0]
    assert examples.sample_weight is not None
    assert examples.sample_weight.tolist() == [1.0, 2.0, 1.0]


def test_gaps_in_features_stay_gaps() -> None:
    found = as_features(pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [np.nan, 2.0]}))
    np.testing.assert_array_equal(found, [[1.0, np.nan], [np.nan, 2.0]])


def test_images_keep_their_bytes_and_floats_their_precision() -> None:
    images = np.zeros((2, 3, 3, 1), np.uint8)
    assert as_features(images) is images
    floats = np.zeros((2, 3), np.float32)
    assert as_features(floats) is floats


def test_what_are_examples_already_stays_as_it_is(tmp_path: Path) -> None:
    dataset = spiral()
    assert as_examples(dataset) is dataset.examples
    assert as_examples(dataset.examples) is dataset.examples
    path = tmp_path / "table.parquet"
    pd.DataFrame({"a": np.arange(400.0), "b": np.arange(400) % 2}).to_parquet(path, row_group_size=4)
    streamed = stream_table(path).train
    assert isinstance(streamed, StreamedExamples)
    assert as_examples(streamed) is streamed
    lists: Any = ([[1], [2]], [0, 1])
    listed = Examples(*lists)
    assert as_targets(listed.y).dtype == np.int64
    made = as_examples(listed)
    assert isinstance(made, Examples)
    assert made.x.tolist() == [[1.0], [2.0]]


def test_tensors_are_arrays_too() -> None:
    torch = pytest.importorskip("torch")
    examples = as_examples((torch.tensor(X, requires_grad=True), torch.tensor([0, 1, 0])))
    assert isinstance(examples, Examples)
    np.testing.assert_array_equal(examples.x, np.array(X, np.float32))
    assert examples.y.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("wines.csv", r"^'wines.csv' is a name or a path: sfumato.data.load reads it, sfumato.train trains on it$"),
        (Path("wines.csv"), "^'wines.csv' is a name or a path"),
        (FRAME, r"^a DataFrame does not say what is to be predicted: .* sfumato.train\(frame, target=...\)$"),
        (np.array(X), r"^data are \(x, y\), .* not an array of shape \(3, 2\) alone$"),
        (X, r"^data are \(x, y\), .* not list$"),
        ((X,), "not a tuple of 1$"),
        ((X, [0, 1]), "^x has 3 examples and y 2: give one entry of y for each$"),
        ((X, [0, 1, 0], [1, 1]), "^x has 3 examples and sample_weight 2"),
        ((X, ["cat", "dog", "cat"]), r"^y has texts or objects, such as 'cat': number the classes, .*numpy.unique\(y"),
        ((X, pd.Series(["cat", "dog", "cat"], dtype="category")), "^y has texts or objects, such as 'cat'"),
        ((X, np.eye(3)), r"^y has shape \(3, 3\); it takes one number an example, \(n,\): .* y.argmax\(axis=1\)"),
        ((X, [1.0, np.nan, 2.0]), r"^y lacks number 1 \(from 0\): leave such examples out$"),
        ((X, pd.Series([1, None, 0], dtype="Int64")), r"^y lacks number 1 \(from 0\)"),
        (([1, 2, 3], [0, 1, 0]), r"^x has shape \(3,\); give a row for each example, .*x.reshape\(-1, 1\)"),
        ((np.zeros((3, 4, 4)), [0, 1, 0]), r"^x has shape \(3, 4, 4\); images need an axis for their channels"),
        (([[1, 2], [3]], [0, 1]), "^x is no array: its rows differ in length$"),
        (([["red", 1], ["blue", 2]], [0, 1]), "^x has something that is no number, such as 'red': encode it"),
        ((np.array([["red", 1.0]], dtype=object), [0]), "^x has something that is no number, such as 'red'"),
        (
            (FRAME.assign(b=["x", "y", "z"]), [0, 1, 0]),
            "^the column 'b' of x is of type .*; give numbers, or use sfumato",
        ),
        ((np.array(X) * 1j, [0, 1, 0]), "^x is of type complex128; give numbers$"),
        ((sparse.eye(3).tocsr(), [0, 1, 0]), r"^x is sparse: give x.toarray\(\)$"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line_that_says_what_to_do(data: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        as_examples(data)
    assert "\n" not in str(refusal.value)
