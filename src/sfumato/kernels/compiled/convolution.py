"""Convolution of images by compiled loops where there are some, and with NumPy where there are none."""

from typing import Any

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.kernels import convolution, winograd
from sfumato.kernels.compiled.winograd import CompiledSteps
from sfumato.kernels.convolution import Prepared
from sfumato.kernels.geometry import Geometry


def convolve(
    x: Array,
    W: Array,
    b: Array,
    geometry: Geometry,
    *,
    relu: bool = False,
    prepared: Prepared = None,
    direct: bool = False,
) -> Array:
    """`kernels.convolution.convolve`."""
    if direct or not winograd.serves(x, W, geometry.stride, geometry.padding):
        return convolution.convolve(x, W, b, geometry, relu=relu, direct=direct)
    U = winograd.transform_filters(W) if prepared is None else prepared[0]
    return winograd.convolve(x, U, b, padding=geometry.padding, relu=relu, steps=CompiledSteps)


def convolve_and_rectify(
    x: Array, W: Array, b: Array, geometry: Geometry, *, prepared: Prepared = None, direct: bool = False
) -> tuple[Array, Any]:
    """`kernels.convolution.convolve_and_rectify`."""
    if direct or not winograd.serves(x, W, geometry.stride, geometry.padding):
        return convolution.convolve_and_rectify(x, W, b, geometry, direct=direct)
    U = winograd.transform_filters(W) if prepared is None else prepared[0]
    positive = np.empty((len(x), *geometry.positions(x.shape[1:3]), len(W)), bool)
    z = winograd.convolve(x, U, b, padding=geometry.padding, relu=True, positive=positive, steps=CompiledSteps)
    return z, positive


def input_gradient(
    dz: Array, W: Array, geometry: Geometry, input_shape: Shape, *, where: Any = None, prepared: Prepared = None
) -> Array:
    """`kernels.convolution.input_gradient`."""
    if not winograd.serves(dz, W, geometry.stride, geometry.padding):
        return convolution.input_gradient(dz, W, geometry, input_shape, where=where)
    U = winograd.transform_filters(W, turned=True) if prepared is None else prepared[1]
    padding = winograd.FILTER - 1 - geometry.padding
    return winograd.convolve(dz, U, padding=padding, where=where, steps=CompiledSteps)
