"""A trained network with all that it takes to use it: from raw inputs to names of classes, in one file."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sfumato import layers, losses
from sfumato.arrays import Array, to_numpy
from sfumato.data.dataset import Examples
from sfumato.data.scaling import Scaling
from sfumato.data.streaming import StreamedExamples
from sfumato.data.tables import Known, features_of
from sfumato.engine import Engine, choose_engine
from sfumato.errors import FileError, InputError
from sfumato.layers import initializers
from sfumato.layers.base import Layer
from sfumato.layers.initializers import Initializer
from sfumato.losses.base import Loss
from sfumato.network import Network
from sfumato.storage import load_tensors, save_tensors
from sfumato.training.batches import examples_at_once
from sfumato.training.fitting import evaluate

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "model 1"

KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kinds in (vars(initializers), vars(layers), vars(losses), layers.ACTIVATIONS)
    for kind in kinds.values()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type)
}
"""What a model file may be made of: the layers, initialisers and losses of Sfumato, by name."""


@dataclass(frozen=True, eq=False)
class Model:
    """A network, its parameters, and the way from raw inputs and to names.

    Attributes:
        network: The network.
        theta: Its parameters, (network.size,).
        loss: The loss it was trained with, which says what its outputs mean.
        scaling: What is done to raw inputs first.
        classes: Names of the classes, in order; empty for regression.
        features: Names of the input columns; empty for images.
        target: Name of what is predicted.
        categories: The categories of those columns that have some, by name: each is an input, 0 or 1.
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
    engine: Engine | None = None

    def __post_init__(self) -> None:
        nothing = np.zeros((1, *self.network.output_shape))
        said = self.loss.predict(nothing).shape[1:]
        if self.theta.shape != (self.network.size,) or said != (() if not self.classes else (len(self.classes),)):
            raise InputError(
                f"a network of {self.network.size} parameters and {self.network.output_shape} outputs does not fit "
                f"{self.theta.shape} parameters and {len(self.classes)} classes under {type(self.loss).__name__}"
            )
        inputs = sum(len(self.categories.get(name, " ")) for name in self.features)
        if self.features and self.network.input_shape != (inputs,):
            raise InputError(f"features of {inputs} inputs do not fit a network of {self.network.input_shape}")

    def on(self, backend: str | None = None, device: str | None = None, precision: str | None = None) -> "Model":
        """The same model, computing elsewhere or in another precision; without arguments, where `fit` would by
        default, in the precision of its parameters.

        Raises:
            InputError: if there is no such device or precision here.
        """
        return dataclasses.replace(self, engine=choose_engine(backend, device, precision or self.theta.dtype.name))

    def rows(self, table: "pd.DataFrame") -> Array:
        """Raw inputs for the rows of a pandas table, (n, *input_shape): its columns by name, categories encoded.

        Raises:
            InputError: if a column is missing, or holds what the model does not know.
        """
        return features_of(table, Known(self.features, self.categories))

    def outputs(self, x: Array) -> Array:
        """The network's outputs (logits, or values) for raw inputs x, (n, *input_shape): (n, *output_shape)."""
        if x.shape[1:] != self.network.input_shape:
            raise InputError(f"the model takes examples of shape {self.network.input_shape}, not {x.shape[1:]}")
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

    def predict_proba(self, x: Array) -> Array:
        """Probability of each class for raw inputs x: (n, classes), rows adding up to one.

        Raises:
            InputError: if this is a regression model, or x does not fit.
        """
        if not self.classes:
            raise InputError("a regression model has no probabilities: use predict")
        return self.loss.predict(self.outputs(x))

    def predict(self, x: Array) -> Array:
        """The number of the likeliest class, (n,), an index into `classes`; for regression the value."""
        if not self.classes:
            return self.loss.predict(self.outputs(x))
        winners: Array = self.predict_proba(x).argmax(axis=1)
        return winners

    def evaluate(self, examples: Examples | StreamedExamples) -> tuple[float, float]:
        """Mean loss and accuracy (NaN for regression) over examples."""
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
        header = {
            "format": FORMAT,
            "layers": [_describe(layer) for layer in self.network.layers],
            "input_shape": self.network.input_shape,
            "loss": _describe(self.loss),
            "classes": self.classes,
            "features": self.features,
            "target": self.target,
            "categories": self.categories,
        }
        save_tensors(Path(path), {**tensors, **{k: np.asarray(v) for k, v in scaling.items()}}, header)

    @classmethod
    def load(cls, path: str | Path) -> "Model":
        """Read what `save` wrote.

        Raises:
            FileError: if the file is missing, damaged or no model.
        """
        path = Path(path)
        tensors, header = load_tensors(path)
        if header.get("format") != FORMAT:
            raise FileError(
                f"{path}: not a model of this version of Sfumato ({header.get('format', 'no format given')})"
            )
        try:
            network = Network([_rebuild(layer, Layer) for layer in header["layers"]], tuple(header["input_shape"]))
            scaling = Scaling(tensors["scaling.offset"], tensors["scaling.factor"], tensors.get("scaling.missing"))
            categories = {name: tuple(texts) for name, texts in header.get("categories", {}).items()}
            parts = [tensors[parameter.name] for parameter in network.layout]
            if [part.shape for part in parts] != [parameter.spec.shape for parameter in network.layout]:
                raise ValueError("a parameter's shape does not fit its layer")
            theta = np.concatenate([part.ravel() for part in parts])
            classes, features = tuple(header["classes"]), tuple(header["features"])
            loss, target = _rebuild(header["loss"], Loss), header["target"]
            return cls(network, theta, loss, scaling, classes, features, target, categories)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FileError(f"{path}: the model in it is damaged ({error})") from error


def _describe(part: Any) -> dict[str, Any]:
    """A layer, initialiser or loss as its kind and its settings."""
    kind = type(part).__name__
    if KINDS.get(kind) is not type(part):
        raise InputError(f"{kind} is not one of Sfumato's own kinds, and a model file can describe no others")
    settings = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    return {
        "kind": kind,
        **{name: _describe(value) if dataclasses.is_dataclass(value) else value for name, value in settings.items()},
    }


def _rebuild(description: Any, expected: type) -> Any:
    """What `_describe` described; a `ValueError` if that is nothing of the `expected` type."""
    kind = KINDS[description["kind"]] if isinstance(description, dict) else None
    if kind is None or not issubclass(kind, expected):
        raise ValueError(f"{description!r} describes no {expected.__name__.lower()}")
    settings = {name: value for name, value in description.items() if name != "kind"}
    return kind(**{n: _rebuild(v, Initializer) if isinstance(v, dict) else v for n, v in settings.items()})
