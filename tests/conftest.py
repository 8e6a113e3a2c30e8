"""For all tests: what they compute with, and what they draw.

What is drawn at random is drawn anew at every run, and always the same where a change is judged.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from sfumato import InputError
from sfumato.engine import NUMPY_DOUBLE, Engine, choose_engine

settings.register_profile("CI", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("CI")

ENGINES = [
    NUMPY_DOUBLE,
    Engine("torch", "cpu", "float64"),
    Engine("torch", "cuda:0", "float64"),
    Engine("torch", "mps", "float32"),  # GPUs of Apple's have no float64
]


@pytest.fixture(scope="module", params=ENGINES, ids=lambda engine: f"{engine.backend}-{engine.device}")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each place to compute that there is here, in the highest precision that it has."""
    wanted: Engine = request.param
    if wanted.backend == "numpy":
        yield wanted
        return
    if wanted.device != "cpu":
        try:
            choose_engine(*wanted)
        except InputError as error:
            pytest.skip(str(error))
    import torch

    # Arrays this small gain nothing from threads, which on a busy machine wait for each other instead
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield wanted
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def double(engine: Engine) -> Engine:
    """Each place to compute in float64, for what float32 cannot show: differences of a loss within a small step."""
    if engine.precision != "float64":
        pytest.skip(f"{engine.device} has no float64, without which differences are rounding alone")
    return engine


@pytest.fixture(scope="module")
def rounding(engine: Engine) -> float:
    """What results of a few operations may differ by, relative to the numbers in them."""
    return {"float64": 1e-12, "float32": 1e-4}[engine.precision]
