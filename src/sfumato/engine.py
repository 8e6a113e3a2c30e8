"""Backend, device and precision to compute with, and the one context for computing.

What is learned or painted, its gradient and all sums stay in float32 at least, whatever layers compute in.
"""

import contextlib
import functools
import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sfumato.arrays import Array, cast, pytorch
from sfumato.checks import variable
from sfumato.errors import DeviceMemoryError, InputError
from sfumato.kernels.ops import IN_FORCE, OPS
from sfumato.kernels.threads import parallel_kernels

if TYPE_CHECKING:
    from sfumato.network import Network

PART_OF_MACHINE = 0.75
"""Part of the machine's memory that a picture may use by default, which leaves the rest to other programs."""

PRECISIONS = ("float32", "bfloat16", "float16", "float64")


class Engine(NamedTuple):
    """Place of arrays, and precision of layers; `as_engine` makes one of a string such as "torch:cuda/bfloat16".

    Attributes:
        backend: "numpy"; "numba", compiled loops on the same arrays; or "torch".
        device: "cpu", or PyTorch's "cuda:0", "mps", ...
        precision: "float32", "bfloat16", "float16", or "float64" to check derivations.
    """

    backend: str = "numpy"
    device: str = "cpu"
    precision: str = "float32"

    def __str__(self) -> str:
        return f"{self.backend} on {self.device} in {self.precision}"

    @property
    def on_tensors(self) -> bool:
        """Whether arrays are PyTorch's tensors, and not NumPy's."""
        return self.backend == "torch"

    @property
    def reduced(self) -> bool:
        """Whether layers compute in 16 bits, which is less than parameters are kept in."""
        return self.precision in ("bfloat16", "float16")

    @property
    def master(self) -> "Engine":
        """The engine of parameters, gradients and sums: float32 where layers compute in less."""
        return self._replace(precision="float32") if self.reduced else self

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """NumPy dtype of parameters and gradients."""
        return np.dtype(self.master.precision)

    def downcast(self, x: Array) -> Array:
        """Convert a floating-point array on this device to this precision."""
        return cast(x, getattr(pytorch(), self.precision) if self.on_tensors else self.precision)

    def put(self, x: Array) -> Array:
        """Copy a NumPy array to this device: floating point in this precision, whole numbers and booleans as they are.

        The result may share the memory of `x`.
        """
        floating = x.dtype.kind == "f"
        if not x.dtype.isnative:
            x = x.astype(x.dtype.newbyteorder("="))
        if not self.on_tensors:
            return x.astype(self.precision, copy=False) if floating else x
        torch = pytorch()
        if floating and not x.flags.writeable:
            x = x.copy()  # PyTorch has no tensors that are not to be written to
        tensor: Any = torch.from_numpy(np.ascontiguousarray(x) if any(step < 0 for step in x.strides) else x)
        placed: Array = tensor.to(self.device, getattr(torch, self.precision) if floating else None)
        return placed

    @contextlib.contextmanager
    def computing(
        self,
        network: "Network | None" = None,
        *,
        keep_memory: bool | None = None,
        remedy: str = "use smaller batches, or a smaller network",
    ) -> Iterator[None]:
        """Compute within: the one context that every job enters, from the command line, `fit` or a script.

        - This engine's operations are in force (`kernels/ops.py`).
        - Kernels run on threads of their own: always without a network, else where it asks for them on NumPy's arrays.
        - A device that runs out of memory is an error of one line.
        - Overflow and its like warn of nothing: divergence is found and named by whoever looks at the loss.

        Args:
            network: The network that computes; None for anything else, such as a picture.
            keep_memory: Whether freed memory is kept for the next array while kernels run on their threads, as
                `kernels/memory.py` explains; by default but for tensors.
            remedy: The end of the message about too little memory: what to do instead.

        Raises:
            DeviceMemoryError: if the device runs out of memory.
        """
        parallel = network is None or (network.parallel and not self.on_tensors)
        if self.on_tensors:
            pytorch()  # before the kernels take BLAS's threads over, as PyTorch takes as many
        with (
            np.errstate(over="ignore", invalid="ignore", divide="ignore"),
            parallel_kernels(parallel, keep_memory=not self.on_tensors if keep_memory is None else keep_memory),
            self.in_force(remedy),
        ):
            yield

    @contextlib.contextmanager
    def in_force(self, remedy: str = "use smaller batches, or a smaller network") -> Iterator[None]:
        """The light half of `computing`, for single evaluations: this engine's operations, and the guard of memory.

        Raises:
            DeviceMemoryError: if the device runs out of memory.
        """
        token = IN_FORCE.set(OPS[self.backend])
        try:
            yield
        except RuntimeError as error:
            own = _memory_error(error, f"{self.device} is out of memory: {remedy}") if self.on_tensors else None
            if own is None:
                raise
            raise own from error
        finally:
            IN_FORCE.reset(token)


