"""Strips: every pixel in one of them, none larger than asked for, and two threads' worth where there is a choice."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sfumato.kernels.strips import cut


@given(n=st.integers(0, 9), height=st.integers(0, 40), width=st.integers(0, 12), most=st.integers(1, 600))
def test_every_pixel_is_in_one_strip(n: int, height: int, width: int, most: int) -> None:
    times = np.zeros((n, height, width), int)
    strips = cut((n, height, width), most)
    for strip in strips:
        times[strip] += 1
        assert times[strip].size <= max(most, width), "a strip is a row at least"
        assert times[strip].size <= times[strips[0]].size
    assert (times == 1).all()


@given(rows=st.integers(3, 60), most=st.integers(2, 59))
def test_rows_that_are_cut_are_even_in_number(rows: int, most: int) -> None:
    strips = cut((1, rows, 1), most)
    assert len(strips) == 1 or len(strips) % 2 == 0 or len(strips) == rows
