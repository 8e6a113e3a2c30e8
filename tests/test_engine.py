"""Engines: what is chosen by name or by default, and what is refused in a line."""

import importlib.util
import subprocess
import sys
from typing import Any

import pytest

from sfumato import (
    InputError,
)
from sfumato.engine import NUMPY, NUMPY_DOUBLE, Engine, as_engine, choose_engine


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"backend": "jax"}, "^no backend is called 'jax': use numpy, numba, torch$"),
        ({"backend": "numpy", "device": "cuda"}, "numpy computes on the processor alone, not on cuda: use backend='t"),
        ({"backend": "numpy", "precision": "bfloat16"}, "numpy has no arithmetic in bfloat16: use backend='torch'"),
        ({"device": "gpu"}, "^no device is called 'gpu': use cpu, cuda, cuda:1 or mps$"),
        ({"device": "meta"}, "device='meta': is nothing that Sfumato computes on; use cpu, cuda"),
        ({"device": "cpu:1"}, "device='cpu:1': is nothing that Sfumato computes on"),
        ({"precision": "float8"}, "no precision 'float8' is to be had here: use float32, bfloat16, float16, float64"),
        (
            {"backend": "torch", "device": "cpu", "precision": "float16"},
            "cpu lacks it .*processors have bfloat16.*use f",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_computed_with_is_refused_in_a_line(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose_engine(**asked)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("numpy", NUMPY),
        ("numpy/float64", NUMPY_DOUBLE),
        ("torch:cpu", Engine("torch", "cpu", "float32")),
        ("torch:cpu/float64", Engine("torch", "cpu", "float64")),
        (NUMPY_DOUBLE, NUMPY_DOUBLE),
        (None, choose_engine()),
    ],
    ids=str,
)
def test_an_engine_is_named_given_or_left_open(name: Engine | str | None, expected: Engine) -> None:
    assert as_engine(name) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("jax", "^no backend is called 'jax': use numpy, numba, torch$"),
        ("torch:gpu", "^no device is called 'gpu': use cpu, cuda, cuda:1 or mps$"),
        ("numpy:cuda", "^numpy computes on the processor alone, not on cuda: use engine='torch'$"),
        ("numpy/bfloat16", "^numpy has no arithmetic in bfloat16: use engine='torch'$"),
        ("torch:meta", "^engine='torch:meta': is nothing that Sfumato computes on"),
        ("torch/float8", "no precision 'float8' is to be had here: use float32, bfloat16, float16, float64"),
        (3, '^an engine is named, as "numpy", "torch" or "torch:cuda:1/bfloat16"; not 3$'),
    ],
    ids=str,
)
def test_an_engine_that_is_not_to_be_had_is_refused_in_words_of_python(name: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_engine(name)


@pytest.mark.parametrize("asked", ["numpy/float64", NUMPY_DOUBLE], ids=str)
def test_a_precision_that_does_not_serve_is_refused_however_it_is_asked_for(asked: Engine | str) -> None:
    with pytest.raises(InputError, match=r"no precision 'float64' is to be had here: use float32$"):
        as_engine(asked, precisions=("float32",))


def test_without_pytorch_an_engine_of_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"^engine='torch:cuda' needs PyTorch, .*: pip install '\.\[torch\]'$"):
        as_engine("torch:cuda")


def without_gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    """PyTorch, as it is where it sees no GPU of any maker."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return torch


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_a_gpu_that_is_not_there_is_refused(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_gpus(monkeypatch)
    with pytest.raises(InputError, match=f"^device='{device}': PyTorch sees no .*GPU.* here; use cpu"):
        choose_engine(device=device)


def test_the_number_of_a_gpu_is_one_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = without_gpus(monkeypatch)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_engine(device="cuda:1") == Engine("torch", "cuda:1", "float32")
    assert choose_engine(device="cuda") == Engine("torch", "cuda:0", "float32")
    with pytest.raises(InputError, match="device='cuda:2': there is no such GPU here; the last is cuda:1"):
        choose_engine(device="cuda:2")


def test_a_precision_that_the_device_emulates_or_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = without_gpus(monkeypatch)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    with pytest.raises(InputError, match=r"precision='bfloat16': the device cpu lacks it .*AMX.*; use float32"):
        choose_engine(precision="bfloat16")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pytest.raises(InputError, match="precision='float64': the device mps lacks it"):
        choose_engine(device="mps", precision="float64")


@pytest.mark.parametrize(
    ("asked", "wish"),
    [
        ({"backend": "torch"}, "backend='torch'"),
        ({"device": "cuda"}, "device='cuda'"),
        ({"precision": "bfloat16"}, "precision='bfloat16'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("missing", ["torch", "array_api_compat"])
def test_without_pytorch_the_error_says_how_to_install_it(
    asked: dict[str, Any], wish: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    with pytest.raises(InputError, match=rf"^{wish} needs PyTorch, .*: pip install '\.\[torch\]'$"):
        choose_engine(**asked)
    assert choose_engine(device="cpu") == NUMPY


def test_by_default_numpy_computes_in_float32_and_pytorch_is_not_even_loaded() -> None:
    """Where PyTorch is built for processors alone, or is not there; a GPU that it sees is taken."""
    code = (
        "import importlib.metadata, sys\n"
        "from sfumato.engine import choose_engine\n"
        "version = importlib.metadata.version\n"
        "importlib.metadata.version = lambda name: '2.13.0+cpu' if name == 'torch' else version(name)\n"
        "print(choose_engine(), choose_engine('numpy'), choose_engine(precision='float64'), 'torch' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed.split("\n")[0] == "numpy on cpu in float32 numpy on cpu in float32 numpy on cpu in float64 False"


@pytest.mark.parametrize("device", [0, ""])
def test_a_device_that_is_no_name_is_refused(device: Any) -> None:
    with pytest.raises(InputError, match="a device is named, as cpu, cuda, cuda:1 or mps"):
        choose_engine(device=device)
