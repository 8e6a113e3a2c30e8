"""Where arrays live and in what precision layers compute: on which device, in float32 or less, or in float64 to check.

What is learned or painted, its gradient and all sums stay in float32 at least, whatever layers compute in.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from sfumato.arrays import Array, cast, pytorch
from sfumato.errors import DeviceMemoryError, InputError


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
        """The NumPy dtype of parameters and gradients."""
        return np.dtype(self.master.precision)

    def downcast(self, x: Array) -> Array:
        """Floating point that is here, in this precision."""
        return cast(x, self.precision if self.backend == "numpy" else getattr(pytorch(), self.precision))

    def put(self, x: Array) -> Array:
        """An array of NumPy's here: floating point in this precision, whole numbers and booleans as they are.

        It may share the memory of `x`.
        """
        floating = x.dtype.kind == "f"
        if not x.dtype.isnative:
            x = x.astype(x.dtype.newbyteorder("="))
        if self.backend == "numpy":
            return x.astype(self.precision, copy=False) if floating else x
        torch = pytorch()
        if floating and not x.flags.writeable:
            x = x.copy()  # PyTorch has no tensors that are not to be written to
        tensor: Any = torch.from_numpy(np.ascontiguousarray(x) if any(step < 0 for step in x.strides) else x)
        placed: Array = tensor.to(self.device, getattr(torch, self.precision) if floating else None)
        return placed


NUMPY, NUMPY_DOUBLE = Engine(), Engine(precision="float64")


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
        raise InputError(f"{wish} needs PyTorch, which is not installed: pip install '.[torch]'")
    chosen = _checked_device(device or _gpu() or "cpu")
    why = _lacks(chosen, precision)
    if why:
        raise InputError(f"--precision {precision}: the device {chosen} lacks it ({why}); use float32")
    return Engine("torch", chosen, precision)


def engines() -> list[Engine]:
    """All that can be had here, but for double precision: NumPy, and PyTorch on each device in each precision."""
    if _missing():
        return [NUMPY]
    torch, precisions = pytorch(), ("float32", "bfloat16", "float16")
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
    except pytorch().OutOfMemoryError as error:
        raise DeviceMemoryError(f"{engine.device} is out of memory: {remedy}") from error
    except RuntimeError as error:  # as a processor's memory, Apple's GPUs and NVIDIA's libraries say it
        if "can't allocate memory" in str(error):
            raise MemoryError from error
        if "out of memory" not in str(error) and "ALLOC_FAILED" not in str(error):
            raise
        raise DeviceMemoryError(f"{engine.device} is out of memory: {remedy}") from error


def device_memory(engine: Engine) -> int:
    """Bytes that the device of an engine has: the machine's, unless it is a GPU with its own."""
    import psutil

    kind = engine.device.partition(":")[0]
    if kind == "cuda":
        return int(pytorch().cuda.get_device_properties(engine.device).total_memory)
    return int(pytorch().mps.recommended_max_memory()) if kind == "mps" else psutil.virtual_memory().total


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
    torch = pytorch()
    if torch.cuda.is_available():
        return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"  # torchrun's number
    return "mps" if torch.backends.mps.is_available() else None


def _checked_device(name: str) -> str:
    """The device's name with its number, if it is there."""
    torch = pytorch()
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
    torch = pytorch()
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
