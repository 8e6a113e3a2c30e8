"""Arrays, NumPy's or PyTorch's, and the random numbers that fill them.

Layers, losses and optimizers are written once, in what both kinds of arrays share: operators, the functions of
`namespace(x)`, and the few helpers below. This module and the files of `kernels/` are the only ones that know PyTorch,
which is imported where it is first needed.

An `Engine` says where arrays live and in what precision: on which device, in float32 or less (or in float64, to check).
What is learned or painted, its gradient and all sums stay in float32 at least, whatever layers compute in.

Randomness is a key and never a state: a generator is made anew from `(seed, stream, step)` wherever numbers are drawn.
So a run can resume in its middle, a gradient check meets the same dropout mask at every evaluation, and two draws
for different purposes never share numbers.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import math
import os
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import psutil
from threadpoolctl import threadpool_info

from sfumato.errors import DeviceMemoryError, InputError

Array = npt.NDArray[Any]
"""An array of NumPy's, or a tensor of PyTorch's: what is written for one in the names they share serves both."""

Shape = tuple[int, ...]
Where = tuple[slice, slice]
"""Rows and columns of an image."""


class Stream(IntEnum):
    """What random numbers are drawn for."""

    INITIALIZATION = 0
    SHUFFLING = 1
    DROPOUT = 2
    DATA = 3
    CHECKING = 4
    PICTURE = 5
    SEARCH = 6


class Engine(NamedTuple):
    """Where arrays live, and the precision that layers compute in; `choose_engine` makes one.

    Attributes:
        backend: "numpy" or "torch".
        device: "cpu", or PyTorch's "cuda:0", "mps", ...
        precision: "float32", "bfloat16", "float16", or "float64" to check derivations.
    """

    backend: str = "numpy"
    device: str = "cpu"
    precision: str = "float32"

    def __str__(self) -> str:
        return f"{self.backend} on {self.device} in {self.precision}"

    @property
    def reduced(self) -> bool:
        """Whether layers compute in less than what is learned is kept in."""
        return self.precision in ("bfloat16", "float16")

    @property
    def master(self) -> "Engine":
        """The same for what is learned, its gradient and sums: float32 where layers compute in less."""
        return self._replace(precision="float32") if self.reduced else self

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """NumPy's type that comes nearest: of what is learned."""
        return np.dtype(self.master.precision)

    def narrow(self, x: Array) -> Array:
        """Floating point that is here, in this precision."""
        return cast(x, self.precision if self.backend == "numpy" else getattr(_torch(), self.precision))

    def put(self, x: Array) -> Array:
        """An array of NumPy's here: floating point in this precision, whole numbers and booleans as they are.

        It may share the memory of `x`.
        """
        floating = x.dtype.kind == "f"
        if not x.dtype.isnative:
            x = x.astype(x.dtype.newbyteorder("="))
        if self.backend == "numpy":
            return x.astype(self.precision, copy=False) if floating else x
        torch = _torch()
        if floating and not x.flags.writeable:
            x = x.copy()  # PyTorch has no tensors that are not to be written to
        tensor: Any = torch.from_numpy(np.ascontiguousarray(x) if any(step < 0 for step in x.strides) else x)
        placed: Array = tensor.to(self.device, getattr(torch, self.precision) if floating else None)
        return placed


NUMPY, NUMPY_DOUBLE = Engine(), Engine(precision="float64")


def namespace(x: Array) -> Any:
    """The functions for arrays like x, named as in NumPy (the array API standard)."""
    if isinstance(x, np.ndarray | np.generic):
        return np
    return _torch_namespace()


def to_numpy(x: Any) -> Array:
    """The same numbers as an array of NumPy's; in float32 if it has no such type."""
    if isinstance(x, np.ndarray):
        return x
    x = x.cpu()
    return np.asarray((x.float() if str(x.dtype) == "torch.bfloat16" else x).numpy())


def like(x: Array, other: Any) -> Array:
    """NumPy's x where `other` lives; its type stays, if the device has it."""
    if isinstance(other, np.ndarray):
        return x
    if other.device.type == "mps" and x.dtype == np.float64:
        x = x.astype(np.float32)
    placed: Array = _torch().from_numpy(np.ascontiguousarray(x)).to(other.device)
    return placed


def cast(x: Any, dtype: Any) -> Array:
    """x in another type of its own kind; x itself if it is of that already."""
    converted: Array = x.astype(dtype, copy=False) if isinstance(x, np.ndarray) else x.to(dtype)
    return converted


