"""Models as ONNX files, which most other programs that run networks can read.

The file takes raw rows, as the model does: scaling is a part of it. All is computed in float32, but for the scaling of
tables: that is done in float64 as in training, since in float32 small variations of large values would be lost.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.arrays import Array
from sfumato.data.spellings import ANY_CAPITALS, variants
from sfumato.errors import FileError, InputError
from sfumato.layers import (
    AveragePooling,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    MaxPooling,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from sfumato.layers.base import Layer
from sfumato.losses.classification import BinaryCrossEntropy
from sfumato.model import Model
from sfumato.model_file import KINDS
from sfumato.paths import user_path
from sfumato.storage import write_atomically

OPSET, IR = 17, 8
"""Versions of ONNX's operators and of its format: of 2022, so that older programs read the file as well."""

MACHINE_LEARNING, MACHINE_LEARNING_OPSET = "ai.onnx.ml", 3
"""Operators beyond those of tensors, such as one-hot encoding."""

TO_CHANNELS_FIRST, TO_CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]
"""ONNX's images are n x channels x height x width, ours have the channels last."""


def save_onnx(model: Model, path: str | Path) -> None:
    """Write a model as an ONNX file.

    Its input `x` is (n, *input_shape), float64 for tables, NaN where a number is missing, and uint8 for images. If some
    columns of a table are categories, `x` has the columns of numbers alone, and the input `text`, (n, columns), has the
    others as strings, "" where one is missing; one that is unknown is taken for missing as well. A date is a number in
    `x`: days since 1970-01-01. Its outputs are `probabilities`, (n,
    classes), and `label`, (n,), the number of the likeliest; for regression `value`, (n,). Names of classes, features
    and target, the categories, and what was decided on each column, are in the file's metadata, as JSON.

    Raises:
        FileError: if the file cannot be written, or the library onnx is not installed.
        InputError: if the network has layers of one's own, which ONNX cannot describe.
    """
    if model.several:
        raise InputError("a model of several labels or values has no ONNX file yet: train one for each of them")
    graph = _Graph()
    z = graph.scaled(model, graph.encoded(model) if _is_encoded(model) else "x")
    parameters = model.network.parameters(model.theta.astype(np.float32))
    for layer, own in zip(model.network.layers, parameters, strict=True):
        z = graph.layer(layer, own, z)
    outputs = [*graph.answers(model, z)]
    write_atomically(Path(user_path(path)), graph.file(model, outputs))


