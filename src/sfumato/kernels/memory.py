"""Memory that is freed, kept for the next array.

A pass through a network makes and frees the same large arrays again and again. By default the C library hands each one
back to the system, which fills the next one with zeros before its first use, and that takes several times as long as
writing to it. The GNU C library (Linux) can be asked to keep what is freed; elsewhere nothing is changed.

Source: `man 3 mallopt`.
"""

import contextlib
import ctypes
import os

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""The library's numbers for: how much may lie free before it is handed back; from which size on arrays are mapped."""

KEPT, USUAL = 2**31 - 1, 2**25
"""Bytes of both, here and afterwards; the latter is up to where the library itself raises them as it goes."""


def keep_freed_memory() -> None:
    """From now on, keep what is freed."""
    _set_thresholds(KEPT)


def give_freed_memory_back() -> None:
    """Hand back what was kept, and go on in the usual way."""
    if _set_thresholds(USUAL):
        ctypes.CDLL(None).malloc_trim(0)


def _set_thresholds(size: int) -> bool:
    """Whether there is a library that can be told."""
    if os.name != "posix":
        return False
    with contextlib.suppress(AttributeError):  # a C library without them
        library = ctypes.CDLL(None)
        return bool(library.mallopt(MMAP_THRESHOLD, size) and library.mallopt(TRIM_THRESHOLD, size))
    return False
