"""Batches of examples: scaled, in the precision of training, in a new order each epoch."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from sfumato.arrays import Array, like, take, upcast, zeros
from sfumato.data.dataset import Examples
from sfumato.data.scaling import Scaling
from sfumato.data.streaming import StreamedExamples
from sfumato.engine import NUMPY, Engine
from sfumato.errors import InputError
from sfumato.kernels.ops import ops
from sfumato.layers.base import NOTHING
from sfumato.losses.base import NO_SUMS, Loss, Sums
from sfumato.network import Network
from sfumato.random_keys import Stream, generator
from sfumato.workers import ALONE, Share, Workers

EVALUATION_CHUNK = 4096
"""Examples evaluated at once at most: bounds memory and changes no result but the last digits."""

EVALUATION_NUMBERS = 2**22
"""Numbers in a layer's inputs or outputs for the examples evaluated at once, at most, unless one example has more."""

SHUFFLED_NUMBERS = 2**25
"""Numbers of a stream that are shuffled together in memory: 128 MiB in float32."""


def examples_at_once(network: Network) -> int:
    """Number of examples to evaluate at once."""
    return max(1, min(EVALUATION_CHUNK, EVALUATION_NUMBERS // network.widest))


def make_batches(
    examples: Examples | StreamedExamples,
    scaling: Scaling,
    *,
    batch_size: int | None = None,
    seed: int = 0,
    engine: Engine = NUMPY,
) -> "Batches":
    """Make the batches of examples in memory or in a file; without a batch size, those in memory form one."""
    if isinstance(examples, Examples):
        return MemoryBatches(examples, scaling, batch_size, seed, engine)
    return StreamedBatches(examples, scaling, batch_size, seed, engine)


class Batches(ABC):
    """Mini-batches of examples, scaled, on the engine.

    Attributes:
        size: Number of examples.
        batch_size: Examples of a mini-batch; None where all are handed out at once.
        scaling: What is done to their inputs.
        engine: Where they are handed out, and in what precision.
        shuffle: Whether each epoch has an order of its own.
    """

    shuffle = True

    def __init__(self, size: int, batch_size: int | None, scaling: Scaling, seed: int, engine: Engine) -> None:
        self.size, self.scaling, self.seed, self.engine = size, scaling, seed, engine
        self.batch_size = None if batch_size is None or batch_size >= size else batch_size

    @abstractmethod
    def epoch(self, number: int) -> Sequence[Any]:
        """Mini-batches of an epoch, in its own random order."""

    @abstractmethod
    def batch(self, which: Any) -> Examples:
        """Load the examples of a mini-batch; the next batch may reuse their memory."""

    @abstractmethod
    def share(self, which: Any, workers: Workers) -> tuple[Any, Share]:
        """The part of a mini-batch for this process, and its range."""

    @abstractmethod
    def chunks(self, count: int) -> Iterator[Examples]:
        """Yield all examples in order, so many at once."""

    def measure(self, network: Network, loss: Loss, theta: Array, workers: Workers = ALONE) -> Sums:
        """Sum the loss over all examples, outside training; several processes share the chunks."""
        sums, params = NO_SUMS, network.parameters(self.engine.downcast(theta))
        for number, (x, y, weight) in enumerate(self.chunks(examples_at_once(network))):
            if number % workers.count == workers.rank:
                sums = sums.plus(loss.forward(upcast(network.forward(params, x, NOTHING)[0]), y, weight)[0])
        return sums.over(workers)


class MemoryBatches(Batches):
    """Batches of examples in memory. Bytes stay bytes until their batch, and are scaled into memory shared by all."""

    def __init__(self, examples: Examples, scaling: Scaling, batch_size: int | None, seed: int, engine: Engine) -> None:
        x, y, weight = examples
        super().__init__(len(y), batch_size, scaling, seed, engine)
        self.stays_integer = x.dtype == np.uint8
        # In order in memory, or taking a batch's rows would copy all of them each time
        self.x = engine.put(np.ascontiguousarray(x) if self.stays_integer else scaling(x, engine.numpy_dtype))
        self.scaled = engine.master.put(np.empty((0, *x.shape[1:]), engine.numpy_dtype))
        if self.stays_integer:
            self.offset, self.factor = map(engine.master.put, (scaling.offset, scaling.factor))
        self.y = engine.master.put(_truth(y))
        if weight is not None and not weight.any():
            raise InputError("the sample weights are all zero: nothing would be learned")
        self.weight = None if weight is None else engine.master.put(weight / weight.mean())

    def epoch(self, number: int) -> Sequence[Any]:
        if self.batch_size is None:
            return [slice(None)]
        random = generator(self.seed, Stream.SHUFFLING, number)
        order = random.permutation(self.size) if self.shuffle else np.arange(self.size)
        return [order[start : start + self.batch_size] for start in range(0, self.size, self.batch_size)]

    def batch(self, which: Any) -> Examples:
        if not isinstance(which, slice):
            which = like(which, self.x)
        x = self._scaled_bytes(which) if self.stays_integer else take(self.x, which)
        return Examples(x, take(self.y, which), None if self.weight is None else take(self.weight, which))

    def _scaled_bytes(self, which: Any) -> Array:
        """Rows of bytes, in the precision of layers."""
        rows = like(np.arange(self.size)[which], self.x) if isinstance(which, slice) else which
        if len(self.scaled) < len(rows):
            self.scaled = zeros((len(rows), *self.x.shape[1:]), self.scaled)
        scaled = self.scaled[: len(rows)]
        ops().gather_and_scale(self.x, rows, self.offset, self.factor, out=scaled)
        return self.engine.downcast(scaled)

    def share(self, which: Any, workers: Workers) -> tuple[Any, Share]:
        share = workers.share(self.size if isinstance(which, slice) else len(which))
        part = slice(share.start, share.stop)
        return part if isinstance(which, slice) else which[part], share

    def chunks(self, count: int) -> Iterator[Examples]:
        return (self.batch(slice(start, start + count)) for start in range(0, self.size, count))


class _Part(NamedTuple):
    """A mini-batch of a stream: rows `start` to `stop` of some blocks' shuffled rows."""

    epoch: int
    blocks: tuple[int, ...]
    start: int
    stop: int


class StreamedBatches(Batches):
    """Batches of examples that stay in their file.

    In each epoch the blocks of the file come in a new random order. As many as `SHUFFLED_NUMBERS` allows are read at a
    time, from all over the file, and their rows are shuffled together: the order is not as random as in memory, but
    rows that lie together in the file, such as those of one class or one day, are spread over the epoch all the same.
    """

    def __init__(
        self, examples: StreamedExamples, scaling: Scaling, batch_size: int | None, seed: int, engine: Engine
    ) -> None:
        super().__init__(examples.size, batch_size, scaling, seed, engine)
        self.examples = examples
        self.loaded: tuple[int, tuple[int, ...]] | None = None

    def epoch(self, number: int) -> Sequence[_Part]:
        order = generator(self.seed, Stream.SHUFFLING, number).permutation(len(self.examples.rows)).tolist()
        parts: list[_Part] = []
        for blocks in self._groups(order):
            rows = sum(self.examples.rows[block] for block in blocks)
            size = self.batch_size or rows
            parts += [_Part(number, blocks, start, min(rows, start + size)) for start in range(0, rows, size)]
        return parts

    def _groups(self, order: list[int]) -> Iterator[tuple[int, ...]]:
        """Yield the groups of blocks that are shuffled together."""
        most, rows = max(1, SHUFFLED_NUMBERS // self.examples.width), 0
        group: list[int] = []
        for block in order:
            if group and rows + self.examples.rows[block] > most:
                yield tuple(group)
                group, rows = [], 0
            group.append(block)
            rows += self.examples.rows[block]
        yield tuple(group)

    def batch(self, which: _Part) -> Examples:
        if self.loaded != (which.epoch, which.blocks):
            self._load(which.epoch, which.blocks)
        rows = self.order[which.start : which.stop]
        return self._put(self.x[rows], self.y[rows], None if self.weight is None else self.weight[rows])

    def share(self, which: _Part, workers: Workers) -> tuple[_Part, Share]:
        share = workers.share(which.stop - which.start)
        return which._replace(start=which.start + share.start, stop=which.start + share.stop), share

    def _put(self, x: Array, y: Array, weight: Array | None) -> Examples:
        master = self.engine.master
        return Examples(self.engine.put(x), master.put(_truth(y)), None if weight is None else master.put(weight))

    def _load(self, epoch: int, blocks: tuple[int, ...]) -> None:
        """Read the blocks, and draw the order of their rows."""
        self.loaded = None
        rows = sum(self.examples.rows[block] for block in blocks)
        self.x, y, weight = np.empty((rows, self.examples.width), self.engine.numpy_dtype), [], []
        start = 0
        for block in blocks:
            read = self.examples.read(block)
            self.scaling(read.x, self.x.dtype, out=self.x[start : start + len(read.y)])
            start += len(read.y)
            y.append(read.y)
            weight += [] if read.sample_weight is None else [read.sample_weight.astype(self.x.dtype)]
        self.y, self.weight = np.concatenate(y), np.concatenate(weight) if weight else None
        key = ((epoch + 1) << 32) + blocks[0]  # no epoch's order of blocks is drawn from these
        self.order = generator(self.seed, Stream.SHUFFLING, key).permutation(rows)
        self.loaded = (epoch, blocks)

    def chunks(self, count: int) -> Iterator[Examples]:
        for x, y, weight in self.examples.blocks():
            for start in range(0, len(y), count):
                rows = slice(start, start + count)
                scaled = self.scaling(x[rows], self.engine.numpy_dtype)
                yield self._put(scaled, y[rows], None if weight is None else weight[rows])


def _truth(y: Array) -> Array:
    """Convert class numbers to int64; values stay as they are."""
    return y.astype(np.int64, copy=False) if y.dtype.kind in "iu" else y
