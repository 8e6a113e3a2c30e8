"""Program that lists and reads the tensors of an HDF5 file: `python hdf5_reader.py FILE MEMBER MOST_BYTES`.

A process of its own, as the HDF5 library cannot be interrupted: some damaged files keep it busy for ever, and others
have it ask for any amount of memory. It imports nothing of Sfumato, which takes time. `keras_files.py` starts it.

It answers with a line of JSON: the tensors' names, shapes and types, or what is wrong. Then, for each line that it
reads, with the number of a tensor, it answers with a line, which has the number of bytes, and with those.
"""

import contextlib
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import h5py
import numpy as np

KERAS_3_NAME = re.compile(r"layers/(conv2d|dense)(?:_(\d+))?/vars/([01])")
PARTS = {"0": "kernel", "1": "bias"}


class RefusedError(Exception):
    """The file is whole, and not read for another reason."""


def main() -> None:
    """Answer until no more is asked for."""
    path, member, most = sys.argv[1:]
    limit_memory(int(most))
    answers = sys.stdout.buffer
    try:
        with opened(path, member) as file:
            stored, in_order = tensors(file)
            listed = [(name, dataset.shape, dataset.dtype.name) for name, dataset in stored.items()]
            answer(answers, {"tensors": listed, "in_order": in_order})
            data_sets = list(stored.values())
            for line in sys.stdin:
                dataset = data_sets[int(line)]
                content = np.asarray(dataset[()], dataset.dtype.newbyteorder("<")).tobytes()
                answer(answers, {"bytes": len(content)}, content)
    except RefusedError as error:
        answer(answers, {"refused": str(error)})
    except Exception as error:  # the library raises whatever a damaged file leads it to
        answer(answers, {"damaged": str(error) or type(error).__name__})


def limit_memory(most: int) -> None:
    """Limit the memory of this process, where the system can."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def answer(stream: BinaryIO, said: dict[str, Any], content: bytes = b"") -> None:
    """Write a line of JSON, and bytes after it."""
    stream.write(json.dumps(said).encode() + b"\n" + content)
    stream.flush()


@contextlib.contextmanager
def opened(path: str, member: str) -> Iterator[Any]:
    """Open an HDF5 file, or that member of a zip archive."""
    with contextlib.ExitStack() as stack:
        file: Any = path
        if member:
            file = stack.enter_context(stack.enter_context(zipfile.ZipFile(path)).open(member))
        yield stack.enter_context(h5py.File(file, "r"))


def tensors(opened: Any) -> tuple[dict[str, Any], bool]:
    """The floating-point data sets by name, and whether they are in the order of the layers."""
    found = {name: dataset for name, dataset in data_sets(opened).items() if dataset.dtype.kind == "f"}
    matches = sorted(filter(None, map(KERAS_3_NAME.fullmatch, found)), key=place)
    listed = [name for name in listed_names(opened) if name in found]
    ordered = {keras_2_name(match, found[match[0]]): found.pop(match[0]) for match in matches}
    ordered |= {name: found.pop(name) for name in dict.fromkeys(listed)}
    return ordered | found, bool(ordered)


def data_sets(opened: Any) -> dict[str, Any]:
    """Collect all data sets of a file by name.

    Raises:
        RefusedError: if one of them or a link leads elsewhere; nothing has been read by then.
    """

    def is_soft(name: bytes, link: Any) -> bytes | None:  # an error raised in here would not come out of the library
        return None if link.type == h5py.h5l.TYPE_HARD else name

    link = opened.id.links.visit(is_soft, info=True)
    if link is not None:
        name = link.decode(errors="replace")
        raise RefusedError(f"{name} is a link, which is not followed; save the weights themselves")
    stored: dict[str, Any] = {}
    opened.visititems(lambda name, item: stored.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    for name, dataset in stored.items():
        if dataset.is_virtual or dataset.external:
            raise RefusedError(f"{name} lies in another file, which is not read; save the weights in one file")
    return stored


def place(match: re.Match[str]) -> tuple[str, int, str]:
    """Sorting key of a Keras 3 tensor: kind of layer, number among that kind, and number within the layer."""
    return match[1], int(match[2] or 0), match[3]


def keras_2_name(match: re.Match[str], dataset: Any) -> str:
    """Name of a Keras 3 tensor as Keras 2 has it, with the name of its layer."""
    layer = match[0].removesuffix(f"/vars/{match[3]}")
    name = dataset.parent.attrs.get("name", layer.removeprefix("layers/"))  # the first releases of Keras 3 had none
    return f"{layer}/{text(name)}/{PARTS[match[3]]}"


def listed_names(opened: Any) -> Iterator[str]:
    """Paths of the tensors in the order of the layers, where a file of Keras's older kind lists them."""
    root = opened.get("model_weights", opened)
    for layer in root.attrs.get("layer_names", ()):
        group = root[text(layer)]
        for weight in group.attrs.get("weight_names", ()):
            yield f"{group.name}/{text(weight)}".lstrip("/")


def text(value: str | bytes) -> str:
    """Decode an attribute, which is text or bytes."""
    return value.decode() if isinstance(value, bytes) else value


if __name__ == "__main__":
    main()
