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
import os
import pickle
import stat
import threading
from collections.abc import Callable, Iterator
from functools import cache, update_wrapper
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

WAIT = 60.0
"""Seconds to wait for another process that compiles, before this one compiles without keeping the result."""

DAMAGED = (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, ValueError, TypeError, KeyError)
"""Errors that reading, unpickling and writing a kept result may raise."""

_lock = threading.RLock()
_watchers: list[Callable[[], object]] = []


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


def _make_dispatcher(function: Callable[..., Any]) -> Any:
    """Numba's dispatcher of a function, whose results are kept where `cache_folder` says."""
    import numba
    from numba.core.caching import NullCache

    folder = cache_folder()
    own, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder or "")  # read when the dispatcher is made
    try:
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
        dispatcher = numba.njit(function, cache=folder is not None, **options)
    finally:
        numba.config.CACHE_DIR = own
    compile_or_load, really_compile = dispatcher.compile, dispatcher._compiler.compile

    def compile_watched(*types: Any) -> Any:
        for watcher in list(_watchers):
            watcher()
        return really_compile(*types)

    def compile_once(signature: Any) -> Any:
        with _lock, _alone(folder) as alone:
            if not alone:
                dispatcher._cache = NullCache()
            try:
                return compile_or_load(signature)
            except DAMAGED:  # of the folder; a full disk is met once the function is compiled, so this is quick
                dispatcher._cache = NullCache()
                return compile_or_load(signature)

    dispatcher.compile, dispatcher._compiler.compile = compile_once, compile_watched
    return dispatcher


@contextlib.contextmanager
def _alone(folder: Path | None) -> Iterator[bool]:
    """Keep other processes from writing to the folder; yields whether this one may.

    Two that add to a function's index at once would give two results the same name, and one would run the other's.
    """
    from filelock import Timeout

    if folder is None:
        yield False
        return
    lock = _lock_of(folder)
    try:
        lock.acquire(timeout=WAIT)
    except (OSError, Timeout, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@cache
def _lock_of(folder: Path) -> Any:
    """The lock of the folder, one a process: a function's compilation may compile another that it calls."""
    from filelock import FileLock

    return FileLock(folder / "lock", thread_local=False)


@cache
def cache_folder() -> Path | None:
    """Folder for compiled functions: of the user's, where nobody else can write; None where that cannot be had."""
    import pooch

    folder = Path(pooch.os_cache("sfumato")) / "kernels"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (_own(folder) and _own(folder.parent) and os.access(folder, os.W_OK)):
            return None
    except OSError:
        return None
    return folder


def _own(folder: Path) -> bool:
    """Whether the folder belongs to this user, and nobody else may write to it."""
    if os.name == "nt":  # a user's folders are closed to others there, and say nothing of that in their mode
        return True
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@contextlib.contextmanager
def watching_compilation(watcher: Callable[[], object]) -> Iterator[None]:
    """Call the watcher whenever a function begins to be compiled within, which takes seconds."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)
