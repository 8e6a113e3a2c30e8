"""Compilation of the loops in this folder, at their first call, and where its results are kept.

A function under `@compiled` is plain Python that Numba can translate: loops over the entries of arrays. It runs on the
calling thread alone and releases the interpreter's lock, so that the pool of `kernels/threads.py` runs several at once.
Sums are added in the order that is written, and numbers that are not finite stay so: of what a compiler may change
about floating-point numbers, only the fused multiply-add is allowed.

Compiled functions are kept in a folder of the user's, for the next process. They are read back by unpickling, which
runs what a file says; so the folder is used only where nobody else can write to it, and without one each process
compiles for itself. A compiled function calls no function of another file, as a change there would not be noticed.
"""

import contextlib
import gc
import os
import pickle
import stat
import threading
from collections.abc import Callable, Iterator
from functools import cache, update_wrapper
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from sfumato.arrays import Array

P = ParamSpec("P")
R = TypeVar("R")

WAIT = 5.0
"""Seconds to wait for another process that reads or writes what is kept, which takes milliseconds."""

SERVED = ({np.dtype(np.float32)}, {np.dtype(np.float64)})
"""Types of the arrays that compiled loops serve: one for all."""

DAMAGED = (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, ValueError, TypeError, KeyError)
"""Errors that reading, unpickling and writing a kept result may raise."""

_lock = threading.RLock()
_watchers: list[Callable[[], object]] = []
_given_up = threading.Event()
"""Set once the folder could not be had in time: from then on this process waits no more."""


class Compiled(Generic[P, R]):
    """A function that Numba compiles when it is first called; Numba is loaded no earlier.

    Attributes:
        function: The function as written, which gives the same results slowly.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        self.function = function
        self._run: Any = None
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        run = self._run or self.dispatcher()
        result: R = run(*args, **kwargs)
        return result

    def dispatcher(self) -> Any:
        """Numba's dispatcher, which compiles for each combination of types that it is called with."""
        with _lock:
            if self._run is None:
                self._run = _make_dispatcher(self.function)
            return self._run

    @property
    def _numba_type_(self) -> Any:
        """Type by which another compiled function of the same file may call this one."""
        import numba

        return numba.typeof(self.dispatcher())


def compiled(function: Callable[P, R]) -> Compiled[P, R]:
    """Compile a function of loops over arrays, when it is first called."""
    return Compiled(function)


def serves(*arrays: Array) -> bool:
    """Whether compiled loops serve these arrays: all float32, or all float64. Others are left to NumPy."""
    return {array.dtype for array in arrays} in SERVED


def whole_numbers(numbers: Array) -> bool:
    """Whether these are whole numbers, (n,), as compiled loops read them."""
    return numbers.ndim == 1 and numbers.dtype.kind in "iu" and numbers.dtype.isnative


def numbers_below(numbers: Array, size: int) -> bool:
    """Whether these are numbers, (n,), of entries of an axis; compiled loops ask no more, and NumPy refuses others."""
    if not whole_numbers(numbers):
        return False
    return not numbers.size or bool(numbers.min() >= -size and numbers.max() < size)


def _make_dispatcher(function: Callable[..., Any]) -> Any:
    """Numba's dispatcher of a function, whose results are kept where `cache_folder` says."""
    import numba

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    options["no_cfunc_wrapper"] = True  # an entry for callers in C, which takes a tenth of the time to compile
    dispatcher = numba.njit(function, **options)
    folder = cache_folder()
    if folder is not None:
        _keep_in(folder, dispatcher)
    really_compile = dispatcher._compiler.compile

    def compile_watched(*types: Any) -> Any:
        for watcher in list(_watchers):
            watcher()
        with _optimized_as_far_as_it_pays(), _without_collection():
            return really_compile(*types)

    dispatcher._compiler.compile = compile_watched
    return dispatcher


@contextlib.contextmanager
def _optimized_as_far_as_it_pays() -> Iterator[None]:
    """Compile at LLVM's second level within: the third, Numba's own, takes a third longer, and loops are no faster."""
    from numba import config
    from numba.core.compiler_lock import global_compiler_lock

    with global_compiler_lock:  # as functions of others are compiled as they ask for
        level = config.OPT
        config.OPT = type(level)(min(level, 2))
        try:
            yield
        finally:
            config.OPT = level


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Look for no garbage within: a compiler's many objects live until it ends, and going through them takes a tenth.

    Compilations may be nested.
    """
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def _keep_in(folder: Path, dispatcher: Any) -> None:
    """Have the dispatcher's results kept in the folder, and in no other that Numba may know of."""
    from numba import config
    from numba.core.caching import NullCache

    places = config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES
    config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = str(folder), ""  # read when caching is enabled
    try:
        dispatcher.enable_caching()
        if not Path(dispatcher._cache.cache_path).is_relative_to(folder):
            raise RuntimeError("another folder was chosen, as nothing can be written to this one")
    except RuntimeError:
        dispatcher._cache = NullCache()
        return
    finally:
        config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = places
    cache = dispatcher._cache
    cache.load_overload, cache.save_overload = (
        _one_at_a_time(folder, step) for step in (cache.load_overload, cache.save_overload)
    )


def _one_at_a_time(folder: Path, step: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that reads or writes while no other process does, and returns None where that fails.

    Two that add to a function's index at once would give two results the same name, and one would run the other's.
    """
    from filelock import FileLock, Timeout

    def step_alone(*args: Any) -> Any:
        try:
            with FileLock(folder / "lock", timeout=0.0 if _given_up.is_set() else WAIT):
                return step(*args)
        except (Timeout, NotImplementedError):  # a process that stands still, or a disk without locks
            _given_up.set()
        except DAMAGED:
            pass
        return None

    return step_alone


@cache
def cache_folder() -> Path | None:
    """Folder for compiled functions: of the user's, where nobody else can write; None where that cannot be had."""
    import pooch

    folder = Path(pooch.os_cache("sfumato")) / "kernels"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (_closed_to_others(folder) and os.access(folder, os.W_OK)):
            return None
    except OSError:
        return None
    return folder


def _closed_to_others(folder: Path) -> bool:
    """Whether the folder belongs to this user, and nobody else can write to it or put another in its place."""
    if os.name == "nt":  # a user's folders are closed to others there, and say nothing of that in their mode
        return True
    for place in (folder := folder.resolve(), *folder.parents):
        found = place.stat()
        writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
        if writable or found.st_uid not in (os.geteuid(), 0):
            return False
    return folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@contextlib.contextmanager
def watching_compilation(watcher: Callable[[], object]) -> Iterator[None]:
    """Call the watcher whenever a function begins to be compiled within, which takes seconds."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)
