"""What a style transfer has to solve at each size: from pictures and settings to an objective and a start."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import psutil

from sfumato.arrays import Array, Stream, fingerprint, generator
from sfumato.errors import InputError
from sfumato.layers.base import NOTHING
from sfumato.network import Head
from sfumato.style.images import read_image
from sfumato.style.losses import STYLE_LOSSES, ContentLoss, Moments, moments
from sfumato.style.objective import StyleObjective, Term
from sfumato.style.pyramid import detail, resize
from sfumato.style.vgg import layer_name, layer_names, load_vgg

if TYPE_CHECKING:
    from sfumato.style.transfer import StyleTransfer

Picture = str | Path | Array
"""A file, or an array (height, width, 3): RGB of type uint8, or floating point from 0 to 1."""

STARTS = ("content", "noise", "colour")

BYTES_A_PIXEL = 1500
"""Memory that VGG's features and their gradients take for each pixel, and L-BFGS's memory, at 512 pixels and above."""

LEAST_EDGE = 16
"""Pixels that a picture needs each way to have any content or style."""


class StyleProblem:
    """Pictures, network and settings: gives the objective at any size, and where to start.

    Args:
        settings: The transfer's settings.
        content: The picture to paint.
        styles: The pictures whose style to take, with their weights if they do not weigh alike.
        on_download: Called with the bytes that have come and their total, if the network's weights have to be fetched.
    """

    def __init__(
        self,
        settings: "StyleTransfer",
        content: Picture,
        styles: Picture | Sequence[Picture | tuple[Picture, float]],
        on_download: Callable[[int, int], None] | None = None,
    ) -> None:
        self.settings = settings
        self.content = _read(content)
        self.styles = _read_styles(styles)
        start = settings.start
        self.start = None if isinstance(start, str) and start in STARTS else _read(start)
        self.content_layers = _shares(settings.content_layers, settings.network, "content")
        self.style_layers = _shares(settings.style_layers, settings.network, "style")
        used = [
            *(self.content_layers if settings.content_weight else ()),
            *(self.style_layers if settings.style_weight else ()),
        ]
        last = max(used, key=layer_names(settings.network).index)
        self.vgg = load_vgg(
            settings.network,
            weights=settings.vgg_weights,
            last=last,
            pooling=settings.pooling,
            progress=on_download,
        )

    def fingerprint(self) -> str:
        """A digest of all pictures."""
        return fingerprint(self.content, self.start, *(picture for picture, _ in self.styles))

    def objective(self, height: int, width: int, dtype: npt.DTypeLike = np.float32) -> StyleObjective:
        """What a picture of this size minimises, computed in float32 to paint or in float64 to check gradients."""
        settings, network = self.settings, self.vgg.network(height, width)
        theta = self.vgg.theta.astype(dtype, copy=False)
        terms = []
        if settings.content_weight:
            relative = settings.style_loss != "gram-reference"
            features = self._measure(theta, resize(self.content, height, width), self.content_layers, _features)
            for (layer, share), target in zip(self.content_layers.items(), features, strict=True):
                loss = ContentLoss(target, relative=relative)
                terms.append(Term("content", layer, loss, settings.content_weight * share))
        if settings.style_weight:
            for (layer, share), targets in zip(
                self.style_layers.items(), self._targets(theta, height, width), strict=True
            ):
                style_loss = STYLE_LOSSES[settings.style_loss](targets)
                terms.append(Term("style", layer, style_loss, settings.style_weight * share))
        return StyleObjective(network, theta, terms, settings.tv_weight)

    def check_sizes(self, sizes: Sequence[tuple[int, int]]) -> None:
        """Refuse, before any work, what the network cannot see or this machine cannot hold.

        Args:
            sizes: Height and width at each scale, growing.

        Raises:
            InputError: if a picture is too small for the last layer at the first scale, or needs more memory than there
                is at the last.
        """
        self.vgg.network(*sizes[0])
        total = psutil.virtual_memory().total
        needed = {"the result": sizes[-1]}
        for style, _ in self.styles:
            try:
                self.vgg.network(*self._style_size(style, *sizes[0]))
            except InputError as error:
                raise InputError(f"a style at the first scale: {error}; choose a larger size or style scale") from error
            needed["a style"] = max(needed.get("a style", (0, 0)), self._style_size(style, *sizes[-1]), key=math.prod)
        for name, (height, width) in needed.items():
            if height * width * BYTES_A_PIXEL > total:
                raise InputError(
                    f"{name} of {width} x {height} pixels takes about {height * width * BYTES_A_PIXEL / 1e9:.0f} GB of "
                    f"memory, and this machine has {total / 1e9:.0f}: choose a smaller size or style scale"
                )

    def first(self, height: int, width: int) -> Array:
        """The picture to begin with, (height, width, 3)."""
        source = self._source()
        if source is not None:
            return resize(source, height, width)
        noise = generator(self.settings.seed, Stream.PICTURE).standard_normal((height, width, 3))
        if self.settings.start == "noise":
            picture = 0.5 + 0.25 * noise
        else:
            sized = [resize(style, *self._style_size(style, height, width)) for style, _ in self.styles]
            pixels = np.concatenate([style.reshape(-1, 3) for style in sized])
            root = np.linalg.cholesky(np.cov(pixels.T) + 1e-6 * np.eye(3))
            picture = pixels.mean(axis=0) + noise @ root.T
        return np.clip(picture, 0.0, 1.0).astype(np.float32)

    def enlarge(self, picture: Array, height: int, width: int) -> Array:
        """The picture at the next size, with the detail put back that its source has there and had not before.

        Enlarging alone would leave to the content loss to find again what the smaller size could not show. Noise has
        no detail that is worth keeping.
        """
        larger, source = resize(picture, height, width), self._source()
        if source is not None:
            larger += detail(resize(source, height, width), *picture.shape[:2])
        return np.clip(larger, 0.0, 1.0, out=larger)

    def _source(self) -> Array | None:
        return self.content if self.start is None and self.settings.start == "content" else self.start

    def _style_size(self, style: Array, height: int, width: int) -> tuple[int, int]:
        """Height and width of a style beside a picture of this size: the same long edge, times the style's scale."""
        factor = max(height, width) * self.settings.style_scale / max(style.shape[:2])
        return max(1, round(style.shape[0] * factor)), max(1, round(style.shape[1] * factor))

    def _targets(self, theta: Array, height: int, width: int) -> list[list[tuple[Moments, float]]]:
        """For each style layer the moments of every style, at its size beside a picture of this size."""
        by_style = [
            self._measure(theta, resize(style, *self._style_size(style, height, width)), self.style_layers, _moments)
            for style, _ in self.styles
        ]
        weights = [weight for _, weight in self.styles]
        return [list(zip(layer, weights, strict=True)) for layer in zip(*by_style, strict=True)]

    def _measure(self, theta: Array, picture: Array, layers: Mapping[str, float], head: Head) -> Sequence[Any]:
        network = self.vgg.network(*picture.shape[:2])
        heads = [*((layer, head) for layer in layers), (network.names[-1], _nothing)]
        image = picture[np.newaxis].astype(theta.dtype, copy=False)
        measured, _ = network.measure(network.parameters(theta), image, heads, NOTHING)
        return measured[:-1]


