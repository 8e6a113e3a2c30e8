"""Keras's HDF5 files, with their tensors in the order of the layers.

HDF5 sorts by name, so the order has to be found. Keras's .h5 lists the names of its layers in an attribute. Keras 3's
.weights.h5 calls each layer by its kind and its number among those of its kind, as in layers/dense_1/vars/0; there the
name that it has in Keras is an attribute. A .keras file is a zip archive with a .weights.h5 in it.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from sfumato.errors import FileError
from sfumato.interchange.tensors import InOrder, StoredTensor, Tensors

KERAS_MEMBER = "model.weights.h5"
"""Name of the member of a .keras file, a zip archive, that holds the weights."""

KERAS_3_NAME = re.compile(r"layers/(conv2d|dense)(?:_(\d+))?/vars/([01])")
PARTS = {"0": "kernel", "1": "bias"}


def import_h5py() -> Any:
    """Import h5py, which is optional.

    Raises:
        FileError: if it is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise FileError("Keras's weights are HDF5 files, which need h5py: pip install '.[weights]'") from error
    return h5py


@contextlib.contextmanager
def open_hdf5(path: Path, file: IO[bytes]) -> Iterator[Tensors]:
    """Open an HDF5 file and list its tensors.

    Those of Keras 3's dense layers and convolutions are named as in its older files: layers/dense_1/hidden/kernel, for
    a layer that is called hidden.

    Raises:
        FileError: if anything in it lies elsewhere (external storage, virtual data sets, links): a stranger's file
            could have any file of this machine copied into a model.
    """
    h5py = import_h5py()
    with h5py.File(file, "r") as opened:
        stored = _data_sets(path, opened)
        found = {name: dataset for name, dataset in stored.items() if dataset.dtype.kind == "f"}
        matches = sorted(filter(None, map(KERAS_3_NAME.fullmatch, found)), key=_place)
        listed = [name for name in _listed(opened) if name in found]
        ordered = {_keras_2_name(match, found[match[0]]): found.pop(match[0]) for match in matches}
        ordered |= {name: found.pop(name) for name in listed}
        tensors = {name: _stored(dataset) for name, dataset in (ordered | found).items()}
        yield InOrder(tensors) if ordered else tensors


def _data_sets(path: Path, opened: Any) -> dict[str, Any]:
    """Collect all data sets of a file by name.

    Raises:
        FileError: if one of them or a link leads elsewhere; nothing has been read by then.
    """
    import h5py

    def is_soft(name: bytes, link: Any) -> bytes | None:  # an error raised in here would not come out of the library
        return None if link.type == h5py.h5l.TYPE_HARD else name

    link = opened.id.links.visit(is_soft, info=True)
    if link is not None:
        raise FileError(
            f"{path}: {link.decode(errors='replace')} is a link, which is not followed; save the weights themselves"
        )
    stored: dict[str, Any] = {}
    opened.visititems(lambda name, item: stored.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    for name, dataset in stored.items():
        if dataset.is_virtual or dataset.external:
            raise FileError(f"{path}: {name} lies in another file, which is not read; save the weights in one file")
    return stored


def _place(match: re.Match[str]) -> tuple[str, int, str]:
    """Sorting key of a Keras 3 tensor: kind of layer, number among that kind, and number within the layer."""
    return match[1], int(match[2] or 0), match[3]


def _keras_2_name(match: re.Match[str], dataset: Any) -> str:
    layer = match[0].removesuffix(f"/vars/{match[3]}")
    name = dataset.parent.attrs.get("name", layer.removeprefix("layers/"))  # the first releases of Keras 3 had none
    return f"{layer}/{_text(name)}/{PARTS[match[3]]}"


def _listed(opened: Any) -> Iterator[str]:
    """Paths of the tensors in the order of the layers, where a file of Keras's older kind lists them."""
    root = opened.get("model_weights", opened)
    for layer in root.attrs.get("layer_names", ()):
        group = root[_text(layer)]
        for weight in group.attrs.get("weight_names", ()):
            yield f"{group.name}/{_text(weight)}".lstrip("/")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _stored(dataset: Any) -> StoredTensor:
    return StoredTensor(dataset.shape, dataset.dtype.name, lambda: np.asarray(dataset[()]))
