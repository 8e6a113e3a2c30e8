"""Networks: layers in a row, over one flat vector of parameters."""

from __future__ import annotations  # those of backward passes would be evaluated at each step

import math
from collections import Counter, namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sfumato._renamed import renamed_in
from sfumato.arrays import Array, Shape
from sfumato.display import html_table, text_table
from sfumato.errors import InputError
from sfumato.layers.base import NOTHING, Backward, Built, Forward, Layer, Needs, ParameterSpec, ReceptiveField, Rng
from sfumato.layers.dense import Dense, RectifiedDense
from sfumato.layers.initializers import Zeros
from sfumato.layers.relu import ReLU
from sfumato.random_keys import Stream, generator

Pullback = Callable[[Any, Array | None], Array]
Head = Callable[[Array], tuple[Any, Pullback]]
"""A function that measures a layer's outputs: `head(z)` returns the measurement, and `pullback(gradient, dz)`, which
takes the gradient with respect to that and adds the gradient with respect to z to dz, the gradient from above, in its
memory; dz is None where none comes from above."""


SUMMARY_HEAD = ("layer", "kind", "output shape", "parameters")


class NamedParameter(NamedTuple):
    """Name of one parameter, and its place in the flat vector: `theta[start:stop].reshape(spec.shape)`.

    `layer` is the number of the layer that it belongs to, from 0; -1 for none.
    """

    name: str
    layer: int
    start: int
    stop: int
    spec: ParameterSpec

    @classmethod
    def unowned(cls, name: str, start: int, shape: Shape) -> NamedParameter:
        """Name a part of theta that belongs to no layer, such as inputs that are being checked."""
        return cls(name, -1, start, start + math.prod(shape), ParameterSpec(shape, Zeros(), decays=False))


