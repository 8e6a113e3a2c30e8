"""Deep learning whose every gradient is derived by hand.

    from sfumato import Dense, Network, ReLU, fit

Layers, losses, optimizers and objectives are here; data are in `sfumato.data`, figures in `sfumato.plots.training`.
"""

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
from sfumato.model import Model
from sfumato.network import Network
from sfumato.objective import Evaluation, LayerObjective, NetworkObjective, Objective
from sfumato.optimizers import LBFGS, Adam, AdamW, GradientDescent, Momentum, Nesterov, Optimizer, RMSProp
from sfumato.training.fitting import FitResult, fit
from sfumato.workers import Workers, join_workers

__version__ = "0.1.0"

__all__ = [
    "LBFGS",
    "Adam",
    "AdamW",
    "AveragePooling",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "ConfusionMatrix",
    "Convolution",
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
    "SfumatoError",
    "Sigmoid",
    "Softmax",
    "Tanh",
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
    "report",
]
