"""Reading of files by `torch.save`, without PyTorch and without running any code in them.

Such a file is a pickle that describes the tensors, and their numbers beside it: as members of a zip archive, or, before
PyTorch 1.6 (torchvision's VGG files are such), one after the other behind the pickle. A pickle can call any function of
any module; here it can call three, which only describe tensors.
"""

import contextlib
import io
import math
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple

from numpy.lib.stride_tricks import as_strided

from sfumato.arrays import Array
from sfumato.errors import FileError
from sfumato.interchange.tensors import InOrder, StoredTensor, Tensors, decode, item_size

DESCRIPTION_BYTES = 2**20
"""Longest pickle accepted, in bytes; VGG19's takes 3 kB."""

MAGIC = 0x1950A86A20F9469CFC6C
"""The first thing in a file of the older format."""

STORAGES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "ByteStorage": "uint8",
    "LongStorage": "int64",
}
"""PyTorch's names for types of storage, and NumPy's types. (Whole numbers count the batches of normalising layers.)"""


OPCODES = (
    *(pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK),
    *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1),
    *(pickle.BINFLOAT, pickle.BINUNICODE, pickle.SHORT_BINUNICODE, pickle.BINSTRING, pickle.SHORT_BINSTRING),
    *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
    *(pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS, pickle.SETITEM, pickle.SETITEMS),
    *(pickle.BINGET, pickle.LONG_BINGET, pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE),
    *(pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.REDUCE, pickle.BUILD, pickle.BINPERSID),
)
"""Opcodes that torch.save uses for dictionaries of tensors, by protocols 2 to 5 and under Python 2 (with texts as
strings), beside EMPTY_DICT. None of them takes memory for more than the file holds."""


class Storage(NamedTuple):
    """A storage as the pickle describes it: numbers in a row."""

    dtype: str
    key: str
    length: int


class TensorView(NamedTuple):
    """A tensor in a storage: its offset, its shape, and its strides."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


Fetch = Callable[[Storage, int, int], bytes]
"""Reads so many numbers of a storage from some number on."""


class _Names(dict[str, Any]):
    """A dictionary that refuses keys other than texts before it hashes them.

    To hash a pair whose halves are one pair, whose halves are one pair, and so on, takes twice the time at each level:
    a file of a hundred bytes would keep a computer busy for ever.
    """

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str):
            raise ValueError("a name that is no text")
        super().__setitem__(name, value)


def _refuse(_: Any) -> None:
    raise ValueError("it holds more than dictionaries of tensors")


class _Description(pickle._Unpickler):
    """Unpickles dictionaries of tensors, and refuses anything else.

    It builds on the unpickler written in Python, since the one in C reserves as much memory as a file tells it to; so
    does that in Python for BYTEARRAY8, one of the opcodes that are refused because torch.save has no use for them. All
    that a pickle can lay hands on are methods of this object, so that it cannot change anything that outlives it; and
    `_Names` are all that it can fill and that hashes what it is filled with.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **dict.fromkeys(range(256), _refuse),
        **{opcode[0]: pickle._Unpickler.dispatch[opcode[0]] for opcode in OPCODES},
        pickle.EMPTY_DICT[0]: lambda self: self.append(_Names()),
    }

    def __init__(self, file: BinaryIO, path: Path) -> None:
        super().__init__(file)
        self.path = path
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str, /) -> Any:
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        allowed: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): self.dictionary,
            ("torch._utils", "_rebuild_tensor"): self.tensor,
            ("torch._utils", "_rebuild_tensor_v2"): self.tensor,
            ("torch._utils", "_rebuild_parameter"): self.parameter,
        }
        if (module, name) not in allowed:
            called = " ".join(f"{module}.{name}".split())  # on one line, whatever a stranger calls it
            raise FileError(
                f"{self.path}: would run {called}, which is not needed for weights; nothing was run. "
                "Save a plain state_dict"
            )
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        _, dtype, key, _, length = pid[:5]
        if dtype not in STORAGES.values() or not isinstance(key, str) or not isinstance(length, int):
            raise ValueError("a storage without type or length")
        return self.storages.setdefault(key, Storage(dtype, key, length))

    def dictionary(self) -> _Names:
        return _Names()

    def tensor(self, storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> Any:
        return TensorView(storage, offset, shape, strides)

    def parameter(self, data: TensorView, *_: Any) -> TensorView:
        return data


@contextlib.contextmanager
def open_zip(path: Path, file: BinaryIO) -> Iterator[Tensors]:
    """Open a file of PyTorch 1.6 or later and list its tensors."""
    with zipfile.ZipFile(file) as archive:
        descriptions = [info for info in archive.infolist() if info.filename.split("/")[1:] == ["data.pkl"]]
        if len(descriptions) != 1:
            raise FileError(f"{path}: a zip archive, but not one that torch.save wrote")
        if descriptions[0].file_size > DESCRIPTION_BYTES:
            raise ValueError("its description is far too long for weights")
        description = _Description(io.BytesIO(archive.read(descriptions[0])), path).load()
        folder = descriptions[0].filename.removesuffix("data.pkl")

        def fetch(storage: Storage, start: int, count: int) -> bytes:
            size = item_size(storage.dtype)
            with archive.open(f"{folder}data/{storage.key}") as member:
                member.seek(start * size)
                return member.read(count * size)

        yield _tensors(description, fetch)


@contextlib.contextmanager
def open_legacy(path: Path, file: BinaryIO) -> Iterator[Tensors]:
    """Open a file of PyTorch before 1.6 and list its tensors."""
    head = io.BytesIO(file.read(DESCRIPTION_BYTES))
    if _Description(head, path).load() != MAGIC:
        raise FileError(f"{path}: a pickle, but not one that torch.save wrote")
    _version, _system = _Description(head, path).load(), _Description(head, path).load()
    reader = _Description(head, path)
    description, keys = reader.load(), _Description(head, path).load()
    starts, position = {}, head.tell()
    for key in keys:
        if not isinstance(key, str):
            raise ValueError("a storage whose name is no text")
        file.seek(position)
        length = int.from_bytes(file.read(8), "little")
        storage = reader.storages[key]
        if length != storage.length:
            raise ValueError(f"storage {key} has {length} numbers instead of {storage.length}")
        starts[key] = position + 8
        position = starts[key] + length * item_size(storage.dtype)

    def fetch(storage: Storage, start: int, count: int) -> bytes:
        size = item_size(storage.dtype)
        file.seek(starts[storage.key] + start * size)
        return file.read(count * size)

    yield _tensors(description, fetch)


def _tensors(description: Any, fetch: Fetch) -> InOrder:
    if not isinstance(description, dict):
        raise ValueError(f"a {type(description).__name__} instead of a dictionary of tensors")
    views = {name: view for name, view in description.items() if isinstance(view, TensorView)}
    return InOrder({name: _stored(view, fetch) for name, view in views.items()})


def _stored(view: TensorView, fetch: Fetch) -> StoredTensor:
    storage, offset, shape, strides = view
    whole = [offset, *shape, *strides]
    if len(shape) != len(strides) or not all(isinstance(number, int) and number >= 0 for number in whole):
        raise ValueError("a tensor of impossible shape")

    def read() -> Array:
        span = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        if span > math.prod(shape):
            raise ValueError("a tensor with gaps between its numbers")
        numbers = decode(fetch(storage, offset, span), storage.dtype)
        if len(numbers) != span:
            raise EOFError("it ends too early")
        return as_strided(numbers, shape, [stride * numbers.itemsize for stride in strides])

    return StoredTensor(shape, storage.dtype, read)
