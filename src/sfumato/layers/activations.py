"""Activations by name: one entry an activation."""

from typing import Any

from sfumato.checks import one_of
from sfumato.errors import InputError
from sfumato.layers.base import Layer
from sfumato.layers.leaky_relu import LeakyReLU
from sfumato.layers.relu import ReLU
from sfumato.layers.sigmoid import Sigmoid
from sfumato.layers.tanh import Tanh

ACTIVATIONS: dict[str, type[Layer[Any]]] = {
    "relu": ReLU,
    "leaky-relu": LeakyReLU,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
}


def as_activation(activation: str | Layer[Any] | type[Layer[Any]]) -> Layer[Any]:
    """Make the layer for an activation's name, class or instance.

    >>> as_activation("leaky-relu"), as_activation(LeakyReLU(0.2)), as_activation(Tanh)
    (LeakyReLU(slope=0.01), LeakyReLU(slope=0.2), Tanh())

    Args:
        activation: One of `ACTIVATIONS`; or a layer, or a kind of layer that needs no settings, of one's own too.

    Raises:
        InputError: for an unknown name, a kind of layer that needs settings, or something that is no layer.
    """
    if isinstance(activation, str):
        return ACTIVATIONS[one_of("activation", activation, ACTIVATIONS)]()
    if isinstance(activation, Layer):
        return activation
    if isinstance(activation, type) and issubclass(activation, Layer):
        try:
            return activation()
        except TypeError as error:
            raise InputError(f"{activation.__name__} needs settings ({error}): give an instance of it") from error
    raise InputError(
        f"an activation is a name ({', '.join(ACTIVATIONS)}) or a layer, which has its derivative too, "
        f"not {activation!r}: docs/adding-a-layer.md makes one"
    )
