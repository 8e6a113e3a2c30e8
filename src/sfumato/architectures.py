"""Networks of the usual shapes: the multilayer perceptron and the convolutional network."""

from collections.abc import Sequence
from typing import Any

from sfumato.arrays import Shape
from sfumato.layers.activations import as_activation
from sfumato.layers.base import Layer
from sfumato.layers.convolution import Convolution
from sfumato.layers.dense import Dense
from sfumato.layers.dropout import Dropout
from sfumato.layers.flatten import Flatten
from sfumato.layers.initializers import Initializer, as_initializer
from sfumato.layers.max_pooling import MaxPooling
from sfumato.layers.relu import ReLU
from sfumato.network import Network


def multilayer_perceptron(
    input_shape: int | Shape,
    hidden: Sequence[int],
    outputs: int,
    *,
    activation: str | Layer[Any] | type[Layer[Any]] = "relu",
    init: str | Initializer = "he",
    dropout: float = 0.0,
) -> Network:
    """Dense layers, each hidden one followed by the activation and, on request, dropout.

    >>> network = multilayer_perceptron(784, hidden=(15, 9), outputs=10)
    >>> network.size
    12019
    >>> [parameter.name for parameter in network.layout]
    ['dense_1.W', 'dense_1.b', 'dense_2.W', 'dense_2.b', 'dense_3.W', 'dense_3.b']

    Args:
        input_shape: Shape of one example; images are flattened.
        hidden: Units of each hidden layer; none of them makes logistic regression, or a softmax classifier.
        outputs: Units of the last layer, which gives logits (or values, for regression).
        activation: What follows each hidden layer: one of `ACTIVATIONS`, or a layer of one's own.
        init: Initialiser of the weights: one of `INITIALIZERS`, or an object; He by default, as it suits ReLU.
        dropout: Probability of dropping a hidden unit.

    Raises:
        InputError: for an unknown activation, a layer without units, or a probability out of range.
    """
    activate = as_activation(activation)
    shape = (input_shape,) if isinstance(input_shape, int) else input_shape
    weights = as_initializer(init)
    layers: list[Layer[Any]] = [Flatten()] if len(shape) > 1 else []
    for units in hidden:
        layers += [Dense(units, weights), activate, *_dropout(dropout)]
    return Network([*layers, Dense(outputs, weights)], shape)


def convolutional_network(
    input_shape: Shape,
    outputs: int,
    *,
    filters: Sequence[int] = (32, 64),
    hidden: Sequence[int] = (128,),
    activation: str | Layer[Any] | type[Layer[Any]] = "relu",
    init: str | Initializer = "he",
    dropout: float = 0.5,
) -> Network:
    """Convolutions of 3 x 3 for images, each followed by the activation and max pooling, and then dense layers.

    Args:
        input_shape: Shape of one image, (height, width, channels); every pooling halves height and width.
        outputs: Units of the last layer, which gives logits (or values, for regression).
        filters: Filters of each convolution.
        hidden: Units of each dense layer but the last.
        activation: What follows each convolution and hidden layer: one of `ACTIVATIONS`, or a layer of one's own.
        init: Initialiser of the weights: one of `INITIALIZERS`, or an object; He by default, as it suits ReLU.
        dropout: Probability of dropping a unit that a dense layer takes.

    Raises:
        InputError: for an unknown activation, a layer without units, a probability out of range, or images too small.
    """
    activate, weights = as_activation(activation), as_initializer(init)
    fused = type(activate) is ReLU
    layers: list[Layer[Any]] = []
    for count in filters:
        layers += [Convolution(count, relu=fused, init=weights), *([] if fused else [activate]), MaxPooling()]
    layers.append(Flatten())
    for units in hidden:
        layers += [*_dropout(dropout), Dense(units, weights), activate]
    return Network([*layers, *_dropout(dropout), Dense(outputs, weights)], input_shape)


def _dropout(p: float) -> list[Layer[Any]]:
    return [Dropout(p)] if p else []
