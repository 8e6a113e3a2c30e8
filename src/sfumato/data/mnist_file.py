"""MNIST, which ships with the package."""

import zipfile
import zlib
from importlib.resources import files

import numpy as np

from sfumato.data.dataset import Dataset, Examples
from sfumato.errors import FileError

FILE = files("sfumato.data").joinpath("files", "mnist.npz")


def mnist() -> Dataset:
    """60000 handwritten digits for training and 10000 for testing, 28 x 28 pixels, 0 (paper) to 255 (ink).

    Source: Yann LeCun, Corinna Cortes and Christopher Burges, "The MNIST database of handwritten digits" (1998), made
    from collections of the US National Institute of Standards and Technology. Its licence is usually given as CC BY-SA
    3.0. `scripts/make_mnist.py` made the file that is read here from the four original ones, byte for byte.

    Raises:
        FileError: The package's file is missing or damaged.
    """
    try:
        with FILE.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            examples = Examples(arrays["train_images"], arrays["train_labels"].astype(np.int64))
            test = Examples(arrays["test_images"], arrays["test_labels"].astype(np.int64))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise FileError(f"{FILE}: missing or damaged ({error}); reinstall sfumato") from error
    return Dataset("mnist", examples, test, "classification", tuple("0123456789"), (), "digit")