class Network(Layer[Any]):
    """Layers applied one after the other; a network is a layer itself.

    All parameters lie in one flat vector theta, laid out here, before any data comes: an optimizer steps one vector,
    gradient checking perturbs one vector, a file stores one vector. Each layer sees its part of it as its own named
    tuple, and the network's parameters are the tuple of those: `network.parameters(theta).dense_1.W`.

    Args:
        layers: The layers in order. They are named by kind and number: "dense_1", "relu_1", "dense_2", ...
        input_shape: Shape of one example, for instance (784,) or (28, 28, 1); a number n stands for (n,).
        names: Names of one's own for the layers.

    Attributes:
        names: Name of each layer.
        output_shape: Shape of the output for one example.
        layout: Every parameter's name ("dense_2.W") and place in theta, in order.
        size: Number of parameters, the length of theta.

    Raises:
        InputError: if there is no layer, one does not fit the layer before it, or the names are not one for each.
    """

    def __init__(
        self, layers: Sequence[Layer[Any]], input_shape: int | Shape, names: Sequence[str] | None = None
    ) -> None:
        if not isinstance(layers, Sequence):
            raise InputError(f"a network is made of a list of layers, not {layers!r}")
        if not layers:
            raise InputError("a network needs at least one layer")
        self.layers = tuple(layers)
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise InputError(f"a network is made of layers such as Dense(100), not of {layer!r}")
        self.names = tuple(_names(layers) if names is None else names)
        if len(set(self.names)) != len(self.layers):
            raise InputError(f"{len(self.layers)} layers need as many different names, not {', '.join(self.names)}")
        self.input_shape = _shape(input_shape)
        self.output_shape, self._specs = self.build(self.input_shape)
        self.layout = tuple(_lay_out(self._specs))
        self.size = self.layout[-1].stop if self.layout else 0
        self._places = [(slice(own.start, own.stop), own.spec.shape) for own in self.layout]
        self._plans: dict[tuple[tuple[str, ...], Needs], list[_Part]] = {}

    def __repr__(self) -> str:
        return f"Network({list(self.layers)}, {self.input_shape})"

    def to_text(self) -> str:
        """Each layer with its kind, the shape of its outputs for n examples and its parameters; and their sum.

        >>> from sfumato import Dense, ReLU
        >>> print(Network([Dense(100), ReLU(), Dense(3)], 2).to_text())
        layer    kind   output shape  parameters
        -------  -----  ------------  ----------
        dense_1  Dense      (n, 100)         300
        relu_1   ReLU       (n, 100)           0
        dense_2  Dense        (n, 3)         303
        <BLANKLINE>
        inputs (n, 2); 603 parameters
        """
        return f"{text_table(SUMMARY_HEAD, self._summary())}\n\n{self._totals()}"

    def summary(self) -> None:
        """Print the table of layers that `to_text` gives."""
        print(self.to_text())

    def _repr_html_(self) -> str:
        return html_table(SUMMARY_HEAD, self._summary(), self._totals())

    def _summary(self) -> list[tuple[str, str, str, str]]:
        sizes = Counter[int]()
        for parameter in self.layout:
            sizes[parameter.layer] += parameter.stop - parameter.start
        return [
            (name, type(layer).__name__, _batch_shape(shape), f"{sizes[number]:,}")
            for number, (layer, (name, shape)) in enumerate(zip(self.layers, self.shapes.items(), strict=True))
        ]

    def _totals(self) -> str:
        return f"inputs {_batch_shape(self.input_shape)}; {self.size:,} parameters"

    def __reduce__(self) -> tuple[Any, ...]:
        return Network, (self.layers, self.input_shape, self.names)  # as its named tuples cannot be pickled

    @property
    def analytic(self) -> bool:
        return all(layer.analytic for layer in self.layers)

    @property
    def stochastic(self) -> bool:
        return any(layer.stochastic for layer in self.layers)

    @property
    def parallel(self) -> bool:
        return any(layer.parallel for layer in self.layers)

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shape of each layer's outputs for one example, by the layer's name."""
        shapes, shape = {}, self.input_shape
        for name, layer in zip(self.names, self.layers, strict=True):
            shapes[name] = shape = layer.build(shape).output_shape
        return shapes

    @property
    def widest(self) -> int:
        """Largest count of numbers in any layer's inputs or outputs for one example."""
        return max(map(math.prod, (self.input_shape, *self.shapes.values())))

    @property
    def products(self) -> int:
        """Products of a weight and an input in one forward pass of one example, roughly the work that it takes."""
        places = {name: math.prod(shape[:-1]) for name, shape in self.shapes.items()}
        return sum((own.stop - own.start) * places[own.name.partition(".")[0]] for own in self.layout)

    @property
    def receptive_field(self) -> ReceptiveField | None:
        return self.receptive_fields.get(self.names[-1])

    @property
    def receptive_fields(self) -> dict[str, ReceptiveField]:
        """Receptive field of each layer's pixels, by the layer's name, up to the first layer without pixels."""
        fields, field = {}, ReceptiveField()
        for name, layer in zip(self.names, self.layers, strict=True):
            own = layer.receptive_field
            if own is None:
                break
            fields[name] = field = field.then(own)
        return fields

    def build(self, shape: Shape) -> Built:
        given, specs = shape, []
        for name, layer in zip(self.names, self.layers, strict=True):
            try:
                shape, spec = layer.build(shape)
            except InputError as error:
                raise InputError(f"{name}: {error}") from error
            specs.append(spec)
        if given != self.input_shape:
            raise InputError(f"this network takes examples of shape {self.input_shape}, not {given}")
        make_parameters: Any = namedtuple
        return Built(shape, make_parameters("Parameters", self.names)(*specs))

    def initialize(self, seed: int = 0, dtype: npt.DTypeLike = np.float32) -> Array:
        """Draw the first theta, (size,), parameter by parameter; the same up to rounding in every `dtype`."""
        rng = generator(seed, Stream.INITIALIZATION)
        theta = np.empty(self.size, dtype)
        for parameter in self.layout:
            theta[parameter.start : parameter.stop] = parameter.spec.draw(rng).ravel()
        return theta

    def decaying(self) -> Array:
        """Mask of the entries of theta that weight decay applies to: (size,), boolean."""
        decays = np.zeros(self.size, dtype=bool)
        for parameter in self.layout:
            decays[parameter.start : parameter.stop] = parameter.spec.decays
        return decays

    def parameters(self, theta: Array) -> Any:
        """View theta as named tuples, one tuple a layer: writing to `parameters(theta).dense_1.b` writes to theta.

        Works for anything that is laid out like theta: gradients, an optimizer's moments.
        """
        if theta.shape != (self.size,):
            raise InputError(f"this network has {self.size} parameters; theta has shape {theta.shape}")
        return _views(self._specs, iter([theta[place].reshape(shape) for place, shape in self._places]))

    def prepare(self, params: Any) -> Any:
        return params._make(layer.prepare(own) for layer, own in zip(self.layers, params, strict=True))

    def forward(self, params: Any, x: Array, needs: Needs, rng: Rng = None) -> Forward[Any]:
        (z,), backward = self.measure(params, x, [(self.names[-1], _outputs)], needs, rng)
        return z, lambda dz, grads: backward([dz], grads)

    def measure(
        self, params: Any, x: Array, heads: Sequence[tuple[str, Head]], needs: Needs, rng: Rng = None
    ) -> tuple[list[Any], Callable[[Sequence[Any], Any], Array | None]]:
        """Measure the outputs of named layers, in one pass; `forward` measures the last layer's outputs themselves.

        Args:
            params: The parameters, as from `parameters`.
            x: Inputs, (n, *input_shape).
            heads: Names of layers, each with the function that measures its outputs; at least one. Layers above the
                last of them take no part.
            needs: The gradients that the backward pass shall compute.
            rng: Source of randomness for this step in training; None outside training.

        Returns:
            The measurements, one for each head, and `backward(gradients, grads)`. That takes the gradient with respect
            to each of those, and otherwise does what a layer's `backward` does, once.

        Raises:
            InputError: if a head is on no layer of this network.
        """
        measured: list[Any] = [None] * len(heads)
        steps: list[_Step] = []
        for layer, owner, own, heads_on_it in self._plan(tuple(name for name, _ in heads), needs):
            x, backward = layer.forward(params[owner], x, own, rng)
            step = _Step(owner, backward, [])
            for head in heads_on_it:
                measured[head], pullback = heads[head][1](x)
                step.pullbacks.append((head, pullback))
            if own != NOTHING:
                steps.append(step)

        def backward_through(gradients: Sequence[Any], grads: Any) -> Array | None:
            gradient: Any = None
            while steps:  # popped one by one, so that what each layer kept is released on the way
                gradient = steps.pop().back(gradient, gradients, grads)
            return gradient if needs.inputs else None

        return measured, backward_through

    def _plan(self, heads: tuple[str, ...], needs: Needs) -> list[_Part]:
        """Plan of what `measure` runs for heads on these layers, made once: the layers up to the last of them.

        A dense layer and the ReLU right after it are run as one, unless a head is between them.
        """
        if (heads, needs) not in self._plans:
            heads_of, plan = self._by_layer(heads), list[_Part]()
            for number, needed in enumerate(self._needs_of_layers(needs)[: max(heads_of) + 1]):
                layer, owner, own = self.layers[number], number, needed
                below = plan[-1].layer if plan and not plan[-1].heads else None
                if type(layer) is ReLU and type(below) is Dense:  # and no subclass, which may compute otherwise
                    layer, owner, own = RectifiedDense(below.units, below.init), number - 1, plan.pop().needs
                plan.append(_Part(layer, owner, own, heads_of.get(number, [])))
            self._plans[heads, needs] = plan
        return self._plans[heads, needs]

    def _by_layer(self, names: tuple[str, ...]) -> dict[int, list[int]]:
        """Numbers of the heads on each layer, by the layer's number."""
        heads: dict[int, list[int]] = {}
        for head, name in enumerate(names):
            if name not in self.names:
                raise InputError(f"no layer is called {name!r}: there are {', '.join(self.names)}")
            heads.setdefault(self.names.index(name), []).append(head)
        return heads

    def _needs_of_layers(self, needs: Needs) -> list[Needs]:
        """Needs of each layer: the gradient of its inputs where it, or parameters below it, take part in `needs`."""
        own, inputs = [], needs.inputs
        for specs in self._specs:
            own.append(Needs(weights=needs.weights and bool(specs), inputs=inputs))
            inputs = inputs or own[-1].weights
        return own

    def apply(self, theta: Array, x: Array) -> Array:
        """Compute the outputs for inputs x, (n, *input_shape), outside training: (n, *output_shape)."""
        return self.forward(self.parameters(theta), x, NOTHING)[0]

    def kink_sides(self, theta: Array, x: Array, rng: Rng = None) -> list[Array]:
        """Side of its kinks on which each layer's input lies, for the layers that have kinks."""
        sides = []
        for layer, own in zip(self.layers, self.parameters(theta), strict=True):
            side = layer.kinks(own, x)
            if side is not None:
                sides.append(side)
            x, _ = layer.forward(own, x, NOTHING, rng)
        return sides