class _Graph:
    """The nodes of a graph as they are added; each gives one tensor, named by its number."""

    def __init__(self) -> None:
        self.onnx = _import_onnx()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node of this kind and return the name of its output."""
        output = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Array) -> str:
        """Add a constant and return its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def encoded(self, model: Model) -> str:
        """Add nodes that join numbers and encoded categories in the order of the model's features."""
        parts, numbers, texts = [], 0, 0
        for name in model.features:
            column = model.known.decided(name)
            if column.kind == "category":
                text = self.add("Gather", "text", self.constant(np.array([texts])), axis=1)
                parts.append(self.categories(text, model.categories[name], folded=column.form == ANY_CAPITALS))
                texts += 1
                continue
            number = self.add("Gather", "x", self.constant(np.array([numbers])), axis=1)
            parts.append(self.date(number, column.first) if column.kind == "date" else number)
            numbers += 1
        return self.add("Concat", *parts, axis=1)

    def categories(self, text: str, known: Sequence[str], *, folded: bool) -> str:
        """Add nodes that encode a column of text, all zeros for one that is unknown; `folded` in any capitals."""
        other = variants(known) if folded else {}
        shown = self.add("OneHotEncoder", text, domain=MACHINE_LEARNING, cats_strings=[*known, *other], zeros=1)
        row = self.add("Squeeze", shown, self.constant(np.array([1])))
        found = self.add("Cast", row, to=self.onnx.TensorProto.DOUBLE)
        if not other:
            return found
        names = [*known, *other.values()]
        return self.add("MatMul", found, self.constant(np.array([[a == b for b in known] for a in names], np.float64)))

    def date(self, days: str, first: float) -> str:
        """Add nodes from days since 1970-01-01 to days since the first, month and weekday, as `dates.parts_of_days`."""
        whole = self.add("Floor", days)
        of_era = self.rest(self.plus(whole, 719468), 146097)
        leaps = [self.over(of_era, by) for by in (1460, 36524, 146096)]
        corrected = self.add("Sub", self.add("Add", self.add("Sub", of_era, leaps[0]), leaps[1]), leaps[2])
        year = self.over(corrected, 365)
        before = self.add("Sub", self.add("Add", self.times(year, 365), self.over(year, 4)), self.over(year, 100))
        of_year = self.add("Sub", of_era, before)
        from_march = self.over(self.plus(self.times(of_year, 5), 2), 153)
        late = self.add("GreaterOrEqual", from_march, self.constant(np.array(10.0)))
        turn = self.times(self.add("Cast", late, to=self.onnx.TensorProto.DOUBLE), -12)
        month = self.add("Add", self.plus(from_march, 3), turn)
        missing = self.add("Sub", days, days)  # NaN where there is no date
        parts = [self.plus(days, -first), self.add("Add", month, missing), self.rest(self.plus(whole, 3), 7)]
        return self.add("Concat", *parts, axis=1)

    def plus(self, x: str, number: float) -> str:
        """Add a node that adds a number."""
        return self.add("Add", x, self.constant(np.array(float(number))))

    def times(self, x: str, number: float) -> str:
        """Add a node that multiplies by a number."""
        return self.add("Mul", x, self.constant(np.array(float(number))))

    def over(self, x: str, number: float) -> str:
        """Add nodes that divide by a number and round down."""
        return self.add("Floor", self.add("Div", x, self.constant(np.array(float(number)))))

    def rest(self, x: str, number: float) -> str:
        """Add nodes for the rest of a division."""
        return self.add("Sub", x, self.times(self.over(x, number), number))

    def scaled(self, model: Model, x: str) -> str:
        """Add nodes that scale raw inputs for the network."""
        if model.scaling.missing is not None:
            known = self.constant(np.asarray(model.scaling.missing, np.float64))
            x = self.add("Where", self.add("IsNaN", x), known, x)
        kind = np.float32 if _is_image(model) else np.float64
        number = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        offset, factor = (self.constant(np.asarray(v, kind)) for v in (model.scaling.offset, model.scaling.factor))
        moved = self.add("Sub", self.add("Cast", x, to=number), offset)
        return self.add("Cast", self.add("Mul", moved, factor), to=self.onnx.TensorProto.FLOAT)

    def layer(self, layer: Layer[Any], own: Any, z: str) -> str:
        """Add a layer with inputs called `z` and return the name of its outputs."""
        if type(layer) not in FORMS:
            kind = type(layer).__name__
            own_kind = KINDS.get(kind) is type(layer)
            problem = "cannot be exported yet" if own_kind else "is not one of Sfumato's own layers"
            raise InputError(f"{kind} {problem}: add its form in ONNX's operators to sfumato.interchange.onnx.FORMS")
        return FORMS[type(layer)](self, layer, own, z)

    def on_images(self, kind: str, z: str, *constants: str, **attributes: Any) -> str:
        """Add a node that needs the channels first, between transpositions from and to our order of axes."""
        first = self.add("Transpose", z, perm=TO_CHANNELS_FIRST)
        return self.add("Transpose", self.add(kind, first, *constants, **attributes), perm=TO_CHANNELS_LAST)

    def answers(self, model: Model, z: str) -> Iterator[Any]:
        """Add nodes from the network's outputs to probabilities or values; yields a description of each output."""
        describe, proto = self.onnx.helper.make_tensor_value_info, self.onnx.TensorProto
        if not model.classes:
            self.add("Squeeze", z, self.constant(np.array([1])), name="value")
            yield describe("value", proto.FLOAT, ["n"])
            return
        if isinstance(model.loss, BinaryCrossEntropy):
            sides = [self.add("Sigmoid", self.add("Neg", z)), self.add("Sigmoid", z)]
            self.add("Concat", *sides, axis=1, name="probabilities")
        else:
            self.add("Softmax", z, axis=-1, name="probabilities")
        self.add("ArgMax", "probabilities", axis=1, keepdims=0, name="label")
        yield describe("probabilities", proto.FLOAT, ["n", len(model.classes)])
        yield describe("label", proto.INT64, ["n"])

    def file(self, model: Model, outputs: list[Any]) -> bytes:
        """Bytes of the file."""
        helper, proto = self.onnx.helper, self.onnx.TensorProto
        kind = proto.UINT8 if _is_image(model) else proto.DOUBLE
        texts = len(model.categories)
        shape = [len(model.features) - texts] if _is_encoded(model) else model.network.input_shape
        inputs = [helper.make_tensor_value_info("x", kind, ["n", *shape])] if all(shape) else []
        inputs += [helper.make_tensor_value_info("text", proto.STRING, ["n", texts])] if texts else []
        graph = helper.make_graph(self.nodes, "sfumato", inputs, outputs, self.constants)
        versions = [helper.make_opsetid("", OPSET), helper.make_opsetid(MACHINE_LEARNING, MACHINE_LEARNING_OPSET)]
        made = helper.make_model(graph, opset_imports=versions[: 2 if texts else 1], producer_name="sfumato")
        made.ir_version = IR
        names = {name: getattr(model, name) for name in ("classes", "features", "target", "categories")}
        names["columns"] = [column._asdict() for column in model.columns]
        helper.set_model_props(made, {key: json.dumps(value, ensure_ascii=False) for key, value in names.items()})
        self.onnx.checker.check_model(made, full_check=True)
        return bytes(made.SerializeToString())


