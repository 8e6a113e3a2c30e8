"""What a style transfer has to solve at each size: from pictures and settings to an objective and a start."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

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
from sfumato.style.settings import LEAST_EDGE, STARTS, Picture, StyleSettings, check_weight
from sfumato.style.vgg import layer_name, layer_names, load_vgg

BYTES_A_PIXEL = 1500
"""Memory that VGG's features and their gradients take for each pixel, and L-BFGS's memory, at 512 pixels and above."""


class Style(NamedTuple):
    """A style.

    Attributes:
        name: What to call it in an error.
        picture: (height, width, 3), bytes, or floating point from 0 to 1.
        share: Its part of the style, of one in all.
    """

    name: str
    picture: Array
    share: float


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
        settings: StyleSettings,
        content: Picture,
        styles: Picture | Sequence[Picture | tuple[Picture, float]],
        on_download: Callable[[int, int], None] | None = None,
    ) -> None:
        self.settings = settings
        self.content_layers = _shares(settings.content_layers, settings.network, "content")
        self.style_layers = _shares(settings.style_layers, settings.network, "style")
        self.content, self.content_name = _read(content), _name(content, "the content")
        self.styles = _read_styles(styles)
        start = settings.start
        self.start = None if isinstance(start, str) and start in STARTS else _read(start)
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
        return fingerprint(self.content, self.start, *(style.picture for style in self.styles))

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
        needed = {self.content_name: sizes[-1]}
        self._check_visible(self.content_name, sizes[0], "size, fewer scales or earlier layers")
        for style in self.styles:
            self._check_visible(style.name, self._style_size(style, *sizes[0]), "size or style scale")
            needed[style.name] = max(needed.get(style.name, (0, 0)), self._style_size(style, *sizes[-1]), key=math.prod)
        total = psutil.virtual_memory().total
        for name, (height, width) in needed.items():
            if height * width * BYTES_A_PIXEL > total:
                memory = f"{height * width * BYTES_A_PIXEL / 1e9:.0f} GB of memory"
                raise InputError(
                    f"{name}: at {width} x {height} pixels it takes about {memory}, and this machine has "
                    f"{total / 1e9:.0f}; choose a smaller size or style scale"
                )

    def _check_visible(self, name: str, size: tuple[int, int], remedy: str) -> None:
        try:
            self.vgg.network(*size)
        except InputError as error:
            raise InputError(f"{name}: {error}; choose a larger {remedy}") from error

    def first(self, height: int, width: int) -> Array:
        """The picture to begin with, (height, width, 3)."""
        source = self._source()
        if source is not None:
            return resize(source, height, width)
        noise = generator(self.settings.seed, Stream.PICTURE).standard_normal((height, width, 3))
        if self.settings.start == "noise":
            picture = 0.5 + 0.25 * noise
        else:
            mean, products = np.zeros(3), np.zeros((3, 3))
            for style in self.styles:
                sized = resize(style.picture, *self._style_size(style, height, width))
                colours = sized.reshape(-1, 3).astype(np.float64)
                mean += style.share * colours.mean(axis=0)
                products += style.share * (colours.T @ colours) / len(colours)
            root = np.linalg.cholesky(products - np.outer(mean, mean) + 1e-6 * np.eye(3))
            picture = mean + noise @ root.T
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

    def _style_size(self, style: Style, height: int, width: int) -> tuple[int, int]:
        """Height and width of a style beside a picture of this size: the same long edge, times the style's scale."""
        h, w = style.picture.shape[:2]
        factor = max(height, width) * self.settings.style_scale / max(h, w)
        return max(1, round(h * factor)), max(1, round(w * factor))

    def _targets(self, theta: Array, height: int, width: int) -> list[list[tuple[Moments, float]]]:
        """For each style layer the moments of every style, at its size beside a picture of this size."""
        by_style = [
            self._measure(
                theta, resize(style.picture, *self._style_size(style, height, width)), self.style_layers, _moments
            )
            for style in self.styles
        ]
        shares = [style.share for style in self.styles]
        return [list(zip(layer, shares, strict=True)) for layer in zip(*by_style, strict=True)]

    def _measure(self, theta: Array, picture: Array, layers: Mapping[str, float], head: Head) -> Sequence[Any]:
        network = self.vgg.network(*picture.shape[:2])
        image = picture[np.newaxis].astype(theta.dtype, copy=False)
        return network.measure(network.parameters(theta), image, [(layer, head) for layer in layers], NOTHING)[0]


def _features(z: Array) -> tuple[Array, Any]:
    return z, None


def _moments(z: Array) -> tuple[Moments, Any]:
    return moments(z), None


def _name(picture: Any, otherwise: str) -> str:
    return str(picture) if isinstance(picture, str | Path) else otherwise


def _read(picture: Any) -> Array:
    """A picture as (height, width, 3): bytes as they are, anything else in float32 from 0 to 1."""
    pixels = read_image(picture) if isinstance(picture, str | Path) else np.asarray(picture)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype.kind not in "uf":
        raise InputError(f"a picture is an array (height, width, 3) of RGB, not {pixels.dtype} of {pixels.shape}")
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_EDGE:
        name = _name(picture, "a picture")
        raise InputError(f"{name}: is {width} x {height} pixels; a picture needs at least {LEAST_EDGE} each way")
    if pixels.dtype != np.uint8 and not (pixels.dtype.kind == "f" and pixels.min() >= 0 and pixels.max() <= 1):
        raise InputError("the numbers of a picture are uint8, or floating point from 0 to 1")
    return pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)


def _read_styles(styles: Any) -> list[Style]:
    """Styles with their shares, which add up to one."""
    several = list(styles) if isinstance(styles, list | tuple) else [styles]
    pairs = [style if isinstance(style, tuple) else (style, 1.0) for style in several]
    if not all(len(pair) == 2 and isinstance(pair[0], str | Path | np.ndarray) for pair in pairs):
        raise InputError("a style is a picture, or a picture and its weight: give one, or a list of them")
    weights = [check_weight(_name(picture, "a style"), weight) for picture, weight in pairs]
    shares = _shares_of_one(weights, "style")
    return [
        Style(_name(picture, "a style"), _read(picture), share)
        for (picture, _), share in zip(pairs, shares, strict=True)
        if share
    ]


def _shares(layers: Mapping[str, float], network: str, kind: str) -> dict[str, float]:
    """Layers by their canonical names with their shares, which add up to one; those without weight are left out."""
    if not (isinstance(layers, Mapping) and all(isinstance(name, str) for name in layers)):
        raise InputError(f"{kind} layers are given with their weights, such as {{'conv4_2': 1.0}}, not as {layers!r}")
    names = [layer_name(name, network) for name in layers]
    if len(set(names)) < len(names):
        raise InputError(f"a {kind} layer is named twice: {', '.join(layers)}")
    weights = [check_weight(name, weight) for name, weight in layers.items()]
    shares = zip(names, _shares_of_one(weights, f"{kind} layer"), strict=True)
    return {name: share for name, share in shares if share}


def _shares_of_one(weights: Sequence[float], kind: str) -> list[float]:
    total = sum(weights)
    if not 0 < total < math.inf:
        raise InputError(f"the weights of the {kind}s add up to {total}: give at least one some, and none too much")
    return [weight / total for weight in weights]
