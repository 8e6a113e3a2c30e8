"""Threads of the kernels; no other module starts any.

There is one level of parallelism at a time. Either BLAS spreads each matrix product over its own threads, or, inside of
`parallel_kernels`, the kernels spread their pieces of work over a pool of as many threads and BLAS runs on one.

Dense networks do without `parallel_kernels`: BLAS keeps its threads for their products, and compiled passes between
them run on the calling thread. For the products and the update of a step of 784-256-128-10 in batches of 128 on two
cores, that takes 1.01 ms; on one thread 1.31 ms; with rows of the products cut over the pool 1.61 ms, as each product
of a few hundred microseconds is handed over and waited for. (784-15-9-10 in batches of 1000: 0.81, 1.31 and 1.43 ms.)
These are the least of many runs: where other programs keep the cores busy, BLAS's threads wait for each other, and one
is faster.

Work is cut into pieces by its shape alone, and whatever pieces add up is added in their order. So results are the same
bytes for any number of threads.
"""

import contextlib
import contextvars
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController, threadpool_info

from sfumato.kernels.memory import freed_memory_kept

T = TypeVar("T")
R = TypeVar("R")

PART = 2**15
"""Numbers of each vector that are worked on at once: of five vectors in float32, they take 640 KB of the cache."""


@dataclass
class _Pool:
    """Threads beside the calling one, number of open contexts, and the limits that give BLAS its threads back."""

    helpers: int = 0
    executor: ThreadPoolExecutor | None = None
    entered: int = 0
    limits: Any = None


_pool = _Pool()
_lock = threading.Lock()


@contextlib.contextmanager
def parallel_kernels(when: bool = True, *, keep_memory: bool = True) -> Iterator[None]:
    """Run kernels within on as many threads as BLAS may use now, and BLAS on one; a job enters this once.

    Memory that is freed is kept meanwhile, as `memory.py` explains, unless `keep_memory` is False. PyTorch has threads
    of its own for its tensors; what NumPy does beside them is faster on one, as both would wait for each other.

    Entering it again changes nothing, nor does entering it with `when` False; the last to leave gives BLAS its threads
    back.
    """
    if not when:
        yield
        return
    with _lock:
        if not _pool.entered:
            blas = ThreadpoolController().select(user_api="blas")
            _pool.helpers = max((library["num_threads"] for library in blas.info()), default=1) - 1
            _pool.executor = ThreadPoolExecutor(_pool.helpers, "kernel") if _pool.helpers else None
            _pool.limits = blas.limit(limits=1)
        _pool.entered += 1
    try:
        with freed_memory_kept(keep_memory):
            yield
    finally:
        with _lock:
            _pool.entered -= 1
            if not _pool.entered:
                _pool.limits.restore_original_limits()
                executor, _pool.executor = _pool.executor, None
                if executor is not None:
                    executor.shutdown()


def run_in_threads(make: Callable[[], Callable[[T], R]], items: Sequence[T]) -> list[R]:
    """Results of the functions made by `make` for the items, in their order.

    Each thread takes part with a function of its own, `make()`, which can hold memory to use again from item to item;
    outside of `parallel_kernels` that is the calling thread alone. If an item fails, its exception is raised here, once
    all threads have stopped.
    """
    if not items:
        return []
    results: dict[int, R] = {}
    numbers = itertools.count()
    failed = threading.Event()

    def work() -> None:
        try:
            function = make()
            while not failed.is_set() and (number := next(numbers)) < len(items):
                results[number] = function(items[number])
        except BaseException:
            failed.set()
            raise

    executor = _pool.executor
    helpers = range(min(_pool.helpers, len(items) - 1))
    futures = [] if executor is None else [executor.submit(contextvars.copy_context().run, work) for _ in helpers]
    try:
        work()
    finally:
        wait(futures)
    for future in futures:
        future.result()
    return [results[number] for number in range(len(items))]


def run_on_parts(function: Callable[..., object], vectors: Sequence[Any], *numbers: float) -> None:
    """Call `function(*parts, *numbers)` for parts of vectors of the same length, over the threads."""
    size = len(vectors[0])
    if size <= PART:
        function(*vectors, *numbers)
        return

    def on_part(start: int) -> None:
        function(*(vector[start : start + PART] for vector in vectors), *numbers)

    run_in_threads(lambda: on_part, range(0, size, PART))


def threads_in_use() -> int:
    """Threads that the numerical libraries run on."""
    return max((pool["num_threads"] for pool in threadpool_info()), default=1)
