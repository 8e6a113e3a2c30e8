"""Neighbours: for each place of the content the place of the style that is most like it.

After Kolkin, Kucera, Paris, Sykora, Shechtman and Shakhnarovich, "Neural Neighbor Style Transfer" (2022). A place is
a square of `CELL` pixels. It is described by the features of all style layers there, each layer weighed alike, and its
neighbour is the place of the style whose description is at the least angle to its own. What is painted shall then have,
at each layer, the features of the neighbours, put together as the content's places are: see `assemble`. Beside that it
shall have the style's Gram matrices: neighbours say what goes where, and Gram matrices keep textures as strong as they
are in the style. The scales before the last two have Gram matrices alone, which fill bare surfaces with large strokes.
At the last two neighbours follow these strokes where the content is bare, and elsewhere the content: see
`mixed_features`.

This differs from the paper where that looks better or as well: Gram matrices stand beside neighbours, and alone at the
scales before; how much of what is painted counts depends on the place; features are compared layer by layer, each at
its own resolution, by their squared distance, which also sees how bright they are; and there is no second pass.
"""

import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from sfumato.arrays import Array, Shape, Where, cast, like, namespace, upcast, zeros
from sfumato.kernels.ops import ops
from sfumato.losses.features import TINY
from sfumato.style.pyramid import resize
from sfumato.style.settings import LEAST_EDGE
from sfumato.style.tiles.tiling import LEAST_GRID, TiledNetwork

CELL = LEAST_GRID
"""Pixels of a place, each way."""

MOST_PLACES = 2**14
"""Places of a picture at most. In larger pictures places are found in smaller versions of them, and are larger."""

MATCHED_SCALES = 2
"""Scales that are painted by neighbours: the last so many, chosen by eye. Those before have Gram matrices alone; with
neighbours there, skies and walls stay bare."""


def matched_scales(count: int) -> range:
    """Numbers of the scales, of so many, at which neighbours are found."""
    return range(max(0, count - MATCHED_SCALES), count)


class Choice(NamedTuple):
    """A region of the content, and the pictures in which its places look for neighbours.

    Attributes:
        places: Which places of the content belong to it, (rows, columns), boolean.
        pictures: Numbers of the pictures of each of its styles.
        shares: Part of the places that each style gets; they add up to one.
    """

    places: Array
    pictures: Sequence[Sequence[int]]
    shares: Sequence[float]


class Neighbours(NamedTuple):
    """The neighbour of each place of the content, (rows, columns) each.

    Attributes:
        pictures: Number of the style picture that it is in; -1 for places of no region, which stay as they are.
        rows: Its row among the places of that picture.
        columns: Its column.
        scale: Pixels of the pictures for each pixel of the version in which neighbours were found.
    """

    pictures: Array
    rows: Array
    columns: Array
    scale: float


def matching_scale(*shapes: Shape) -> float:
    """Factor, at least 1, by which pictures of these shapes are made smaller to have no more than `MOST_PLACES`.

    No edge gets shorter than `LEAST_EDGE`, without which the last layers see nothing; long, thin pictures keep more.
    """
    most = min(min(height, width) for height, width, *_ in shapes) / LEAST_EDGE
    wanted = max(math.sqrt(height * width / MOST_PLACES) / CELL for height, width, *_ in shapes)
    return max(1.0, min(wanted, most))