def _features(z: Array) -> tuple[Array, Any]:
    return z, None


def _moments(z: Array) -> tuple[Moments, Any]:
    return moments(z), None


def _nothing(z: Array) -> tuple[None, Any]:
    return None, None


def _read(picture: Any) -> Array:
    """A picture as (height, width, 3): bytes as they are, anything else in float32 from 0 to 1."""
    name = str(picture) if isinstance(picture, str | Path) else "a picture"
    pixels = read_image(picture) if isinstance(picture, str | Path) else np.asarray(picture)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype.kind not in "uf":
        raise InputError(f"a picture is an array (height, width, 3) of RGB, not {pixels.dtype} of {pixels.shape}")
    if pixels.dtype != np.uint8 and not (pixels.dtype.kind == "f" and pixels.min() >= 0 and pixels.max() <= 1):
        raise InputError("the numbers of a picture are uint8, or floating point from 0 to 1")
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_EDGE:
        raise InputError(f"{name}: is {width} x {height} pixels; a picture needs at least {LEAST_EDGE} each way")
    return pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)


def _read_styles(styles: Any) -> list[tuple[Array, float]]:
    """Styles with their shares, which add up to one."""
    several = [styles] if isinstance(styles, str | Path | np.ndarray) else list(styles)
    pairs = [style if isinstance(style, tuple) else (style, 1.0) for style in several]
    if not pairs:
        raise InputError("there is no style to paint in: name at least one picture")
    weights = [check_weight("a style", weight) for _, weight in pairs]
    if not sum(weights):
        raise InputError("no style has any weight: give one of them some")
    return [(_read(picture), weight / sum(weights)) for (picture, _), weight in zip(pairs, weights, strict=True)]


def _shares(layers: Mapping[str, float], network: str, kind: str) -> dict[str, float]:
    """Layers by their canonical names with their shares, which add up to one; those without weight are left out."""
    named = [(layer_name(name, network), check_weight(name, weight)) for name, weight in layers.items()]
    shares = {name: weight / sum(weight for _, weight in named) for name, weight in named if weight}
    if not shares:
        raise InputError(f"no {kind} layer has any weight: name at least one")
    if len({name for name, _ in named}) < len(named):
        raise InputError(f"a {kind} layer is named twice: {', '.join(layers)}")
    return shares


def check_weight(name: str, weight: float) -> float:
    """The weight, if it is one.

    Raises:
        InputError: if it is negative, infinite or not a number.
    """
    if not (math.isfinite(weight) and weight >= 0):
        raise InputError(f"the weight of {name} must be a number of 0 or more, not {weight}")
    return float(weight)
