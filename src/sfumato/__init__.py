"""Deep learning whose every gradient is derived by hand.

    import sfumato

    run = sfumato.train("wines.csv", target="cultivar", hidden=(32,), early_stopping=20)
    picture = sfumato.stylize("photo.jpg", "painting.jpg", size=512)
    sound = sfumato.play("piano.wav", "guitar.wav")

What is used most is here; the rest is in packages that are imported when they are first asked for, such as
`sfumato.data`, `sfumato.plots` and `sfumato.style`.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from sfumato._renamed import GoneModules, renamed_in
from sfumato.architectures import convolutional_network, multilayer_perceptron
from sfumato.errors import DeviceMemoryError, DivergenceError, FileError, InputError, SfumatoError, WorkerError
from sfumato.evaluation import ConfusionMatrix, RegressionReport
from sfumato.evaluation.report import Report, report
from sfumato.gradient_check import GradientReport, check_gradient
from sfumato.interchange.weights import import_weights
from sfumato.layers import (
    AveragePooling,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    MaxPooling,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from sfumato.layers.initializers import Glorot, He, Normal, Xavier, Zeros
from sfumato.losses.base import Loss
from sfumato.losses.classification import BinaryCrossEntropy, CategoricalCrossEntropy
from sfumato.losses.values import MeanSquaredError
from sfumato.minimize import RunOptions
from sfumato.model import Model
from sfumato.network import Network
from sfumato.objective import Evaluation, LayerObjective, NetworkObjective, Objective
from sfumato.optimizers import (
    LBFGS,
    Adam,
    AdamW,
    Clipped,
    Decayed,
    GradientDescent,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)
from sfumato.training.fitting import FitResult, fit
from sfumato.version import __version__ as __version__
from sfumato.workers import Workers, join_workers

if TYPE_CHECKING:
    from sfumato.recipe import TrainingRun, train
    from sfumato.sound.play import play
    from sfumato.sound.result import SoundResult
    from sfumato.style.result import StyleResult
    from sfumato.style.stylize import stylize
    from sfumato.style.transfer import StyleTransfer
    from sfumato.training.settings import TrainingSettings

__all__ = [
    "LBFGS",
    "Adam",
    "AdamW",
    "AveragePooling",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "Clipped",
    "ConfusionMatrix",
    "Convolution",
    "Decayed",
    "Dense",
    "DeviceMemoryError",
    "DivergenceError",
    "Dropout",
    "Evaluation",
    "FileError",
    "FitResult",
    "Flatten",
    "Glorot",
    "GradientDescent",
    "GradientReport",
    "He",
    "InputError",
    "Layer",
    "LayerObjective",
    "LeakyReLU",
    "Loss",
    "MaxPooling",
    "MeanSquaredError",
    "Model",
    "Momentum",
    "Nesterov",
    "Network",
    "NetworkObjective",
    "Normal",
    "Objective",
    "Optimizer",
    "RMSProp",
    "ReLU",
    "RegressionReport",
    "Report",
    "RunOptions",
    "SfumatoError",
    "Sigmoid",
    "Softmax",
    "SoundResult",
    "StyleResult",
    "StyleTransfer",
    "Tanh",
    "TrainingRun",
    "TrainingSettings",
    "WorkerError",
    "Workers",
    "Xavier",
    "Zeros",
    "check_gradient",
    "convolutional_network",
    "fit",
    "import_weights",
    "join_workers",
    "multilayer_perceptron",
    "play",
    "report",
    "stylize",
    "train",
]

PACKAGES = (
    "data",
    "estimators",
    "evaluation",
    "interchange",
    "layers",
    "losses",
    "notebook",
    "optimizers",
    "pictures",
    "plots",
    "sound",
    "style",
    "training",
    "tuning",
)
"""Public packages and modules, imported when they are first asked for."""

LATE = {
    "SoundResult": "sfumato.sound.result",
    "StyleResult": "sfumato.style.result",
    "StyleTransfer": "sfumato.style.transfer",
    "TrainingRun": "sfumato.recipe",
    "TrainingSettings": "sfumato.training.settings",
    "play": "sfumato.sound.play",
    "stylize": "sfumato.style.stylize",
    "train": "sfumato.recipe",
}
"""Names that are imported when they are first asked for, with their modules, whose dependencies take time to import."""

_moved = renamed_in(__name__)
sys.meta_path.append(GoneModules())


def __getattr__(name: str) -> Any:
    if name in PACKAGES:
        return importlib.import_module(f"sfumato.{name}")
    if name in LATE:
        found = globals()[name] = getattr(importlib.import_module(LATE[name]), name)
        return found
    return _moved(name)


def __dir__() -> list[str]:
    return sorted([*__all__, *PACKAGES, "__version__"])
