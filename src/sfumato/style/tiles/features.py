"""Features of whole pictures, and their moments, from a network that sees them tile by tile."""

import functools
from collections.abc import Iterable

from sfumato.arrays import Array, Where, within_range, zeros
from sfumato.losses.gram import FeatureMoments, moments
from sfumato.style.tiles.tiling import TiledNetwork, TileHead


def features_of(network: TiledNetwork, picture: Array, layers: Iterable[str], kept: Array | None = None) -> list[Array]:
    """Features of a picture at each layer, (1, rows, columns, channels); those of other processes are zeros.

    Args:
        network: The network.
        picture: (height, width, 3).
        layers: Names of the layers.
        kept: An array of the kind and dtype that the features are kept in; by default the network's.
    """
    kept = network.theta if kept is None else kept
    features = {layer: zeros((1, *network.shapes[layer]), kept) for layer in layers}

    def keep(layer: str, z: Array, where: Where) -> tuple[None, None]:
        features[layer][:, *where] = within_range(z, kept)
        return None, None

    heads = [(layer, functools.partial(keep, layer)) for layer in layers]
    for _ in network.measure(network.engine.master.put(picture), heads):
        pass
    return list(features.values())


def whole_features(network: TiledNetwork, picture: Array, layer: str, kept: Array) -> Array:
    """Features of a picture at one layer, those that other processes compute among them."""
    (own,) = features_of(network, picture, [layer], kept)
    return network.workers.sum(own)


def moments_of(network: TiledNetwork, picture: Array, layers: Iterable[str]) -> list[FeatureMoments]:
    """Moments of a picture's features at each of the layers."""
    heads: list[tuple[str, TileHead]] = [(layer, lambda z, where: (moments(z), None)) for layer in layers]
    return network.total(network.measure(network.engine.master.put(picture), heads), heads)
