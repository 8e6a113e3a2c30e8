"""For all tests: what they compute with, and what they draw.

What is drawn at random is drawn anew at every run, and always the same where a change is judged.
"""

import contextlib
import importlib.util
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from sfumato.engine import NUMPY_DOUBLE, Engine, choose_engine

settings.register_profile("CI", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("CI")

KNOWN = [
    NUMPY_DOUBLE,
    Engine("numba", "cpu", "float64"),
    Engine("torch", "cpu", "float64"),
    Engine("torch", "cuda:0", "float64"),
    Engine("torch", "mps", "float32"),  # GPUs of Apple's have no float64
]


def here() -> list[Engine]:
    """Those of the known engines that this machine has; PyTorch is not loaded where it is built for CPUs alone."""
    places = {"cpu", choose_engine().device}
    return [engine for engine in KNOWN if engine.device in places and importlib.util.find_spec(engine.backend)]


ENGINES = here()


def pytest_report_header() -> str:
    """Say which devices tests have no cases for."""
    used, missing = (
        ", ".join(f"{engine.backend} on {engine.device}" for engine in engines)
        for engines in (ENGINES, [engine for engine in KNOWN if engine not in ENGINES])
    )
    return f"engines: {used}" + (f"; left out, as they are not here: {missing}" if missing else "")


def named(engine: Engine) -> str:
    return f"{engine.backend}-{engine.device}"


@contextlib.contextmanager
def one_thread(engine: Engine) -> Iterator[Engine]:
    """Arrays as small as these gain nothing from threads, which on a busy machine wait for each other instead."""
    if not engine.on_tensors:
        yield engine
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield engine
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=ENGINES, ids=named)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each place to compute that there is here, in the highest precision that it has; its operations are in force."""
    with one_thread(request.param) as engine:
        yield engine


@pytest.fixture(scope="module", params=[engine for engine in ENGINES if engine.precision == "float64"], ids=named)
def double(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each place to compute in float64, for what float32 cannot show: differences of a loss within a small step."""
    with one_thread(request.param) as engine:
        yield engine


@pytest.fixture(autouse=True)
def operations(request: pytest.FixtureRequest) -> Iterator[None]:
    """In force for the length of a test are the operations of the engine that it computes with."""
    names = [name for name in ("engine", "double") if name in request.fixturenames]
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(request.getfixturevalue(name).in_force())
        yield


@pytest.fixture(scope="module")
def rounding(engine: Engine) -> float:
    """What results of a few operations may differ by, relative to the numbers in them."""
    return {"float64": 1e-12, "float32": 1e-4}[engine.precision]


Together = Callable[[int, list[str], Path], list["subprocess.CompletedProcess[str]"]]


@pytest.fixture(scope="session")
def together() -> Together:
    """Runs a command in processes that share its work, with the variables that torchrun would set, and waits for all.

    torchrun itself takes seconds to start; that it starts the same is tested where it is named.
    """

    def call(count: int, command: list[str], folder: Path) -> list["subprocess.CompletedProcess[str]"]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        shared |= {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
        started = [
            subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in range(count)
        ]
        said = [process.communicate() for process in started]
        return [
            subprocess.CompletedProcess(command, process.returncode, *streams)
            for process, streams in zip(started, said, strict=True)
        ]

    return call