NUMPY, NUMPY_DOUBLE = Engine(), Engine(precision="float64")


def as_engine(
    engine: Engine | str | None = None,
    *,
    precision: str | None = None,
    precisions: tuple[str, ...] = PRECISIONS,
    long: bool = False,
) -> Engine:
    """Resolve an engine that is named, given or left open.

    >>> as_engine("numpy/float64")
    Engine(backend='numpy', device='cpu', precision='float64')

    Args:
        engine: "numpy", "numba" or "torch", if you like with a device of PyTorch's and a precision: "torch:cuda",
            "torch:cuda:1/bfloat16", "numpy/float64". The device is by default a GPU that PyTorch sees, if there is one,
            and the precision `precision`. An `Engine` is taken as it is. None takes PyTorch on a GPU, if there is one;
            else compiled loops for a long job, where Numba is installed; else NumPy.
        precision: The precision where none is named; float32 by default.
        precisions: What precision may be.
        long: Whether the job is one of many seconds, for which compiled loops are worth loading.

    Raises:
        InputError: if there is no such backend, device or precision here; or the device lacks the precision.
    """
    if isinstance(engine, Engine):
        if engine.precision not in precisions:
            raise InputError(f"no precision {engine.precision!r} is to be had here: use {', '.join(precisions)}")
        return engine
    if engine is None:
        return choose_engine(precision=precision, precisions=precisions, long=long)
    if not isinstance(engine, str):
        raise InputError(f'an engine is named, as "numpy", "torch" or "torch:cuda:1/bfloat16"; not {engine!r}')
    place, _, named = engine.partition("/")
    backend, _, device = place.partition(":")

    def say(backend: str, device: str | None = None, precision: str | None = None) -> str:
        return f"engine={_name(backend, device, precision)!r}"

    return _chosen(backend, device or None, named or precision, precisions, say)


def choose_engine(
    backend: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    *,
    precisions: tuple[str, ...] = PRECISIONS,
    long: bool = False,
) -> Engine:
    """Compose backend, device and precision, as the command line has them, to an engine.

    What is left open: a GPU that PyTorch sees, if there is one; else compiled loops for a long job, where Numba is
    installed; else NumPy. (Loading Numba and what it has compiled takes a second and 130 MB, more than they save a
    short job.) Precision is float32 unless asked otherwise.

    Args:
        backend: "numpy", "numba" or "torch".
        device: "cpu", "cuda", "cuda:1", "mps" or another of PyTorch's; asks for PyTorch, unless it is "cpu".
        precision: "float32", "bfloat16", "float16" or "float64"; one of 16 bits asks for PyTorch.
        precisions: What precision may be.
        long: Whether the job is one of many seconds.

    Raises:
        InputError: if there is no such backend, device or precision here; or the device lacks the precision.
    """

    def say(backend: str | None = None, device: str | None = None, precision: str | None = None) -> str:
        if device is not None:
            return f"device={device!r}"
        return f"backend={backend!r}" if precision is None else f"precision={precision!r}"

    return _chosen(backend, device, precision, precisions, say, long)


def _name(backend: str, device: str | None = None, precision: str | None = None) -> str:
    """Name of an engine, as `as_engine` takes it."""
    return backend + (f":{device}" if device else "") + (f"/{precision}" if precision else "")


def _chosen(
    backend: str | None,
    device: str | None,
    precision: str | None,
    precisions: tuple[str, ...],
    say: Callable[..., str],
    long: bool = False,
) -> Engine:
    """Choose an engine; `say` formats the requested and the advised options in error messages."""
    if backend not in (None, *OPS):
        raise InputError(f"no backend is called {backend!r}: use {', '.join(OPS)}")
    if not (device is None or (isinstance(device, str) and device)):
        raise InputError(f"a device is named, as cpu, cuda, cuda:1 or mps; not {device!r}")
    precision = "float32" if precision is None else precision
    if precision not in precisions:
        raise InputError(f"no precision {precision!r} is to be had here: use {', '.join(precisions)}")
    reduced = precision in ("bfloat16", "float16")
    if backend in ("numpy", "numba") or (backend is None and device in (None, "cpu") and not reduced):
        if device not in (None, "cpu"):
            raise InputError(f"{backend} computes on the processor alone, not on {device}: use {say('torch')}")
        if reduced:
            raise InputError(f"{backend} has no arithmetic in {precision}: use {say('torch')}")
        if backend == "numba" and numba_fault():
            raise InputError(f"{say('numba')} needs Numba, {numba_fault()}")
        found = None if backend is not None or device == "cpu" else _gpu()
        if found is None or _lacks(found, precision):
            return Engine(backend or ("numba" if long and has_numba() else "numpy"), precision=precision)
        return Engine("torch", found, precision)
    asked = say("torch", device, precision if reduced and device is None else None)
    if not has_torch():
        raise InputError(f"{asked} needs PyTorch, which is not installed: pip install '.[torch]'")
    chosen = _checked_device(device or _gpu() or "cpu", asked)
    why = _lacks(chosen, precision)
    if why:
        asked = say("torch", None, precision)
        raise InputError(f"{asked}: the device {chosen} lacks it ({why}); use float32")
    return Engine("torch", chosen, precision)


