"""The picture that most tests of files write and read."""

import numpy as np
import pytest

from sfumato.arrays import Array


@pytest.fixture
def pixels() -> Array:
    """A picture that is not its own mirror image whichever way it is turned, smooth enough for JPEG."""
    rows, columns = np.mgrid[0:48, 0:64]
    red, green, blue = 5 * rows, 3 * columns, 2 * (rows + columns)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)