class _Part(NamedTuple):
    """A layer to run, the number of the one that owns its parameters, its needs, and the numbers of its heads."""

    layer: Layer[Any]
    owner: int
    needs: Needs
    heads: list[int]


class _Step(NamedTuple):
    """Backward pass of one layer, with the pullbacks of the heads on it, each with its head's number."""

    layer: int
    pass_back: Backward[Any]
    pullbacks: list[tuple[int, Pullback]]

    def back(self, gradient: Array | None, gradients: Sequence[Any], grads: Any) -> Array | None:
        """Gradient of the layer's inputs, from the one that comes from above and those of its heads' measurements."""
        return self.pass_back(self._outputs(gradient, gradients), grads[self.layer])

    def _outputs(self, gradient: Array | None, gradients: Sequence[Any]) -> Any:
        """Gradient of the layer's outputs; arrays kept by the heads are released before the layer's backward pass."""
        while self.pullbacks:
            head, pullback = self.pullbacks.pop()
            gradient = pullback(gradients[head], gradient)
        return gradient


def _outputs(z: Array) -> tuple[Array, Pullback]:
    """Measure the outputs themselves: the head of `Network.forward`."""

    def pullback(gradient: Array, dz: Array | None) -> Array:
        if dz is None:
            return gradient
        dz += gradient
        return dz

    return z, pullback