def reduced_like(x: Array, other: Array) -> Array:
    """x in the precision of `other`, if that is of 16 bits: what layers compute with."""
    return cast(x, other.dtype) if other.dtype.itemsize == 2 and x.dtype != other.dtype else x


def widened(x: Array) -> Array:
    """x in float32, if it has 16 bits."""
    return cast(x, namespace(x).float32) if x.dtype.itemsize == 2 else x


def copied(x: Array) -> Array:
    """The same numbers in memory of their own."""
    copy: Array = namespace(x).asarray(x, copy=True)
    return copy


def zeros(shape: Shape, like: Any) -> Array:
    """Zeros of this shape, of the kind of `like`; they take no memory until something is written over them."""
    if isinstance(like, np.ndarray):
        return np.zeros(shape, like.dtype)
    made: Array = like.new_zeros(shape)
    return made


def taken(x: Array, rows: Any) -> Array:
    """These rows of x: a slice of them, or those of the numbers in an array, which PyTorch takes faster by a name."""
    if isinstance(rows, slice):
        return x[rows]
    some: Array = namespace(x).take(x, rows, axis=0)
    return some


def total(x: Any) -> Any:
    """Sum of all entries as a number of Python's, added up in double precision where the device has it."""
    if isinstance(x, np.ndarray):
        return x.sum(dtype=np.result_type(x.dtype, np.float64)).item()
    torch = _torch()
    return torch.sum(x, dtype=torch.float32 if x.device.type == "mps" else torch.float64).item()


def all_finite(x: Array) -> bool:
    """Whether no entry is infinite or not a number."""
    if isinstance(x, np.ndarray):
        return bool(np.isfinite(x).all())
    largest = _torch().linalg.vector_norm(x, math.inf)  # which is not finite either where an entry is not
    return math.isfinite(largest.item())


def choose_engine(
    backend: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    *,
    precisions: tuple[str, ...] = ("float32", "bfloat16", "float16", "float64"),
) -> Engine:
    """Where to compute: as asked; else on a GPU that PyTorch sees, if there is one, and with NumPy if not.

    Precision is float32 unless asked otherwise, so that results do not depend on what happens to be installed.

    Args:
        backend: "numpy" or "torch".
        device: "cpu", "cuda", "cuda:1", "mps" or another of PyTorch's; asks for PyTorch, unless it is "cpu".
        precision: "float32", "bfloat16", "float16" or "float64"; one of 16 bits asks for PyTorch.
        precisions: What precision may be.

    Raises:
        InputError: if there is no such backend, device or precision here; or the device lacks the precision.
    """
    if backend not in (None, "numpy", "torch"):
        raise InputError(f"no backend is called {backend!r}: use numpy or torch")
    if not (device is None or (isinstance(device, str) and device)):
        raise InputError(f"a device is named, as cpu, cuda, cuda:1 or mps; not {device!r}")
    precision = "float32" if precision is None else precision
    if precision not in precisions:
        raise InputError(f"no precision {precision!r} is to be had here: use {', '.join(precisions)}")
    narrow = precision in ("bfloat16", "float16")
    if backend == "numpy" or (backend is None and device in (None, "cpu") and not narrow):
        if device not in (None, "cpu"):
            raise InputError(f"numpy computes on the processor alone, not on {device}: use --backend torch")
        if narrow:
            raise InputError(f"numpy has no arithmetic in {precision}: use --backend torch")
        found = None if backend == "numpy" or device == "cpu" else _gpu()
        if found is None or _lacks(found, precision):
            return Engine(precision=precision)
        return Engine("torch", found, precision)
    if _missing():
        wish = f"--device {device}" if device else f"--precision {precision}" if narrow else "--backend torch"
        raise InputError(f"{wish} needs PyTorch, which is not installed: pip install 'sfumato[torch]'")
    chosen = _checked_device(device or _gpu() or "cpu")
    why = _lacks(chosen, precision)
    if why:
        raise InputError(f"--precision {precision}: the device {chosen} lacks it ({why}); use float32")
    return Engine("torch", chosen, precision)


