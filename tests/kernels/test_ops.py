"""The operations of all backends: the same names and signatures, and the right ones in force."""

import inspect
from typing import Any

import pytest

from sfumato.engine import NUMPY, Engine
from sfumato.kernels.ops import OPS, Ops, ops
from sfumato.kernels.threads import parallel_kernels, run_in_threads

PROMISED = {name: function for name, function in vars(Ops).items() if not name.startswith("_")}


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    """Name, kind and default of each parameter but `self`."""
    found = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, each.default) for each in found if each.name != "self"]


@pytest.mark.parametrize("backend", OPS)
def test_every_backend_has_each_operation_under_the_same_signature(backend: str) -> None:
    own = type(OPS[backend])
    assert {name for name in dir(own) if not name.startswith("_")} == set(PROMISED)
    for name, promised in PROMISED.items():
        assert parameters(getattr(own, name)) == parameters(promised), name


def test_numpy_is_in_force_outside_and_the_engine_inside_in_every_thread() -> None:
    torch = Engine("torch", "cpu", "float32")
    assert ops() is OPS["numpy"]
    with torch.in_force():
        assert ops() is OPS["torch"]
        with NUMPY.in_force():
            assert ops() is OPS["numpy"]
        with parallel_kernels():
            assert set(run_in_threads(lambda: lambda number: ops(), range(50))) == {OPS["torch"]}
    assert ops() is OPS["numpy"]


def test_numpy_is_in_force_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), Engine("torch", "cpu", "float32").in_force():
        raise ZeroDivisionError
    assert ops() is OPS["numpy"]
