"""VGG16 and VGG19 as tables: their layers in order, and the layers' usual names."""

from functools import cache
from typing import NamedTuple

from sfumato.checks import nearest, one_of
from sfumato.errors import InputError

BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Number of convolutions in each block; a pooling layer ends every block."""

FILTERS = (64, 128, 256, 512, 512)
"""Number of filters of each convolution in a block."""


class VggLayer(NamedTuple):
    """A layer of VGG.

    Attributes:
        name: Keras's name, "block5_conv2" or "block5_pool".
        aliases: The same layer's names in the literature.
        feature: Number of the module in torchvision's `features`, where each ReLU has a number too.
        channels: How many channels its inputs have.
        filters: How many a convolution has; 0 for pooling.
    """

    name: str
    aliases: tuple[str, ...]
    feature: int
    channels: int
    filters: int


def vgg_layers(architecture: str, last: str | None = None) -> list[VggLayer]:
    """Layers in order, up to the one called `last`, or all of them.

    Raises:
        InputError: for a network other than vgg16 and vgg19, or a layer that it does not have.
    """
    one_of("network", architecture, BLOCKS)
    layers = _all_layers(BLOCKS[architecture], FILTERS)
    if last is None:
        return [*layers]
    return [*layers[: layer_names(architecture).index(layer_name(last, architecture)) + 1]]


@cache
def _all_layers(blocks: tuple[int, ...], filters_of_blocks: tuple[int, ...]) -> tuple[VggLayer, ...]:
    """Make the layers of a network; planning a picture's memory asks for them a thousand times."""
    layers: list[VggLayer] = []
    feature, channels = 0, 3
    for block, (convolutions, filters) in enumerate(zip(blocks, filters_of_blocks, strict=True), start=1):
        for number in range(1, convolutions + 1):
            aliases = (f"conv{block}_{number}", f"relu{block}_{number}")
            layers.append(VggLayer(f"block{block}_conv{number}", aliases, feature, channels, filters))
            feature, channels = feature + 2, filters
        layers.append(VggLayer(f"block{block}_pool", (f"pool{block}",), feature, channels, 0))
        feature += 1
    return tuple(layers)


def layer_names(architecture: str) -> list[str]:
    """Keras's names of all layers, in order.

    Raises:
        InputError: for a network other than vgg16 and vgg19.
    """
    return [layer.name for layer in vgg_layers(architecture)]


def layer_name(name: str, architecture: str) -> str:
    """Keras's name of a layer, given by that name or by the literature's.

    "block5_conv2", "conv5_2" and "relu5_2" are the same feature map: the convolution's output after its ReLU. Keras
    puts both into one layer, and in Caffe, where the literature's names come from, the ReLU works in place.
    "block3_pool" and "pool3" are the same too.

    Raises:
        InputError: for a name that no layer has, with the nearest one; for a network other than vgg16 and vgg19.
    """
    layers = vgg_layers(architecture)
    known = {known: layer.name for layer in layers for known in (layer.name, *layer.aliases)}
    if name in known:
        return known[name]
    found = nearest(name, known)
    hint = f"did you mean {found}?" if found else "its layers are block1_conv1 to block5_pool, or conv1_1 to pool5"
    raise InputError(f"{architecture} has no layer {name!r}: {hint}")
