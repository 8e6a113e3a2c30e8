"""Description of a model in its file, as JSON: written by `describe`, read and checked by `parts_of`."""

import dataclasses
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from sfumato import layers, losses
from sfumato.arrays import Array
from sfumato.data import dates
from sfumato.data.columns import Column
from sfumato.data.notations import COMMA, POINT
from sfumato.data.scaling import Scaling
from sfumato.data.spellings import ANY_CAPITALS
from sfumato.errors import InputError
from sfumato.layers import initializers
from sfumato.layers.base import Layer
from sfumato.layers.initializers import Initializer
from sfumato.losses.base import Loss
from sfumato.network import Network

if TYPE_CHECKING:
    from sfumato.model import Model

FORMAT = "model 1"

NOTATIONS = ("", POINT, COMMA)

FORMS_OF_COLUMNS: dict[str, tuple[str, ...]] = {
    "number": NOTATIONS,
    "values": NOTATIONS,
    "classes": (*NOTATIONS, ANY_CAPITALS),
    "category": ("", ANY_CAPITALS),
    "date": (*dates.FORMS,),
    "left out": NOTATIONS,
}
"""The forms that each kind of column of a table may have."""

MOST_DAYS = 10**7
"""Days from 1970 at most, of years of four digits."""

KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kinds in (vars(initializers), vars(layers), vars(losses), layers.ACTIVATIONS)
    for kind in kinds.values()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type)
}
"""The classes that a model file may name: the layers, initialisers and losses of Sfumato, by name."""


def describe(model: "Model") -> dict[str, Any]:
    """Describe a model as plain values.

    Raises:
        InputError: if the network has layers of one's own, which a file cannot describe.
    """
    return {
        "format": FORMAT,
        "layers": [_describe(layer) for layer in model.network.layers],
        "input_shape": model.network.input_shape,
        "loss": _describe(model.loss),
        "classes": model.classes,
        "features": model.features,
        "target": model.target,
        "categories": model.categories,
        "columns": [column._asdict() for column in model.columns],
        "missing": model.missing,
    }


def parts_of(header: Mapping[str, Any], tensors: Mapping[str, Array]) -> dict[str, Any]:
    """The arguments of a `Model`, from its description and its arrays.

    Raises:
        KeyError, TypeError, ValueError: if they describe no model.
    """
    shape = header["input_shape"]
    if not isinstance(shape, list) or not all(type(edge) is int and edge > 0 for edge in shape):
        raise ValueError(f"examples cannot have the shape {shape}")
    network = Network([_rebuild(layer, Layer) for layer in header["layers"]], tuple(shape))
    classes, features = _texts(header["classes"], "classes"), _texts(header["features"], "features")
    loss = _rebuild(header["loss"], Loss)
    if loss.classifies and prod(network.output_shape) > max(1, len(classes)):
        raise ValueError(f"{len(classes)} classes do not fit outputs of shape {network.output_shape}")
    stored = header.get("categories", {})
    if not isinstance(stored, dict) or not stored.keys() <= set(features):
        raise ValueError("there are categories of no feature")
    columns = tuple(map(_column, header.get("columns", [])))
    if columns and {column.name for column in columns if column.kind == "category"} != stored.keys():
        raise ValueError("there are categories of columns that have none")
    (target,) = _texts([header["target"]], "target")
    scaling = {name.removeprefix("scaling."): a for name, a in tensors.items() if name.startswith("scaling.")}
    return {
        "network": network,
        "theta": _theta(network, {name: a for name, a in tensors.items() if not name.startswith("scaling.")}),
        "loss": loss,
        "scaling": _scaling(scaling, network),
        "classes": classes,
        "features": features,
        "target": target,
        "categories": {name: _texts(texts, "categories") for name, texts in stored.items()},
        "columns": columns,
        "missing": _texts(header.get("missing", []), "texts of missing values"),
    }


def _column(described: Any) -> Column:
    """The decision on a column of a table."""
    column = Column(**described)
    texts, forms = (column.name, column.kind, column.form, column.note), FORMS_OF_COLUMNS.get(column.kind, ())
    if not all(isinstance(text, str) for text in texts) or column.form not in forms:
        raise ValueError(f"{described!r} describes no column of a table")
    if type(column.missing) is not int or column.missing < 0:
        raise ValueError(f"{column.missing!r} is no number of rows")
    if type(column.first) not in (int, float) or not abs(column.first) < MOST_DAYS:
        raise ValueError(f"a date cannot begin {column.first!r} days after 1970")
    "".join(texts).encode()  # refuses lone surrogates, which JSON can hold and UTF-8 cannot
    return column


def _texts(values: Any, what: str) -> tuple[str, ...]:
    """Different texts, which a file in UTF-8 can hold."""
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"texts were expected as {what}")
    if len(set(values)) < len(values):
        raise ValueError(f"two of the {what} are the same")
    "".join(values).encode()  # refuses lone surrogates, which JSON can hold and UTF-8 cannot
    return tuple(values)


def _theta(network: Network, tensors: Mapping[str, Array]) -> Array:
    shapes = {parameter.name: parameter.spec.shape for parameter in network.layout}
    if {name: tensor.shape for name, tensor in tensors.items()} != shapes:
        raise ValueError("its arrays do not fit its layers")
    if len({tensor.dtype for tensor in tensors.values()}) > 1:
        raise ValueError("its arrays are of different types")
    parts = [tensors[name].ravel() for name in shapes] or [np.zeros(0, np.float32)]
    return _finite(np.concatenate(parts), "weights")


def _scaling(tensors: Mapping[str, Array], network: Network) -> Scaling:
    columns = network.input_shape if len(network.input_shape) == 1 else ()
    for name, values in tensors.items():
        if values.shape not in ((), columns):
            raise ValueError(f"its scaling has {name} of shape {values.shape} for examples of {network.input_shape}")
        _finite(values, "scaling")
    return Scaling(**tensors)


def _finite(values: Array, what: str) -> Array:
    if values.dtype not in (np.float32, np.float64) or not np.isfinite(values).all():
        raise ValueError(f"its {what} are no finite numbers of 32 or 64 bits")
    return values


def _describe(part: Any) -> dict[str, Any]:
    """Describe a layer, initialiser or loss as its kind and its settings."""
    kind = type(part).__name__
    if KINDS.get(kind) is not type(part):
        raise InputError(f"{kind} is not one of Sfumato's own kinds, and a model file can describe no others")
    settings = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    return {
        "kind": kind,
        **{name: _describe(value) if dataclasses.is_dataclass(value) else value for name, value in settings.items()},
    }


def _rebuild(description: Any, expected: type) -> Any:
    """Rebuild an object from its `_describe`d form; a `ValueError` if that is not of the `expected` type."""
    kind = KINDS[description["kind"]] if isinstance(description, dict) else None
    if kind is None or not issubclass(kind, expected):
        raise ValueError(f"{description!r} describes no {expected.__name__.lower()}")
    settings = {name: value for name, value in description.items() if name != "kind"}
    return kind(**{n: _rebuild(v, Initializer) if isinstance(v, dict) else v for n, v in settings.items()})
