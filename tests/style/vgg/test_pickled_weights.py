"""Files of PyTorch that mean harm: nothing in their pickles runs, and none takes time or memory beyond its size."""

import io
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfumato import FileError
from sfumato.interchange import open_tensors
from sfumato.interchange.torch_files import MAGIC
from sfumato.style.vgg.network import load_vgg


class Runs:
    """Pickled, this calls a function when it is read."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def as_zip(path: Path, description: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", description)


def as_legacy(path: Path, description: bytes) -> None:
    path.write_bytes(pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + description)


def as_first_pickle(path: Path, description: bytes) -> None:
    path.write_bytes(description)


@pytest.mark.parametrize("wrap", [as_zip, as_legacy, as_first_pickle])
@pytest.mark.parametrize("protocol", [2, 4])
def test_nothing_in_a_pickle_runs(wrap: Any, protocol: int, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for attack in (
        Runs(os.system, f"echo > {ran}"),
        Runs(eval, f"open({str(ran)!r}, 'w')"),
        Runs(exec, f"open({str(ran)!r}, 'w')"),
        Runs(getattr, os, "getcwd"),
        Runs(io.open, str(ran), "w"),
        Runs(Path.touch, ran),
        {"features.0.weight": Runs(os.mkdir, str(ran))},
    ):
        try:
            description = pickle.dumps(attack, protocol)
        except TypeError:  # modules cannot be pickled
            description = b"\x80\x02cbuiltins\ngetattr\ncos\nsystem\nU\x08__call__\x86R."
        wrap(tmp_path / "weights", description)
        with pytest.raises(FileError, match=r"would run .*nothing was run"):
            load_vgg("vgg19", weights=str(tmp_path / "weights"))
        assert not ran.exists()


DOUBLED = b"(t" + b"q\x00h\x00\x86" * 300
"""A pair of one pair twice, of one pair twice, and so on: to hash or to print it would take 2^300 steps."""


@pytest.mark.parametrize(
    "description",
    [
        b"\x80\x02}" + DOUBLED + b"K\x01s.",
        b"\x80\x02}(" + DOUBLED + b"K\x01u.",
        b"\x80\x02(" + DOUBLED + b"K\x01d.",
        b"\x80\x02ccollections\nOrderedDict\n)R" + DOUBLED + b"K\x01s.",
        b"\x80\x02ccollections\nOrderedDict\n]" + DOUBLED + b"K\x01\x86a\x85R.",
        b"\x80\x04\x8f(" + DOUBLED + b"\x90.",
        b"\x80\x04(" + DOUBLED + b"\x91.",
        b"\x80\x02}." + b"\x80\x02]" + DOUBLED + b"a.",  # the name of a storage, in the older format
        b"\x80\x02(" + DOUBLED + b"X\x05\x00\x00\x00FloatX\x01\x00\x00\x000NK\x01tQ.",
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # a note for later at place 2^31 - 1, which the unpickler in C makes room for
        b"\x80\x02\x8a\xff" + b"\xff" * 20,  # a number longer than the file
        b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x",  # and a text
        b"\x80\x02}(K\x01K\x02s.",
        b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b".",
        b"\x80\x04N2.",  # an opcode that torch.save does not write
        b"\x80\x02\x82\x01.",  # from the registry of extensions
        b"\x80\x02ccollections\nOrderedDict\n)R}X\x05\x00\x00\x00itemsK\x01sb.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x01\x00\x00\x00aK\x01s\x86b.",  # sets an attribute of ours
    ],
)
@pytest.mark.parametrize("wrap", [as_zip, as_legacy])
def test_a_malicious_pickle_does_no_harm(wrap: Any, description: bytes, tmp_path: Path) -> None:
    wrap(tmp_path / "weights", description)
    with pytest.raises(FileError, match="weights: ") as caught:
        load_vgg("vgg19", weights=str(tmp_path / "weights"))
    assert len(str(caught.value)) < 400


def peak_memory(work: Callable[[], object]) -> int:
    """The most bytes that Python's objects take while this is done."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("wrap", [as_zip, as_legacy, as_first_pickle])
@pytest.mark.parametrize("opcode", [pickle.BYTEARRAY8, pickle.BINBYTES8, pickle.BINUNICODE8, pickle.LONG4])
def test_a_pickle_takes_no_more_memory_than_it_has_bytes(wrap: Any, opcode: bytes, tmp_path: Path) -> None:
    length = struct.pack("<i" if opcode == pickle.LONG4 else "<Q", 300_000_000)
    wrap(tmp_path / "weights", b"\x80\x05" + opcode + length + b".")  # as much as it says, until it was refused

    def load() -> None:
        with pytest.raises(FileError, match="it holds more than dict"), open_tensors(tmp_path / "weights"):
            pass

    load()  # what is imported at the first time does not count
    assert peak_memory(load) < 3_000_000
