"""Memory that is freed: kept for the next array while kernels run, given back afterwards."""

import platform

import numpy as np
import psutil
import pytest

from sfumato.kernels.memory import give_freed_memory_back
from sfumato.kernels.threads import parallel_kernels

SIZE = 2**26
"""Bytes of an array that the C library would map, and unmap, by itself."""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the GNU C library keeps memory")


def resident() -> int:
    """Bytes held now, without what was free already."""
    give_freed_memory_back()
    return held()


def held() -> int:
    return psutil.Process().memory_info().rss


@glibc
def test_freed_memory_is_kept_while_kernels_run_and_given_back_afterwards() -> None:
    before = resident()
    with parallel_kernels():
        array = np.ones(SIZE, np.uint8)
        del array
        kept = held()
        again = np.ones(SIZE, np.uint8)  # which fits where the first one was
        assert held() - kept < SIZE / 8
        del again
    assert kept - before > SIZE / 2
    assert resident() - before < SIZE / 2


@glibc
def test_after_a_failure_memory_is_given_back_as_well() -> None:
    before = resident()
    with pytest.raises(ZeroDivisionError), parallel_kernels():
        np.ones(SIZE, np.uint8)
        raise ZeroDivisionError
    assert resident() - before < SIZE / 2
