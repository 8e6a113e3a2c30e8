"""Layers: an equation each, and the backward pass. One file a layer."""

from sfumato._renamed import renamed_in
from sfumato.layers.activations import ACTIVATIONS, as_activation
from sfumato.layers.average_pooling import AveragePooling
from sfumato.layers.base import EVERYTHING, NOTHING, Layer, Needs, NoParameters, ParameterSpec
from sfumato.layers.convolution import Convolution
from sfumato.layers.dense import Affine, Dense
from sfumato.layers.dropout import Dropout
from sfumato.layers.flatten import Flatten
from sfumato.layers.initializers import INITIALIZERS, as_initializer
from sfumato.layers.leaky_relu import LeakyReLU
from sfumato.layers.max_pooling import MaxPooling
from sfumato.layers.relu import ReLU
from sfumato.layers.sigmoid import Sigmoid
from sfumato.layers.softmax import Softmax
from sfumato.layers.tanh import Tanh

__all__ = [
    "ACTIVATIONS",
    "EVERYTHING",
    "INITIALIZERS",
    "NOTHING",
    "Affine",
    "AveragePooling",
    "Convolution",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LeakyReLU",
    "MaxPooling",
    "Needs",
    "NoParameters",
    "ParameterSpec",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "as_activation",
    "as_initializer",
]

__getattr__ = renamed_in(__name__)