def engines() -> list[Engine]:
    """List the engines here, but for double precision: NumPy, Numba, and PyTorch on each device in each precision."""
    on_arrays = [NUMPY, *([Engine("numba")] if has_numba() else [])]
    if not has_torch():
        return on_arrays
    torch, precisions = pytorch(), ("float32", "bfloat16", "float16")
    gpus = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    devices = ["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]
    pairs = [(device, precision) for device in devices for precision in precisions]
    return [*on_arrays, *(Engine("torch", *pair) for pair in pairs if not _lacks(*pair))]


def _memory_error(error: RuntimeError, message: str) -> Exception | None:
    """Error to raise for a full device or a full processor's memory; None for any other error of PyTorch's."""
    if isinstance(error, pytorch().OutOfMemoryError):
        return DeviceMemoryError(message)
    text = str(error)
    if "can't allocate memory" in text:
        return MemoryError()
    full = "out of memory" in text or "ALLOC_FAILED" in text  # as Apple's GPUs and NVIDIA's libraries say it
    return DeviceMemoryError(message) if full else None


def device_memory(engine: Engine) -> int:
    """Memory of an engine's device in bytes: the machine's, unless it is a GPU with its own."""
    kind = engine.device.partition(":")[0]
    if kind == "cuda":
        return int(pytorch().cuda.get_device_properties(engine.device).total_memory)
    if kind == "mps":
        return int(pytorch().mps.recommended_max_memory())
    import psutil

    return psutil.virtual_memory().total


def allowed_memory(memory: int | None, engine: Engine = NUMPY) -> int:
    """Bytes that this process may use, of the machine or of its GPU: as asked for, or a part of the memory present.

    Processes that torchrun has started on this machine share it.
    """
    sharing = 1 if engine.device.startswith("cuda") else variable("LOCAL_WORLD_SIZE", 1, least=1)
    return memory or int(PART_OF_MACHINE * device_memory(engine)) // sharing


def has_amx() -> bool:
    """Whether the processor multiplies matrices in bfloat16 by AMX, as PyTorch does then; known on Linux alone."""
    try:
        return "amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False


def has_numba() -> bool:
    """Whether compiled loops can be had: the extra `fast` is installed, and its Numba takes the NumPy that is there."""
    return not numba_fault()


@functools.cache
def numba_fault() -> str:
    """Reason why Numba cannot be used; "" where it can, and then it is loaded."""
    if importlib.util.find_spec("numba") is None:
        return "which is not installed: pip install '.[fast]'"
    try:
        import numba
    except ImportError as error:  # it refuses versions of NumPy that it does not know
        return f"which cannot be loaded ({error})"
    return "which NUMBA_DISABLE_JIT switches off" if numba.config.DISABLE_JIT else ""


def has_torch() -> bool:
    """Whether the extra `torch` is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "array_api_compat"))


def _gpu() -> str | None:
    """Name of the GPU that PyTorch sees, if there is one; PyTorch is not loaded where it is built for CPUs alone."""
    try:
        if importlib.metadata.version("torch").endswith("+cpu") or not has_torch():
            return None
    except importlib.metadata.PackageNotFoundError:
        return None
    torch = pytorch()
    if torch.cuda.is_available():
        return f"cuda:{variable('LOCAL_RANK', 0) % torch.cuda.device_count()}"  # torchrun's number
    return "mps" if torch.backends.mps.is_available() else None


def _checked_device(name: str, asked: str) -> str:
    """Name of a device with its number; an `InputError` that begins with `asked` if it is not there."""
    torch = pytorch()
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"no device is called {name!r}: use cpu, cuda, cuda:1 or mps") from None
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise InputError(f"{asked}: PyTorch sees no such GPU here; use cpu, or an installation with CUDA")
        number = variable("LOCAL_RANK", 0) if device.index is None else device.index
        if number >= torch.cuda.device_count():
            last = torch.cuda.device_count() - 1
            raise InputError(f"{asked}: there is no such GPU here; the last is cuda:{last}")
        return f"cuda:{number}"
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise InputError(f"{asked}: PyTorch sees no GPU of Apple's here; use cpu")
    if device.type not in ("cpu", "mps") or device.index:
        raise InputError(f"{asked}: is nothing that Sfumato computes on; use cpu, cuda, cuda:1 or mps")
    return str(device.type)


def _lacks(device: str, precision: str) -> str:
    """Reason why the device does not compute in this precision itself; "" where it does."""
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
