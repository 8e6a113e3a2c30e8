"""Names of version 0.1.0 that have moved since: one table, served with a DeprecationWarning for one version."""

import importlib
import warnings
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULES: dict[str, tuple[str, ...]] = {
    "sfumato.arrays": ("sfumato.engine", "sfumato.random_keys"),
    "sfumato.checkpoint": ("sfumato.minimize",),
    "sfumato.data.dataset": ("sfumato.data.scaling", "sfumato.data.splitting", "sfumato.random_keys", "sfumato.checks"),
    "sfumato.feeding": ("sfumato.training.batches",),
    "sfumato.history": ("sfumato.training.history", "sfumato.training.diagnosis"),
    "sfumato.initializers": ("sfumato.layers.initializers",),
    "sfumato.kernels.workers": ("sfumato.workers",),
    "sfumato.network": ("sfumato.architectures", "sfumato.layers"),
    "sfumato.onnx_export": ("sfumato.interchange.onnx",),
    "sfumato.range_test": ("sfumato.tuning.learning_rate_range",),
    "sfumato.report_plots": ("sfumato.plots.report",),
    "sfumato.reports": ("sfumato.evaluation.report",),
    "sfumato.schedules": ("sfumato.optimizers.schedules",),
    "sfumato.style.builtin": ("sfumato.pictures.builtin",),
    "sfumato.style.colour": ("sfumato.style.control.colour",),
    "sfumato.style.estimate": ("sfumato.style.tiles.estimate",),
    "sfumato.style.images": ("sfumato.pictures.files",),
    "sfumato.style.losses": ("sfumato.losses.gram", "sfumato.losses.content", "sfumato.losses.features"),
    "sfumato.style.masks": ("sfumato.style.control.masks",),
    "sfumato.style.memory": ("sfumato.style.tiles.memory",),
    "sfumato.style.pictures": ("sfumato.style.inputs",),
    "sfumato.style.progress": ("sfumato.style.result",),
    "sfumato.style.tiles": ("sfumato.style.tiles.tiling",),
    "sfumato.style.vgg": ("sfumato.style.vgg.network",),
    "sfumato.style.weights": ("sfumato.style.vgg.weights",),
    "sfumato.target_scaling": ("sfumato.data.scaling",),
    "sfumato.training": ("sfumato.training.fitting",),
    "sfumato.tuning": ("sfumato.tuning.search",),
    "sfumato.tuning_plots": ("sfumato.plots.tuning",),
    "sfumato.weight_import": ("sfumato.interchange.weights",),
}
"""Modules of 0.1.0 with the modules that hold their content now: the first of these that has a name serves it."""

NAMES: dict[str, str] = {
    "sfumato.arrays.taken": "sfumato.arrays.take",
    "sfumato.arrays.widened": "sfumato.arrays.upcast",
    "sfumato.data.load_mnist": "sfumato.data.mnist",
    "sfumato.feeding.Feed": "sfumato.training.batches.Batches",
    "sfumato.feeding.MemoryFeed": "sfumato.training.batches.MemoryBatches",
    "sfumato.feeding.StreamFeed": "sfumato.training.batches.StreamedBatches",
    "sfumato.feeding.make_feed": "sfumato.training.batches.make_batches",
    "sfumato.style.losses.add_moments": "sfumato.losses.features.add_sums",
    "sfumato.layers.Want": "sfumato.layers.Needs",
    "sfumato.layers.base.Want": "sfumato.layers.base.Needs",
}
"""Names of 0.1.0 with their new spelling."""


def renamed_in(module: str) -> Callable[[str], Any]:
    """Make a module-level `__getattr__` for names that the module had in 0.1.0."""

    def moved(name: str) -> Any:
        old = f"{module}.{name}"
        if old in MODULES:
            return importlib.import_module(old)
        places = [NAMES[old]] if old in NAMES else [f"{place}.{name}" for place in MODULES.get(module, ())]
        for new in [] if name.startswith("__") else places:
            holder, _, spelled = new.rpartition(".")
            contents = vars(importlib.import_module(holder))
            if spelled in contents:
                warnings.warn(f"{old} is {new} now; the old name goes in the next version", DeprecationWarning, 2)
                return contents[spelled]
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return moved


class GoneModules(MetaPathFinder, Loader):
    """Finder of the modules of 0.1.0 that are no longer files: each serves its names from their new modules."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        # Python asks the last finder only where no file was found.
        return ModuleSpec(fullname, self) if fullname in MODULES else None

    def exec_module(self, module: ModuleType) -> None:
        """Give the module the `__getattr__` that serves its names."""
        module.__doc__ = f"Moved to {', '.join(MODULES[module.__name__])}."
        vars(module)["__getattr__"] = renamed_in(module.__name__)