def _batch_shape(shape: Shape) -> str:
    return f"(n, {', '.join(map(str, shape))})"


def _shape(given: Any) -> Shape:
    """Shape of an example; a number n stands for (n,)."""
    shape = tuple(given) if isinstance(given, Iterable) else (given,)
    if not shape or not all(isinstance(size, int | np.integer) and size >= 1 for size in shape):
        raise InputError(f"the shape of an example is whole numbers from 1, such as 784 or (28, 28, 1), not {given!r}")
    return tuple(map(int, shape))


def _names(layers: Sequence[Layer[Any]]) -> Iterator[str]:
    """Name layers by kind and number."""
    seen: Counter[str] = Counter()
    for layer in layers:
        kind = type(layer).__name__.lower().lstrip("_")
        seen[kind] += 1
        yield f"{kind}_{seen[kind]}"


def _lay_out(specs: Any, prefix: str = "", layer: int = -1, start: int = 0) -> Iterator[NamedParameter]:
    """Name the parameters of nested specs, and give each its place in theta."""
    for index, (name, spec) in enumerate(zip(specs._fields, specs, strict=True)):
        outermost = index if layer < 0 else layer
        if isinstance(spec, ParameterSpec):
            stop = start + math.prod(spec.shape)
            yield NamedParameter(prefix + name, outermost, start, stop, spec)
            start = stop
        else:
            for parameter in _lay_out(spec, f"{prefix}{name}.", outermost, start):
                yield parameter
                start = parameter.stop


def _views(specs: Any, views: Iterator[Array]) -> Any:
    """Nest the next of the views as the specs are nested."""
    if not specs:
        return specs
    return specs._make([next(views) if isinstance(spec, ParameterSpec) else _views(spec, views) for spec in specs])


__getattr__ = renamed_in(__name__)