Form = Callable[[_Graph, Any, Any, str], str]
"""Adds a layer to a graph: form(graph, layer, parameters, name of its inputs) returns the name of its outputs."""


def _plain(kind: str, **attributes: Any) -> Form:
    """Form of a layer that is one of ONNX's operators, without parameters or settings."""
    return lambda graph, layer, own, z: graph.add(kind, z, **attributes)


def _pooling(kind: str) -> Form:
    return lambda graph, layer, own, z: graph.on_images(
        kind, z, kernel_shape=[layer.size] * 2, strides=[layer.step] * 2
    )


def _convolution(graph: _Graph, layer: Convolution, own: Any, z: str) -> str:
    filters = graph.constant(own.W.transpose(0, 3, 1, 2))
    options = {"strides": [layer.stride] * 2, "pads": [layer.padding] * 4}
    z = graph.on_images("Conv", z, filters, graph.constant(own.b), kernel_shape=[*layer.window], **options)
    return graph.add("Relu", z) if layer.relu else z


FORMS: dict[type[Layer[Any]], Form] = {
    Dense: lambda graph, layer, own, z: graph.add("Gemm", z, graph.constant(own.W), graph.constant(own.b)),
    Convolution: _convolution,
    MaxPooling: _pooling("MaxPool"),
    AveragePooling: _pooling("AveragePool"),
    Flatten: _plain("Flatten"),
    Dropout: lambda graph, layer, own, z: z,  # it does nothing outside training
    ReLU: _plain("Relu"),
    LeakyReLU: lambda graph, layer, own, z: graph.add("LeakyRelu", z, alpha=layer.slope),
    Sigmoid: _plain("Sigmoid"),
    Tanh: _plain("Tanh"),
    Softmax: _plain("Softmax", axis=-1),
}
"""Each layer's form in ONNX: one entry a layer."""


def _is_encoded(model: Model) -> bool:
    """Whether some columns are no numbers."""
    return bool(model.categories) or any(column.kind == "date" for column in model.columns)


def _is_image(model: Model) -> bool:
    return len(model.network.input_shape) == 3


def _import_onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise FileError("exporting needs the library onnx: pip install '.[onnx]'") from error
    return onnx
