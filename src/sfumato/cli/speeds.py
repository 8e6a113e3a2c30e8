"""Measurements of the fastest engine for each kind of job on this machine."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from sfumato.architectures import convolutional_network, multilayer_perceptron
from sfumato.arrays import Array
from sfumato.engine import NUMPY, Engine, choose_engine, has_amx
from sfumato.errors import DeviceMemoryError
from sfumato.losses.classification import CategoricalCrossEntropy
from sfumato.network import Network
from sfumato.objective import NetworkObjective
from sfumato.optimizers import Adam
from sfumato.pictures.builtin import PREFIX
from sfumato.style.problem import StyleProblem
from sfumato.style.settings import StyleSettings

ROUNDS, LEAST, MOST_SECONDS = 5, 2, 1.0
"""Number of timings of each engine at most and at least, and seconds after which no more than the least are made."""

EDGE = 160
"""Long edge of the picture that is painted on."""

IMAGE = (28, 28, 1)


def measure(engines: list[Engine]) -> dict[str, dict[str, Any]]:
    """Measure, for each job, the time of a piece of work on each engine, and give the command with the fastest.

    The best of several rounds counts, in which the engines take turns: others work on the machine too.
    """
    found = {}
    for job, (command, make) in JOBS.items():
        pieces = {engine: piece for engine in engines if (piece := _made(make, engine))}
        best = dict.fromkeys(pieces, np.inf)
        begun = time.perf_counter()
        for number in range(ROUNDS):
            if number >= LEAST and time.perf_counter() - begun > MOST_SECONDS:
                break
            for engine, piece in pieces.items():
                best[engine] = min(best[engine], _seconds(engine, piece))
        fastest = min(best, key=lambda engine: best[engine])
        found[job] = {
            "milliseconds": {str(engine): round(1e3 * seconds, 3) for engine, seconds in best.items()},
            "fastest": str(fastest),
            "command": " ".join([command, *_options(fastest)]),
        }
    return found


def as_text(found: dict[str, Any]) -> str:
    """Format the measurements of one job as two lines."""
    times = ", ".join(f"{engine} {milliseconds:.1f} ms" for engine, milliseconds in found["milliseconds"].items())
    return f"{found['fastest']}: {found['command']}\n{'':<40}({times})"


def saved_in_bfloat16(found: dict[str, Any]) -> str:
    """Say what bfloat16 saves for pictures on a processor with AMX, as measured for that job, and how to ask for it.

    Compared is what computes on the processor without options.
    """
    if not has_amx():
        return "this processor has no AMX, which multiplies in it"
    times, reduced = found["milliseconds"], Engine("torch", precision="bfloat16")
    usual = choose_engine(device="cpu", long=True)
    if str(reduced) not in times:
        return "this processor has AMX, which multiplies in it for PyTorch: pip install '.[torch]'"
    share = times[str(reduced)] / times[str(usual)]
    return f"this processor has AMX: --precision bfloat16 takes {share:.2f} of the time for pictures, beside {usual}"


def _options(engine: Engine) -> list[str]:
    """Options that choose an engine, even where it is not the default."""
    named = ["--backend", engine.backend, *(["--device", engine.device] if engine.on_tensors else [])]
    return named if engine.precision == "float32" else [*named, "--precision", engine.precision]


def _made(make: Callable[[Engine], Callable[[], Any]], engine: Engine) -> Callable[[], Any] | None:
    """Make a piece of work and run it once; None where the device cannot do it, such as for lack of memory."""
    try:
        with engine.computing():
            piece = make(engine)
        _seconds(engine, piece)
    except (RuntimeError, MemoryError, DeviceMemoryError):
        if engine == NUMPY:
            raise
        return None
    return piece


def _seconds(engine: Engine, piece: Callable[[], Any]) -> float:
    with engine.computing():
        begin = time.perf_counter()
        piece()  # ends in a number of Python's, for which a GPU has to be done
        return time.perf_counter() - begin


def _step(network: Network, examples: int, engine: Engine) -> Callable[[], Any]:
    """One step of training."""
    rng = np.random.default_rng(0)
    x, y = engine.put(rng.random((examples, *IMAGE))), engine.put(rng.integers(10, size=examples))
    objective = NetworkObjective(network, CategoricalCrossEntropy(), x, y, dropout_key=(0, 0))
    theta = engine.master.put(network.initialize(0))
    optimizer = Adam()
    state = optimizer.init(theta)

    def step() -> float:
        optimizer.step(objective, theta, state, 0.003)
        return float(theta[0])

    return step


def _small_network(engine: Engine) -> Callable[[], Any]:
    return _step(multilayer_perceptron(IMAGE, (15, 9), 10), 1000, engine)


def _convnet(engine: Engine) -> Callable[[], Any]:
    return _step(convolutional_network(IMAGE, 10), 128, engine)


def _picture(engine: Engine) -> Callable[[], Any]:
    picture: Array = np.random.default_rng(0).random((EDGE * 2 // 3, EDGE, 3))
    problem = StyleProblem(StyleSettings(), picture, f"{PREFIX}starry-night", engine=engine)
    objective = problem.objective(*picture.shape[:2], prepared=True)
    theta = engine.master.put(problem.first(*picture.shape[:2]).ravel())
    return lambda: objective(theta).loss


JOBS: dict[str, tuple[str, Callable[[Engine], Callable[[], Any]]]] = {
    "small networks": ("sfumato train DATA", _small_network),
    "convnets": ("sfumato train DATA --architecture convnet", _convnet),
    "pictures": ("sfumato style CONTENT STYLE -o OUT", _picture),
}
"""Command of each job, and the function that makes one piece of its work."""