def engines() -> list[Engine]:
    """All that can be had here, but for double precision: NumPy, and PyTorch on each device in each precision."""
    if _missing():
        return [NUMPY]
    torch, precisions = _torch(), ("float32", "bfloat16", "float16")
    gpus = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    devices = ["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]
    pairs = [(device, precision) for device in devices for precision in precisions]
    return [NUMPY, *(Engine("torch", *pair) for pair in pairs if not _lacks(*pair))]


@contextlib.contextmanager
def fitting(engine: Engine, remedy: str = "use smaller batches, or a smaller network") -> Iterator[None]:
    """Within, a device that runs out of memory is an error of one line.

    Raises:
        DeviceMemoryError: if so.
    """
    if engine.backend == "numpy":
        yield
        return
    try:
        yield
    except _torch().OutOfMemoryError as error:
        raise DeviceMemoryError(f"{engine.device} is out of memory: {remedy}") from error
    except RuntimeError as error:  # as a processor's memory, Apple's GPUs and NVIDIA's libraries say it
        if "can't allocate memory" in str(error):
            raise MemoryError from error
        if "out of memory" not in str(error) and "ALLOC_FAILED" not in str(error):
            raise
        raise DeviceMemoryError(f"{engine.device} is out of memory: {remedy}") from error


def device_memory(engine: Engine) -> int:
    """Bytes that the device of an engine has: the machine's, unless it is a GPU with its own."""
    kind = engine.device.partition(":")[0]
    if kind == "cuda":
        return int(_torch().cuda.get_device_properties(engine.device).total_memory)
    return int(_torch().mps.recommended_max_memory()) if kind == "mps" else psutil.virtual_memory().total


def _missing() -> bool:
    """Whether the extra `torch` is not installed."""
    return any(importlib.util.find_spec(name) is None for name in ("torch", "array_api_compat"))


def _gpu() -> str | None:
    """The GPU that PyTorch sees, if there is one; PyTorch is not loaded for it where it is built for CPUs alone."""
    try:
        if importlib.metadata.version("torch").endswith("+cpu") or _missing():
            return None
    except importlib.metadata.PackageNotFoundError:
        return None
    torch = _torch()
    if torch.cuda.is_available():
        return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"  # torchrun's number
    return "mps" if torch.backends.mps.is_available() else None


def _checked_device(name: str) -> str:
    """The device's name with its number, if it is there."""
    torch = _torch()
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"no device is called {name!r}: use cpu, cuda, cuda:1 or mps") from None
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise InputError(f"--device {name}: PyTorch sees no such GPU here; use cpu, or an installation with CUDA")
        number = int(os.environ.get("LOCAL_RANK", "0")) if device.index is None else device.index
        if number >= torch.cuda.device_count():
            last = torch.cuda.device_count() - 1
            raise InputError(f"--device {name}: there is no such GPU here; the last is cuda:{last}")
        return f"cuda:{number}"
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise InputError(f"--device {name}: PyTorch sees no GPU of Apple's here; use cpu")
    if device.type not in ("cpu", "mps") or device.index:
        raise InputError(f"--device {name}: is nothing that Sfumato computes on; use cpu, cuda, cuda:1 or mps")
    return str(device.type)


def _lacks(device: str, precision: str) -> str:
    """Why the device does not compute in this precision itself; "" where it does."""
    torch = _torch()
    match device.partition(":")[0], precision:
        case "cpu", "bfloat16" if not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
            return "the processor has neither AMX nor AVX-512-BF16"
        case "cpu", "float16":
            return "it is for GPUs; processors have bfloat16"
        case "cuda", "bfloat16" if not torch.cuda.is_bf16_supported(including_emulation=False):
            return "the GPU is older than that"
        case "mps", "float64":
            return "GPUs of Apple's have none"
        case _:
            return ""


@functools.cache
def _torch() -> Any:
    """PyTorch, on as many threads as BLAS may use, and with float32 that is float32."""
    import torch

    blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    torch.set_num_threads(max(blas, default=1))
    torch.backends.cudnn.allow_tf32 = False  # by default, its convolutions round to 11 bits
    return torch


@functools.cache
def _torch_namespace() -> Any:
    import array_api_compat.torch

    return array_api_compat.torch


def generator(seed: int, stream: Stream, step: int = 0) -> np.random.Generator:
    """Random generator for one purpose at one step, the same wherever and whenever it is made.

    Philox is a counter-based generator (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): seed and
    stream are its key, and the step is the highest word of its counter, so that a step has 2^192 blocks of its own.

    Args:
        seed: The run's seed, 0 to 2^64 - 1.
        stream: What the numbers are for.
        step: Which step, epoch or draw of that stream they are for.

    Raises:
        InputError: if the seed is out of its range.
    """
    if not 0 <= seed < 2**64:
        raise InputError(f"the seed must be a whole number from 0 to 2^64 - 1, not {seed}")
    bits = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64), counter=[0, 0, 0, step])
    return np.random.Generator(bits)


def fingerprint(*values: Any) -> str:
    """A digest of the arrays among the values, so that no run goes on with other data than it began with."""
    digest = hashlib.blake2b(digest_size=8)
    for value in values:
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()
