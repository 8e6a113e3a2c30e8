"""Reuse of freed memory for the next arrays.

A pass through a network makes and frees the same large arrays again and again. By default the C library hands each one
back to the system, which fills the next one with zeros before its first use, and that takes several times as long as
writing to it. The GNU C library (Linux) can be asked to keep what is freed; elsewhere nothing is changed.

Source: `man 3 mallopt`.
"""

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterator

TRIM_THRESHOLD, MMAP_MAX = -1, -4
"""Option numbers of the C library's `mallopt`: the freed bytes kept at most, and the number of mapped arrays."""

KEEP, USUAL = {TRIM_THRESHOLD: 2**31 - 1, MMAP_MAX: 0}, {TRIM_THRESHOLD: 2**26, MMAP_MAX: 2**16}
"""Values of these options within, and afterwards: the library's own number of maps, and the limit up to which it
raises the freed bytes by itself. Once either option has been set, it raises nothing by itself any more."""

_lock = threading.Lock()
_open: list[None] = []
"""One entry for each open context."""


@contextlib.contextmanager
def freed_memory_kept(when: bool = True) -> Iterator[None]:
    """Keep freed memory within; the last of several to leave hands it back."""
    if not when:
        yield
        return
    with _lock:
        _open.append(None)
        if len(_open) == 1:
            _ask(KEEP)
    try:
        yield
    finally:
        with _lock:
            _open.pop()
            if not _open:
                give_freed_memory_back()


def give_freed_memory_back() -> None:
    """Hand freed memory back, and go on in the usual way."""
    _ask(USUAL, trim=True)


def _ask(settings: dict[int, int], *, trim: bool = False) -> None:
    if os.name != "posix":
        return
    with contextlib.suppress(AttributeError, OSError):  # a C library without them
        library = ctypes.CDLL(None)
        for name, value in settings.items():
            library.mallopt(name, value)
        if trim:
            library.malloc_trim(0)
