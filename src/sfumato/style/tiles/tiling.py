"""Tiles: a picture of any size through a network part by part, with the features and the gradient of the whole.

A feature depends on the pixels of its receptive field alone. So the picture is cut into tiles that own their pixels,
and the features above them, and each tile is shown to the network with a margin (its halo) as wide as the receptive
fields of its features reach beyond it. The features that a tile owns are then exact, edges of the picture included;
those of the margin are not, and belong to a neighbour.

Losses are made of sums over features, which add up over tiles. Their gradient comes back in a second pass: once the
sums of the whole picture are known, each tile sends dL/dF of the features that it owns back to all the pixels that it
saw, and what the tiles send is added up. Per tile this is the chain rule, so the total is the gradient of the whole.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from itertools import pairwise, product
from typing import Any, NamedTuple

from sfumato.arrays import Array, Where, zeros
from sfumato.engine import NUMPY, Engine
from sfumato.layers.base import NOTHING, Needs, ReceptiveField
from sfumato.losses.features import add_sums
from sfumato.network import Head, Network, Pullback
from sfumato.workers import ALONE, Workers

TileHead = Callable[[Array, Where], tuple[Any, Any]]
"""Measures a part of a layer's outputs, (1, rows, columns, N), which lies `where` in the layer: see `network.Head`. Its
`pullback(gradient, dz)` adds to dz and returns nothing."""


LEAST_GRID = 4
"""Pixels of the grid of the tiles, at least: those of a place of `style/neighbours.py`, which no cut divides."""


class Tile(NamedTuple):
    """A part of a picture.

    Attributes:
        owned: The pixels that are its own; every pixel is owned once.
        seen: The pixels that its features depend on.
    """

    owned: Where
    seen: Where


def cut_into_tiles(height: int, width: int, edge: int | None, field: ReceptiveField) -> list[Tile]:
    """Cut a picture into tiles of about equal size, on the grid of the network's strides.

    Args:
        height: Of the picture.
        width: Of the picture.
        edge: Pixels that a tile owns each way, at most (but for the grid's own size); None for a single tile.
        field: See `halo_field`.
    """
    if edge is None:
        whole = (slice(0, height), slice(0, width))
        return [Tile(whole, whole)]
    axes = [_cut_axis(size, edge, field) for size in (height, width)]
    return [Tile((row[0], column[0]), (row[1], column[1])) for row, column in product(*axes)]


def halo_field(network: Network) -> ReceptiveField:
    """Widest receptive field: the last layer's, extended on either side to that of any layer.

    Its stride, the grid of the tiles, is `LEAST_GRID` at least.
    """
    fields = network.receptive_fields.values()
    stride = max(network.receptive_fields[network.names[-1]].stride, LEAST_GRID)
    before = max(field.padding for field in fields)
    after = max(field.size - field.padding - field.stride for field in fields)
    return ReceptiveField(before + stride + max(after, 0), stride, before)


def largest_tile(height: int, width: int, edge: int | None, field: ReceptiveField) -> tuple[int, int]:
    """Rows and columns of the largest tile with its halo, without listing the tiles."""
    if edge is None:
        return height, width
    rows, columns = (
        min(size, field.stride * -(-cells // count) + sum(sorted(_margins(field))[1 - count :] if count > 1 else ()))
        for size in (height, width)
        for cells, count in [_cells(size, edge, field)]
    )
    return rows, columns


def _cut_axis(size: int, edge: int, field: ReceptiveField) -> list[tuple[slice, slice]]:
    """Ranges of pixels that each tile owns and sees along an axis."""
    cells, count = _cells(size, edge, field)
    before, after = _margins(field)
    bounds = [*(field.stride * (cells * number // count) for number in range(count)), size]
    return [
        (slice(start, stop), slice(max(0, start - before), min(size, stop + after))) for start, stop in pairwise(bounds)
    ]


def _cells(size: int, edge: int, field: ReceptiveField) -> tuple[int, int]:
    """Number of grid cells along an axis, and number of tiles that share them."""
    cells = -(-size // field.stride)
    return cells, min(cells, -(-size // edge))


def _margins(field: ReceptiveField) -> tuple[int, int]:
    """Pixels of halo before and after a tile's own, in whole cells, so that pooling windows stay the same."""
    return -(-field.padding // field.stride) * field.stride, field.size - field.padding - field.stride


class TiledNetwork:
    """A network on a picture of one size, computed tile by tile.

    Args:
        make: Gives the network for pictures of a height and width; all have the same parameters.
        theta: Those parameters, in the precision to compute in.
        height: Of the picture.
        width: Of the picture.
        edge: Pixels that a tile owns each way, at most; None for the picture in one.
        engine: Where theta is, and its precision.
        workers: The processes that share the tiles; what one measures is of its own tiles alone.
        prepared: Whether to keep what layers make of the parameters, see `Layer.prepare`: memory for time.

    Attributes:
        tiles: The tiles of this process.
        shapes: Shape of each layer's outputs for the whole picture, by the layer's name.
    """

    def __init__(
        self,
        make: Callable[[int, int], Network],
        theta: Array,
        height: int,
        width: int,
        edge: int | None = None,
        *,
        engine: Engine = NUMPY,
        workers: Workers = ALONE,
        prepared: bool = False,
    ) -> None:
        self.make, self.edge = make, edge
        self.theta, self.engine, self.workers = theta, engine, workers
        whole = self._lay_tiles(height, width)
        self.params = whole.parameters(theta)
        if prepared:
            self.params = whole.prepare(self.params)

    def resized(self, height: int, width: int) -> "TiledNetwork":
        """The same network for a picture of another size, with the same parameters, prepared or not."""
        other = copy(self)
        other._lay_tiles(height, width)
        return other

    def _lay_tiles(self, height: int, width: int) -> Network:
        """Lay the tiles over a picture of this size; return the network for all of it."""
        whole = self.make(height, width)
        self.shape, self.shapes, self.fields = (height, width), whole.shapes, whole.receptive_fields
        tiles = cut_into_tiles(height, width, self.edge, halo_field(whole))
        share = self.workers.share(len(tiles))
        self.tiles = tiles[share.start : share.stop]
        self.networks = {size: self.make(*size) for size in {_size(tile.seen) for tile in self.tiles}}
        return whole

    def measure(self, picture: Array, heads: Sequence[tuple[str, TileHead]]) -> Iterator[list[Any]]:
        """Yield the measurements of all heads, tile by tile.

        Args:
            picture: (height, width, 3), where theta is, in float32 at least.
            heads: Names of layers, each with what measures that layer's outputs.
        """
        for tile in self.tiles:
            yield self._forward(picture, tile, heads, NOTHING)[0]

    def total(self, measured: Iterable[list[Any]], heads: Sequence[tuple[str, TileHead]]) -> list[Any]:
        """Total of each head's sums over the whole picture, over the tiles of all processes, from `measure`."""
        sums: list[Any] = []
        for part in measured:  # each freed as soon as it is added
            sums = [*map(add_sums, sums, part)] if sums else part
        return self.workers.sum_of(sums or self._of_no_positions(heads))

    def _of_no_positions(self, heads: Sequence[tuple[str, TileHead]]) -> list[Any]:
        """Sums over no positions for each head, for a process without tiles."""
        nowhere = (slice(0, 0), slice(0, 0))
        return [head(zeros((1, 0, 0, self.shapes[layer][-1]), self.theta), nowhere)[0] for layer, head in heads]

    def gradient(
        self,
        picture: Array,
        heads: Sequence[tuple[str, TileHead]],
        score: Callable[[Iterable[list[Any]]], Sequence[Any]],
    ) -> Array:
        """Gradient with respect to the picture, (height, width, 3), of a loss on the heads' measurements.

        Args:
            picture: (height, width, 3), of the precision of theta.
            heads: Names of layers, each with what measures that layer's outputs.
            score: Takes what `measure` yields, and gives the gradient with respect to the total of each head's.
        """
        wanted = Needs(weights=False, inputs=True)
        if len(self.tiles) == 1:  # in one pass
            measured, backward = self._forward(picture, self.tiles[0], heads, wanted)
            own: Array = backward(score([measured]))[0]
            if self.workers.count == 1:
                return own
            total = zeros(picture.shape, picture)
            total[self.tiles[0].seen] += own
            return self.workers.sum(total)
        gradients = score(self.measure(picture, heads))
        total = zeros(picture.shape, picture)
        for tile in self.tiles:
            _, backward = self._forward(picture, tile, heads, wanted)
            total[tile.seen] += backward(gradients)[0]
        return self.workers.sum(total)

    def kink_sides(self, picture: Array) -> Iterator[Array]:
        """Sides of the network's kinks for a picture, see `Network.kink_sides`; halos are counted again."""
        for tile in self.tiles:
            yield from self.networks[_size(tile.seen)].kink_sides(self.theta, picture[None, *tile.seen])

    def _forward(
        self, picture: Array, tile: Tile, heads: Sequence[tuple[str, TileHead]], needs: Needs
    ) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        network = self.networks[_size(tile.seen)]
        x = picture[None, *tile.seen]
        owning = [(layer, self._own(tile, layer, head)) for layer, head in heads]
        measured, backward = network.measure(self.params, x, owning, needs)
        nothing = [None] * len(network.layers)  # the weights are frozen: there are no gradients to fill in
        return measured, lambda gradients: backward(gradients, nothing)

    def _own(self, tile: Tile, layer: str, head: TileHead) -> Head:
        """Restrict a head to the tile's own part of the layer's outputs; the rest gets no gradient from it."""
        stride = self.fields[layer].stride
        rows, columns = (
            slice((owned.start - seen.start) // stride, (owned.stop - seen.start) // stride)
            if owned.stop < size
            else slice((owned.start - seen.start) // stride, None)  # at the picture's end, all that is left
            for owned, seen, size in zip(tile.owned, tile.seen, self.shape, strict=True)
        )
        top, left = (owned.start // stride for owned in tile.owned)

        def measure(z: Array) -> tuple[Any, Pullback]:
            mine, shape = z[:, rows, columns], z.shape
            kind = zeros((0,), z)  # and not z itself, which would be held until the backward pass
            where = (slice(top, top + mine.shape[1]), slice(left, left + mine.shape[2]))
            measured, pullback = head(mine, where)

            def pull_mine(gradient: Any, dz: Array | None) -> Array:
                dz = zeros(shape, kind) if dz is None else dz
                pullback(gradient, dz[:, rows, columns])
                return dz

            return measured, pull_mine

        return measure


def _size(where: Where) -> tuple[int, int]:
    rows, columns = where
    return rows.stop - rows.start, columns.stop - columns.start
