"""Objectives for `sfumato check`: a network on data, or an objective or layer of the user's own."""

import contextlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sfumato import data
from sfumato.arrays import Array
from sfumato.cli.options import ComputeOptions
from sfumato.data.loading import as_dataset
from sfumato.engine import choose_engine
from sfumato.errors import FileError, InputError, SfumatoError
from sfumato.layers.base import Layer
from sfumato.objective import LayerObjective, NetworkObjective, Objective, OnDevice
from sfumato.random_keys import Stream, generator
from sfumato.storage import check_readable
from sfumato.training.preparation import make_network
from sfumato.training.settings import TrainingSettings


def network_objective(
    name: str, settings: TrainingSettings, seed: int, compute: ComputeOptions
) -> tuple[Objective, Array]:
    """The objective of a network on data, in float64, and a point to check it at."""
    dataset = as_dataset(name, target=settings.target, task=settings.task, options=settings.table_options)
    examples = data.limit(dataset.examples, settings.limit or 100, seed)
    scaling = data.Scaling.fit(examples.x, settings.scaling, indicators=dataset.indicators)
    network, loss = make_network(dataset, settings)
    engine = choose_engine(compute.backend, compute.device, "float64")
    x, y = engine.put(scaling(examples.x, np.float64)), engine.put(examples.y)
    objective: Objective = NetworkObjective(network, loss, x, y, l2=settings.l2 or 0.0, dropout_key=(seed, 0))
    if engine.backend != "numpy":
        objective = OnDevice(objective, engine)
    noise = generator(seed, Stream.CHECKING, step=1).standard_normal(network.size)
    return objective, network.initialize(seed, np.float64) + 0.1 * noise


def own_objective(place: str) -> tuple[Objective, Array]:
    """An objective of the user's, from MODULE:NAME, and the point to check it at.

    NAME is an `Objective` with an attribute `theta`, a `Layer`, or a class or function without arguments that makes
    either. A layer is checked on its own, for vectors of five; use `LayerObjective` for other shapes.

    Raises:
        InputError: if there is no such module or name, or it is nothing that can be checked.
    """
    module_name, _, name = place.rpartition(":")
    if not module_name:
        raise InputError(f"--objective takes MODULE:NAME, such as my_layers.py:Swish; not {place!r}")
    module = _import(module_name)
    found = getattr(module, name, None)
    if found is None:
        raise InputError(f"{module_name}: there is no {name} in it")
    if not isinstance(found, Objective | Layer) and callable(found):
        found = found()
    if isinstance(found, Layer):
        found = LayerObjective(found, dropout_key=(0, 0) if found.stochastic else None)
    theta = getattr(found, "theta", None)
    if not isinstance(found, Objective) or theta is None:
        raise InputError(f"{place}: is no layer, and no Objective with an attribute theta to check it at")
    point = np.asarray(theta, dtype=np.float64)
    if point.ndim != 1 or not point.size:
        raise InputError(f"{place}: its theta has the shape {point.shape}; it must be a vector of one entry or more")
    return found, point


@contextlib.contextmanager
def blamed_on(place: str) -> Iterator[None]:
    """Turn, within, any exception from the code of MODULE:NAME into an error of one line that names its place.

    Raises:
        InputError: for any exception but Sfumato's own and lack of memory.
    """
    try:
        yield
    except (SfumatoError, MemoryError):
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = "" if last.filename == __file__ else f" in {last.filename}, line {last.lineno}"
        raise InputError(f"{place}: {type(error).__name__}{where}: {error}") from error


def _import(name: str) -> Any:
    if not name.endswith(".py"):
        sys.path.insert(0, str(Path.cwd()))
        try:
            return importlib.import_module(name)
        except Exception as error:
            raise InputError(f"{name}: cannot be imported ({type(error).__name__}: {error})") from error
    check_readable(Path(name), "a Python file")
    if not Path(name).exists():
        raise FileError(f"{name}: no such file")
    spec = importlib.util.spec_from_file_location(f"checked_{Path(name).stem}", name)
    if spec is None or spec.loader is None:
        raise InputError(f"{name}: is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(name).absolute().parent))
    sys.modules[spec.name] = module  # where dataclasses look names up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{name}: cannot be imported ({type(error).__name__}: {error})") from error
    return module
