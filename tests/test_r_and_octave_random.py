"""The random numbers of R and Octave that the examples make, against what the two programs print."""

from itertools import islice

import numpy as np
import pytest

from parts_1_to_3 import first_weights
from r_and_octave_random import octave_uniform, r_normal, r_sample, r_uniform


def test_normal_numbers_of_r() -> None:
    # R 4.2.2: set.seed(2); print(rnorm(4), digits = 10)
    expected = [-0.8969145466, 0.1848491846, 1.5878453312, -1.1303756742]
    assert np.allclose(r_normal(4, r_uniform(2)), expected, rtol=0, atol=1e-10)


def test_sample_of_r_before_3_6() -> None:
    # R 4.2.2: RNGkind(sample.kind = "Rounding"); set.seed(5); x <- sample(seq_len(568), size = 426); sum(x); tail(x)
    drawn = [1 + place for place in r_sample(568, 426, 5)]
    assert sum(drawn) == 124_324
    assert drawn[-6:] == [244, 542, 241, 508, 562, 566]
    assert len(set(drawn)) == 426


def test_uniform_numbers_of_octave() -> None:
    # Octave 7.3.0: rand("seed", 2); printf("%.10g ", rand(3, 2) * 0.01)
    expected = [0.009976595044, 0.007485915422, 0.001820935905, 0.006717996001, 0.009885103106, 0.00278447628]
    assert np.allclose(list(islice(octave_uniform(2), 6)), 100 * np.array(expected), rtol=1e-9)


def test_another_seed_of_octave() -> None:
    # Octave 7.3.0: rand ("seed", 3); rand (3, 1)
    assert list(islice(octave_uniform(3), 3)) == pytest.approx([0.0630881265, 0.1665617526, 0.2263099551], rel=1e-6)


def test_weights_fill_as_in_each_language() -> None:
    # Octave 7.3.0: rand("seed", 2); W = rand(3, 2) has 3 units in rows, filled column by column
    (octave,) = first_weights("Octave", (2, 3), 2, (0.01,))
    assert octave.shape == (2, 3)
    assert np.allclose(octave[0], [0.009976595044, 0.007485915422, 0.001820935905])
    (python,) = first_weights("Python", (2, 3), 2, (1.0,))
    assert np.array_equal(python.T, np.random.RandomState(2).randn(3, 2))
