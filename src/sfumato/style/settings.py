"""What can be asked of a style transfer, and what is taken where nothing is asked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal

from sfumato.arrays import Array
from sfumato.checks import one_of
from sfumato.engine import Engine, choose_engine
from sfumato.errors import InputError
from sfumato.random_keys import Stream, generator
from sfumato.style.losses import STYLE_LOSSES

Picture = str | Path | Array
"""A file, or an array (height, width, 3): RGB of type uint8, or floating point from 0 to 1."""

STARTS = ("content", "noise", "colour")

COLOURS = ("style", "luminance", "match", "match-cholesky", "histogram")
"""Where colours come from: the style; or the content. Its colours stay under the painted "luminance", or the style's
are matched to them beforehand: mean and covariance by symmetric roots ("match") or Cholesky's, or each histogram."""

PRECISIONS = ("float32", "bfloat16", "float16")

LEAST_EDGE = 16
"""Pixels that a picture needs each way to have any content or style."""

LARGEST_EDGE = 2**16
"""Pixels that a picture may have each way: 4,000 megapixels if it is square."""

LEARNING_RATES = {
    "lbfgs": 0.01,
    "adam": 0.02,
    "adamw": 0.02,
    "rmsprop": 0.005,
    "gd": 0.001,
    "momentum": 0.002,
    "nesterov": 0.0002,
}
"""In pixel values, which go from 0 to 1, a step. Adam and RMSProp divide by the gradient's own size, so their steps are
about that long; the rates of the others are for a gradient that is one on average where each scale starts, so that
L-BFGS and gradient descent begin with a step of just that length, and momentum comes to it. (Gradient descent and
momentum take less where that would go further than a straight line has loss to lose.)"""


@dataclass(frozen=True)
class StyleSettings:
    """Settings of a style transfer.

    Args:
        size: Long edge of the result in pixels, or "full" for the content's own size.
        start: What the first scale starts from: "content", as in the reference; "noise"; "colour", noise with the
            style's mean and covariance of colours; or a picture.
        style_scale: Size of the style pictures' long edge in that of the result: larger means larger strokes.
        colour: Where colours come from: "style"; the content, by painting in "luminance" alone; or the content, by
            giving the style picture its colours beforehand, see `COLOURS`.
        first_frame: Take the first frame of an animation, which is refused otherwise.
        content_weight: alpha, the weight of the content loss.
        style_weight: beta, the weight of the style loss.
        tv_weight: Weight of the total variation, against noise.
        content_layers: Layers whose features shall stay, with their relative weights.
        style_layers: Layers whose statistics shall become the style's, with their relative weights.
        style_loss: "gram" is relative, so that the weights mean the same at every size; "gram-reference" is the
            reference's own, with its content loss; "wasserstein" compares means and covariances.
        normalize_gradients: Divide each loss by the norm of its gradient at the start of each scale.
        pooling: "max", as the network was trained, or "average", which is smoother.
        network: "vgg19" or "vgg16".
        vgg_weights: "builtin", "keras" (fetched once) or a file.
        optimizer: "lbfgs", "adam", or another of `OPTIMIZERS`.
        learning_rate: By default what suits the optimizer, see `LEARNING_RATES`.
        steps: Steps at each scale, at most: a scale ends when the loss no longer falls.
        scales: Number of sizes worked from coarse to fine, growing by the square root of two; by default as many as
            there are above 128 pixels. 1 works at the final size alone, as the reference does.
        seed: Of the noise to start from.
        memory: Bytes that the whole process may take at most; by default three quarters of the machine's memory. A
            picture that needs more is worked in tiles. On a GPU it is that of the GPU.
        backend: "numpy" or "torch"; by default PyTorch on a GPU, if it sees one, and NumPy if not.
        device: PyTorch's: "cpu", "cuda", "cuda:1", "mps".
        precision: What the network computes in: "float32", or on PyTorch "bfloat16" or "float16"; pixels, Gram sums and
            losses stay in float32.

    Raises:
        InputError: for a setting out of range.
    """

    size: int | Literal["full"] = 512
    start: Picture = "content"
    style_scale: float = 1.0
    colour: Literal["style", "luminance", "match", "match-cholesky", "histogram"] = "style"
    first_frame: bool = False
    content_weight: float = 1.0
    style_weight: float = 10.0
    tv_weight: float = 0.0
    content_layers: Mapping[str, float] = field(default_factory=lambda: {"block4_conv2": 1.0})
    style_layers: Mapping[str, float] = field(default_factory=lambda: {f"block{n}_conv1": 1.0 for n in range(1, 6)})
    style_loss: Literal["gram", "gram-reference", "wasserstein"] = "gram"
    normalize_gradients: bool = False
    pooling: Literal["max", "average"] = "max"
    network: Literal["vgg19", "vgg16"] = "vgg19"
    vgg_weights: str = "builtin"
    optimizer: str = "lbfgs"
    learning_rate: float | None = None
    steps: int = 50
    scales: int | None = None
    seed: int = 0
    memory: int | None = None
    backend: str | None = None
    device: str | None = None
    precision: str | None = None

    def __post_init__(self) -> None:
        self._check()
        for name in ("style_scale", "content_weight", "style_weight", "tv_weight", "learning_rate"):
            self._make_plain(name, float)
        for name in ("size", "steps", "scales", "seed", "memory"):
            self._make_plain(name, int)

    def engine(self) -> Engine:
        """Where to compute, and in what precision.

        Raises:
            InputError: if that is not to be had here.
        """
        return choose_engine(self.backend, self.device, self.precision, precisions=PRECISIONS)

    def _make_plain(self, name: str, kind: type) -> None:
        """NumPy's numbers become Python's, which a checkpoint's header can hold."""
        value = getattr(self, name)
        if isinstance(value, Real):
            object.__setattr__(self, name, kind(value))

    def _check(self) -> None:
        if self.size != "full":
            _check_whole("size", self.size, least=LEAST_EDGE, most=LARGEST_EDGE)
        _check_whole("number of steps", self.steps)
        if self.scales is not None:
            _check_whole("number of scales", self.scales)
        if self.memory is not None:
            _check_whole("memory", self.memory, most=2**62)
        one_of("way with colours", self.colour, COLOURS)
        one_of("style loss", self.style_loss, STYLE_LOSSES)
        for name in ("content_weight", "style_weight", "tv_weight"):
            check_weight(name.partition("_")[0], getattr(self, name))
        if not self.content_weight + self.style_weight:
            raise InputError("content and style have no weight, so there is nothing to paint: give one of them some")
        for name in ("style_scale", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, Real) and 0 < float(value) < math.inf):
                raise InputError(f"the {name.replace('_', ' ')} must be a positive number, not {value}")
        if not isinstance(self.seed, Integral):
            raise InputError(f"the seed must be a whole number, not {self.seed}")
        generator(int(self.seed), Stream.PICTURE)  # refuses a seed out of range


def check_weight(name: str, weight: Any) -> float:
    """The weight, if it is one.

    Raises:
        InputError: if it is negative, infinite or no number.
    """
    if not (isinstance(weight, Real) and 0 <= float(weight) < math.inf):
        raise InputError(f"the weight of {name} must be a number of 0 or more, not {weight}")
    return float(weight)


def _check_whole(name: str, value: Any, least: int = 1, most: int = 10**6) -> None:
    if not isinstance(value, Integral) or int(value) < least:
        raise InputError(f"the {name} must be a whole number of at least {least}, not {value}")
    if int(value) > most:
        raise InputError(f"the {name} must be at most {most}")