def places_of(height: int, width: int, scale: float = 1.0) -> tuple[int, int]:
    """Rows and columns of places in a picture of this size, made smaller by `scale`."""
    return max(1, round(height / scale) // CELL), max(1, round(width / scale) // CELL)


def find_neighbours(
    network: TiledNetwork,
    layers: Sequence[str],
    content: Array,
    painted: Array | None,
    styles: Sequence[Array],
    choices: Sequence[Choice],
) -> Neighbours:
    """Find the neighbour of each place of the content.

    Args:
        network: The network, for pictures of the content's size.
        layers: Names of the layers that describe a place.
        content: The content, (height, width, 3).
        painted: What is painted so far, of the same shape; None where the content is all there is.
        styles: The style pictures, (height, width, 3) each.
        choices: The regions, for places of the size that `places_of` gives.
    """
    scale = matching_scale(content.shape, *(style.shape for style in styles))
    described = [_stack(_features(network, layers, _smaller(style, scale))) for style in styles]
    found = _features(network, layers, _smaller(content, scale))
    if painted is not None:
        order = list(network.shapes)
        deepest = max(range(len(layers)), key=lambda index: order.index(layers[index]))
        places = np.logical_or.reduce([choice.places for choice in choices])
        found = mixed_features(found, _features(network, layers, _smaller(painted, scale)), deepest, places)
    shape = found[0].shape[:2]
    own = _stack(found)
    del found
    pictures, numbers = np.full(math.prod(shape), -1), np.zeros(math.prod(shape), np.int64)
    for choice in choices:
        places = np.flatnonzero(choice.places)
        nearest = [_nearest(own[like(places, own)], described, some) for some in choice.pictures]
        chosen = share_out(np.array([similarity for *_, similarity in nearest]), choice.shares)
        for style, (picture, number, _) in enumerate(nearest):
            mine = chosen == style
            pictures[places[mine]], numbers[places[mine]] = picture[mine], number[mine]
    columns = np.array([places_of(style.shape[0], style.shape[1], scale)[1] for style in styles])[pictures]
    return Neighbours(
        pictures.reshape(shape), (numbers // columns).reshape(shape), (numbers % columns).reshape(shape), scale
    )


def mixed_features(content: Sequence[Array], painted: Sequence[Array], deepest: int, places: Array) -> list[Array]:
    """Mix the features of the content and of what is painted, place by place.

    The part of what is painted is 1 / (1 + e^2), with e the squared norm of the content's features at the deepest layer
    there, relative to its mean. The last block of VGG sees much in faces, eyes and whatever has a shape, which so stay
    what they are; and little in skies and walls, which keep the strokes that the scales before gave them. (Shallow
    layers alone, if such are asked for, see much in what is bright.)

    Args:
        content: Features of the content at each layer, (rows, columns, channels).
        painted: Those of what is painted.
        deepest: Index, in both, of the deepest layer.
        places: Which places look for neighbours, (rows, columns), boolean; the mean is theirs.
    """
    energy = (content[deepest] ** 2).sum(axis=-1, keepdims=True)
    rows, columns = (like(index, energy) for index in np.nonzero(places))
    part = 1.0 / (1.0 + (energy / (float(energy[rows, columns].mean()) + TINY)) ** 2)
    return [part * there + (1.0 - part) * own for own, there in zip(content, painted, strict=True)]


def _nearest(own: Array, described: Sequence[Array], some: Iterable[int]) -> tuple[Array, Array, Array]:
    """Nearest place of any of some pictures: the picture's number, the place's, and their similarity."""
    picture = number = similarity = np.empty(0)
    for candidate in some:
        found, product = ops().nearest_rows(own, described[candidate])
        if not len(similarity):
            picture, number, similarity = np.full(len(found), candidate), found, product
            continue
        better = product > similarity
        picture[better], number[better], similarity[better] = candidate, found[better], product[better]
    return picture, number, similarity


def share_out(similarity: Array, shares: Sequence[float]) -> Array:
    """Share places out among styles by weight: each gets its part of them, where it is ahead of the others by most.

    Args:
        similarity: Of each place to its neighbour in each style, (styles, places).
        shares: Part of the places for each style; they add up to one.

    Returns:
        Number of the style for each place, (places,).
    """
    chosen = np.zeros(similarity.shape[1], np.int64)
    left = np.arange(similarity.shape[1])
    for style, share in enumerate(shares[:-1]):
        ahead = similarity[style, left] - similarity[style + 1 :, left].max(axis=0)
        count = round(len(left) * share / sum(shares[style:]))
        order = np.argsort(-ahead, kind="stable")
        chosen[left[order[:count]]] = style
        left = np.sort(left[order[count:]])
    chosen[left] = len(shares) - 1
    return chosen


def assemble(neighbours: Neighbours, features: Iterable[Array], own: Array | None, shape: Shape, stride: int) -> Array:
    """Put the features of all neighbours together at one layer, (1, rows, columns, channels).

    Each position keeps its offset from the place that it is in: with y its row in pixels, its place p = y // CELL and
    the neighbour's place q, it takes the features of row q CELL + (y - p CELL). So neighbouring positions of a place
    get neighbouring features, finer than the places are.

    Args:
        neighbours: The neighbour of each place.
        features: Features of each style picture at the layer, (1, h, w, channels) each; taken one after the other, as
            they may be large.
        own: Those of the content, for places without a neighbour; None where all have one.
        shape: Rows and columns of the layer.
        stride: Pixels between its positions.
    """
    step = stride / neighbours.scale
    down, below = _places_along(shape[0], neighbours.pictures.shape[0], step)
    across, beside = _places_along(shape[1], neighbours.pictures.shape[1], step)
    target: Array | None = None
    for number, found in enumerate(features):
        if target is None:
            target = zeros((1, *shape, found.shape[-1]), found)
        for y in range(shape[0]):  # row by row, as the numbers of all positions would take as much as a layer
            places = neighbours.pictures[down[y], across]
            mine = np.flatnonzero(places == number)
            if not mine.size:
                continue
            rows = (neighbours.rows[down[y], across[mine]] * CELL + below[y]) / step
            columns = (neighbours.columns[down[y], across[mine]] * CELL + beside[mine]) / step
            row = like(np.minimum(rows.astype(np.int64), found.shape[1] - 1), found)
            column = like(np.minimum(columns.astype(np.int64), found.shape[2] - 1), found)
            target[0, y, like(mine, found)] = found[0, row, column]
    assert target is not None, "there is a style"
    if own is not None:
        rows, columns = (like(index, own) for index in np.nonzero(neighbours.pictures[np.ix_(down, across)] < 0))
        target[0, rows, columns] = own[0, rows, columns]
    return target


def kept_like(network: TiledNetwork) -> Array:
    """An empty array of the dtype in which targets are kept: float16 in tiles, where memory is short, for float32.

    Features of VGG reach 30,000, and float16 65,504; it rounds them by 2^-11 of themselves at most.
    """
    theta = network.theta[:0]
    return cast(theta, namespace(theta).float16) if network.edge and theta.dtype.itemsize == 4 else theta


def _places_along(size: int, count: int, step: float) -> tuple[Array, Array]:
    """Place of each position along an axis, and the offset of the position's middle from the place's start."""
    middle = (np.arange(size) + 0.5) * step
    place = np.minimum(middle.astype(np.int64) // CELL, count - 1)
    return place, middle - CELL * place


def _smaller(picture: Array, scale: float) -> Array:
    height, width, _ = picture.shape
    return picture if scale == 1.0 else resize(picture, round(height / scale), round(width / scale))


def _stack(features: Sequence[Array]) -> Array:
    """Describe places by their features at all layers, (places, channels of all), as rows of length one.

    The features of each layer are taken from their mean over the picture, and divided by their root mean square, so
    that all layers weigh alike.
    """
    channels = [own.shape[-1] for own in features]
    stacked = zeros((math.prod(features[0].shape[:2]), sum(channels)), features[0])
    for own, stop in zip(features, itertools.accumulate(channels), strict=True):
        part = stacked[:, stop - own.shape[-1] : stop]
        part[...] = (own - own.mean(axis=(0, 1))).reshape(part.shape)
        part /= float((part**2).sum(axis=1).mean()) ** 0.5 + TINY
    stacked /= namespace(stacked).sqrt((stacked**2).sum(axis=1))[:, None] + TINY
    return stacked


def _features(network: TiledNetwork, layers: Sequence[str], picture: Array) -> list[Array]:
    """Features of a picture at each of the layers, brought to its places: (rows, columns, channels) each.

    Those of layers with more positions are averaged, and those of layers with fewer serve several places.
    """
    height, width, _ = picture.shape
    network = network.resized(height, width)
    shape = places_of(height, width)
    pooled: dict[str, Array] = {}
    heads = []
    for layer in layers:
        size = max(1, CELL // network.fields[layer].stride)
        rows, columns, channels = network.shapes[layer]
        pooled[layer] = zeros((max(1, rows // size), max(1, columns // size), channels), network.theta)
        heads.append((layer, functools.partial(_pool_into, pooled[layer], size)))
    for _ in network.measure(network.engine.master.put(picture), heads):
        pass
    return [
        _spread(upcast(network.workers.sum(own)), shape, network.fields[layer].stride) for layer, own in pooled.items()
    ]


def _pool_into(pooled: Array, size: int, z: Array, where: Where) -> tuple[None, None]:
    """Average the features of a part of a layer over windows of a place."""
    means = ops().average_pool(z, size, size) if size > 1 else z
    top, left = (part.start // size for part in where)
    pooled[top : top + means.shape[1], left : left + means.shape[2]] = means[0]
    return None, None


def _spread(features: Array, shape: Shape, stride: int) -> Array:
    """Repeat the features of a layer whose positions serve several places."""
    if features.shape[:2] == shape:
        return features
    rows, columns = (
        like(np.minimum(np.arange(count) * CELL // max(stride, CELL), there - 1), features)
        for count, there in zip(shape, features.shape, strict=False)
    )
    return features[rows][:, columns]
