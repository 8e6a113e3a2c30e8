"""A trained network with its preprocessing: from raw inputs to names of classes, in one file."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sfumato.arrays import Array, to_numpy
from sfumato.data import NAMES
from sfumato.data.choosing import Known
from sfumato.data.columns import Column, widths
from sfumato.data.dataset import Examples
from sfumato.data.handed_in import is_column, is_frame
from sfumato.data.loading import as_dataset, frame_of_rows, is_rows, renumbered, with_test
from sfumato.data.options import PLAIN_TABLE, TableOptions
from sfumato.data.scaling import Scaling
from sfumato.data.streaming import StreamedExamples
from sfumato.data.tables import features_of, load_features, open_table
from sfumato.engine import Engine, as_engine
from sfumato.errors import FileError, InputError
from sfumato.losses.base import Loss
from sfumato.model_file import FORMAT, describe, parts_of
from sfumato.network import Network
from sfumato.paths import user_path
from sfumato.storage import load_tensors, refusing_damage, save_tensors
from sfumato.training.batches import examples_at_once
from sfumato.training.fitting import evaluate

if TYPE_CHECKING:
    import pandas as pd

FILE = "model.safetensors"
"""The name of the model in a run's folder."""


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A network, its parameters, the scaling of raw inputs, and the names of classes and features.

    Attributes:
        network: The network.
        theta: Its parameters, (network.size,).
        loss: The loss it was trained with, which says what its outputs mean.
        scaling: What is done to raw inputs first.
        classes: Names of the classes, in order; empty for regression.
        features: Names of the input columns; empty for images.
        target: Name of what is predicted.
        categories: The categories of those columns that have some, by name: each is an input, 0 or 1.
        columns: What was decided on each column of the table that it was trained on, the target's last.
        missing: Texts that stood for a missing value there, beside the usual ones.
        engine: Where it computes, see `on`; None is NumPy, in the precision of theta.
    """

    network: Network
    theta: Array
    loss: Loss
    scaling: Scaling
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    target: str = "target"
    categories: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    missing: tuple[str, ...] = ()
    engine: Engine | None = None

    def __post_init__(self) -> None:
        nothing = np.zeros((1, *self.network.output_shape))
        said = self.loss.predict(nothing).shape[1:]
        values = () if nothing.shape[1] == 1 else nothing.shape[1:]
        if self.theta.shape != (self.network.size,) or said != ((len(self.classes),) if self.classes else values):
            raise InputError(
                f"a network of {self.network.size} parameters and {self.network.output_shape} outputs does not fit "
                f"{self.theta.shape} parameters and {len(self.classes)} classes under {type(self.loss).__name__}"
            )
        inputs = sum(widths(self.features, self.categories, self.columns))
        if self.features and self.network.input_shape != (inputs,):
            raise InputError(f"features of {inputs} inputs do not fit a network of {self.network.input_shape}")

    def _shown(self) -> dict[str, str]:
        network = self.network
        sizes = " -> ".join("x".join(map(str, shape)) for shape in (network.input_shape, network.output_shape))
        layers = ", ".join(type(layer).__name__ for layer in network.layers)
        return {
            "network": f"{sizes}, {network.size} parameters: {layers}",
            "predicts": f"{self.target}, {self._answer()}",
            **({"features": _few(self.features)} if self.features else {}),
        }

    def _answer(self) -> str:
        some = "some" if self.loss.multilabel else "one"
        values = f"{self.several} values" if self.several else "a value"
        return f"{some} of {_few(self.classes)}" if self.classes else values

    def __repr__(self) -> str:
        return "\n".join(["Model", *(f"  {name:<8}  {text}" for name, text in self._shown().items())])

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{name}</th><td>{escape(text)}</td></tr>" for name, text in self._shown().items())
        return f"<table>{rows}</table>"

    def on(self, engine: Engine | str | None = None) -> "Model":
        """Make the same model on another engine.

        Args:
            engine: Where to compute: "numpy", "torch:cuda", "torch/bfloat16" ..., see `as_engine`; in the precision of
                the parameters where none is named. None takes a GPU that PyTorch sees, and NumPy if there is none.

        Raises:
            InputError: if there is no such device or precision here.
        """
        return dataclasses.replace(self, engine=as_engine(engine, precision=self.theta.dtype.name))

    @property
    def known(self) -> Known:
        """The columns of tables, as the model knows them."""
        return Known(self.features, self.categories, self.columns, self.missing, self.classes)

    def rows(self, table: "pd.DataFrame", options: TableOptions = PLAIN_TABLE) -> Array:
        """Raw inputs for the rows of a pandas table, (n, *input_shape): its columns by name, categories encoded.

        A category that the model does not know is taken for missing, with a `TableWarning`.

        Raises:
            InputError: if a column is missing, or, with `strict`, holds what the model does not know.
        """
        return features_of(table, self.known, options)

    def inputs(self, data: Any, options: TableOptions = PLAIN_TABLE) -> Array:
        """Raw inputs, (n, *input_shape), from arrays, tables, lists or data sets.

        Args:
            data: An array or a list of rows: features (n, d), or images (n, height, width, channels). Or rows with the
                original columns, whose categories are encoded as in training: a pandas DataFrame, the path of a CSV or
                Parquet file, dicts (one a row, or of columns), or lists in the order of `features`. Or one row
                alone: a dict, or a row of a DataFrame. What the model does not know is taken for missing, with a
                `TableWarning`.
            options: What is said about a table, rather than told by its content.

        Raises:
            FileError: if a file cannot be read.
            InputError: if a column is missing, or, with `strict`, holds what the model does not know.
        """
        if isinstance(data, np.ndarray) and data.dtype.kind in "fiub" and not self._has_columns(data):
            return data
        shape = self.network.input_shape
        if isinstance(data, str | Path):
            return load_features(data, self.known, prod(shape), options).reshape(-1, *shape)
        if is_column(data) and self.features:
            data = data.to_dict()
        if is_frame(data) or is_rows(data):
            return self.rows(data if is_frame(data) else frame_of_rows(data), options)
        try:
            rows = np.asarray(data)
        except ValueError:
            raise InputError("the rows differ in length; give each as many numbers") from None
        if self._has_columns(rows):
            return self.rows(frame_of_rows(data, self.features), options)
        try:
            return rows.astype(np.float64)
        except ValueError:
            raise InputError(f"the model takes numbers of shape (n, {', '.join(map(str, shape))}), not text") from None

    def _has_columns(self, rows: Array) -> bool:
        """Whether rows are values of the original columns, categories not yet encoded."""
        return rows.ndim == 2 and rows.shape[1] == len(self.features) != self._width

    @property
    def several(self) -> int:
        """Number of labels or values that are predicted of an example; 0 where it is one class or one value."""
        outputs = prod(self.network.output_shape)
        return outputs if self.loss.multilabel or (outputs > 1 and not self.classes) else 0

    @property
    def _width(self) -> int:
        return prod(self.network.input_shape)

    def outputs(self, x: Any) -> Array:
        """The network's outputs (logits, or values) for raw inputs x, as `inputs` takes them: (n, *output_shape)."""
        x = self.inputs(x)
        if x.shape[1:] != self.network.input_shape:
            one = "; one example alone is a list of one row" if x.shape == self.network.input_shape else ""
            raise InputError(f"the model takes examples of shape {self.network.input_shape}, not {x.shape[1:]}{one}")
        z = self._outputs(x)
        beyond = np.flatnonzero(~np.isfinite(z).all(axis=tuple(range(1, z.ndim))))
        if beyond.size:
            raise InputError(f"example {beyond[0]} (from 0) is so far from the training data that no number comes out")
        return z

    def _outputs(self, x: Array) -> Array:
        count = examples_at_once(self.network)
        chunks = [x[start : start + count] for start in range(0, max(1, len(x)), count)]
        engine = self.engine or Engine(precision=self.theta.dtype.name)
        theta, dtype = engine.put(self.theta), engine.numpy_dtype
        with engine.computing(self.network):
            return np.concatenate(
                [to_numpy(self.network.apply(theta, engine.put(self.scaling(chunk, dtype)))) for chunk in chunks]
            )

    def predict_proba(self, x: Any) -> Array:
        """Probability of each class for raw inputs x, as `inputs` takes them: (n, classes).

        Rows add up to one, but of several labels an example each has a probability of its own.

        Raises:
            InputError: if this is a regression model, or x does not fit.
        """
        if not self.classes:
            raise InputError("a regression model has no probabilities: use predict")
        return self.loss.predict(self.outputs(x))

    def predict(self, x: Any) -> Array:
        """The number of the likeliest class, (n,), an index into `classes`; for regression the value.

        Of several labels an example: ones where a label is likelier than not, (n, classes). Of several values: (n, k).

        Args:
            x: Raw inputs, as `inputs` takes them: arrays, a DataFrame, the path of a CSV file, rows.
        """
        if not self.classes:
            return self.loss.predict(self.outputs(x))
        if self.loss.multilabel:
            return (self.predict_proba(x) > 0.5).astype(np.int64)
        winners: Array = self.predict_proba(x).argmax(axis=1)
        return winners

    def examples(
        self, data: Any, target: str | None = None, options: TableOptions = PLAIN_TABLE
    ) -> tuple[Examples, str]:
        """The examples to measure the model on, and their name: the test set that the data bring, or all rows.

        Args:
            data: A name of `data.NAMES`, a file or folder, a DataFrame, a `Dataset`, or `(x, y)` with the labels of the
                training data.
            target: The target column of a table; the model's by default, or the last.
            options: What is said about a table, rather than told by its content.

        Raises:
            FileError, InputError: if the data cannot be read, or do not fit the model.
        """
        header = _header(data, self.known, options)
        if self.several and header is not None:
            raise InputError("the model predicts several labels or values, and a table names one target: give (x, y)")
        if target is None and self.target in (header or ()):
            target = self.target
        task = "auto" if header is None else "classification" if self.classes else "regression"
        if isinstance(data, tuple | list) and not is_rows(data):
            task = "classification" if self.classes else "regression"
        dataset = as_dataset(data, target=target, task=task, few=True, known=self.known, options=options)
        which = f"the test data of {dataset.name}" if dataset.test else dataset.name
        name = str(data) if isinstance(data, str | Path) else dataset.name
        return renumbered(with_test(dataset), name, self.classes, self.network.input_shape), which

    def evaluate(self, examples: Any) -> tuple[float, float]:
        """Mean loss and accuracy (NaN for regression) over examples.

        Args:
            examples: `Examples` with the numbers of the classes, or any data that the method `examples` takes.
        """
        if not isinstance(examples, Examples | StreamedExamples):
            examples = self.examples(examples)[0]
        return evaluate(self.network, self.loss, self.theta, examples, self.scaling, self.engine)

    def save(self, path: str | Path) -> None:
        """Write the model as one safetensors file: each parameter under its name, the rest as JSON in the header.

        Raises:
            FileError: if the file cannot be written.
            InputError: if the network has layers of one's own, which a file cannot describe.
        """
        tensors = {
            parameter.name: self.theta[parameter.start : parameter.stop].reshape(parameter.spec.shape)
            for parameter in self.network.layout
        }
        scaling = {f"scaling.{name}": value for name, value in vars(self.scaling).items() if value is not None}
        save_tensors(
            Path(user_path(path)), {**tensors, **{k: np.asarray(v) for k, v in scaling.items()}}, describe(self)
        )

    @classmethod
    def load(cls, path: str | Path) -> "Model":
        """Load a model that `save` wrote; from a run's folder, the model in it.

        Raises:
            FileError: if the file is missing, damaged or no model.
        """
        path = Path(user_path(path))
        if path.is_dir():
            if not (path / FILE).is_file():
                raise FileError(f"{path}: no {FILE} in this folder; name a model, or a finished run's folder")
            path = path / FILE
        tensors, header = load_tensors(path)
        if header.get("format") != FORMAT:
            found = " ".join(str(header.get("format", "no format given")).split())[:60]
            raise FileError(f"{path}: not a model of this version of Sfumato ({found})")
        with refusing_damage(path, "the model in it"):
            return cls(**parts_of(header, tensors))


def _header(data: Any, known: Known, options: TableOptions) -> tuple[str, ...] | None:
    """Names of a table's header; empty if it has none, None for data that are no table."""
    if is_frame(data):
        return tuple(map(str, data.columns))
    if is_rows(data):
        return tuple(map(str, data[0]))
    data = user_path(data)
    is_file = isinstance(data, str | Path) and data not in NAMES and Path(data).is_file()
    return open_table(data, options=options, known=known).header if is_file else None


def _few(names: tuple[str, ...], most: int = 8) -> str:
    """Format the first few of many names."""
    more = f", ... ({len(names)})" if len(names) > most else ""
    return ", ".join(names[:most]) + more
