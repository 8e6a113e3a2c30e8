"""The optimization problem of a style transfer at each size: its objective and its start."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from sfumato.arrays import Array, Shape, fingerprint
from sfumato.engine import Engine
from sfumato.errors import InputError
from sfumato.losses.content import ContentLoss
from sfumato.losses.features import TINY
from sfumato.random_keys import Stream, generator
from sfumato.style.control.colour import COLOURS, grey, move_colours, with_luminance
from sfumato.style.control.masks import covered_by, laid_over, make_regions, pooled_masks, read_mask, without_ground
from sfumato.style.inputs import (
    Style,
    Styles,
    files_of,
    inputs_of,
    picture_name,
    read_photo,
    read_picture,
    read_styles,
    shares_of_one,
    style_pairs,
)
from sfumato.style.neighbours import (
    Choice,
    Neighbours,
    assemble,
    find_neighbours,
    kept_like,
    matching_scale,
    places_of,
)
from sfumato.style.objective import StyleObjective, Term
from sfumato.style.pyramid import detail, resize
from sfumato.style.settings import LARGEST_EDGE, NEIGHBOURS, STARTS, Picture, StyleSettings, check_weight
from sfumato.style.tiles.features import features_of, moments_of, whole_features
from sfumato.style.tiles.tiling import TiledNetwork
from sfumato.style.vgg.network import layer_name, layer_names, load_vgg
from sfumato.workers import ALONE, Workers


class StyleProblem:
    """Pictures, network and settings of a style transfer, with its objective and its start at any size.

    Args:
        settings: The transfer's settings.
        content: The picture to paint.
        styles: The pictures whose style to take, with their weights if they do not weigh alike.
        masks: Pictures of the content's shape, each with the number of a style, from 1: what is white there takes it.
        on_download: Called with the bytes that have come and their total, if the network's weights have to be fetched.
        engine: Where to compute and in what precision, if not as the settings say.
        workers: The processes that share the tiles of every picture.

    Attributes:
        photo: What the content has beside its pixels: metadata, profile and transparency.
        files: The files that are read.
        inputs: The pictures among them, with their roles, names and digests.
    """

    def __init__(
        self,
        settings: StyleSettings,
        content: Picture,
        styles: Styles,
        masks: Sequence[tuple[Picture, int]] = (),
        on_download: Callable[[int, int], None] | None = None,
        engine: Engine | None = None,
        workers: Workers = ALONE,
    ) -> None:
        self.settings, self.workers = settings, workers
        self.engine = engine or settings.chosen_engine()
        self.content_layers = _shares(settings.content_layers, settings.network, "content")
        self.style_layers = _shares(settings.style_layers, settings.network, "style")
        self.content_name = picture_name(content, "the content")
        how = settings.reading
        photo = read_photo(content, how)
        self.content = photo.pixels
        self.photo = replace(photo, pixels=photo.pixels[:0].copy())
        self.styles = read_styles(styles, how)
        self.regions = make_regions(self.styles, masks, self.content.shape[:2], how)
        if settings.quiet_ground:
            self.regions = without_ground(self.regions, self.content, settings.quiet_ground)
        start = settings.start
        named = isinstance(start, str) and start in STARTS
        self.start = None if named else read_picture(start, how)
        mask = settings.content_mask
        self.content_mask = None if mask is None else read_mask(mask, self.content.shape[:2], how)
        if self.content_mask is not None and not self.content_mask.any():
            raise InputError(f"{picture_name(mask, 'a mask')}: is black everywhere: paint white where content counts")
        others = [style for style, _ in style_pairs(styles)] + [mask for mask, _ in masks]
        self.files = files_of(content, *others, settings.vgg_weights, mask, *(() if named else (start,)))
        self.inputs = inputs_of(content, styles, self.styles, masks, None if named else start, mask)
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
        """Digest of all pictures."""
        masks = [region.mask for region in self.regions]
        return fingerprint(
            self.content, self.start, self.content_mask, *(style.picture for style in self.styles), *masks
        )

    def objective(
        self,
        height: int,
        width: int,
        engine: Engine | None = None,
        tile: int | None = None,
        *,
        prepared: bool = False,
        neighbours: bool = True,
        painted: Array | None = None,
    ) -> StyleObjective:
        """Objective for a picture of this size.

        Args:
            height: Of the picture.
            width: Of the picture.
            engine: Where to compute and in what precision: float64 to check gradients; by default as the settings say.
            tile: Pixels that are worked at once, each way; None for all. The objective is the same but for rounding.
            prepared: Whether to keep the network's transformed filters instead of making them each time: on NumPy's
                arrays in seven times its memory.
            neighbours: Whether to look for neighbours, if the settings ask for them: at coarse scales there are none.
            painted: What is painted so far, of this size, (height, width, 3), for which neighbours are found, too; None
                for the content alone.
        """
        settings, engine = self.settings, engine or self.engine
        how: Any = {"engine": engine, "workers": self.workers, "prepared": prepared}
        network = TiledNetwork(self.vgg.network, engine.put(self.vgg.theta), height, width, tile, **how)
        terms = []
        if settings.content_weight:
            relative = settings.relative
            features = features_of(network, self._sized(self.content, height, width), self.content_layers)
            masks = self._pooled(self.content_mask, network, self.content_layers)
            for (layer, share), target in zip(self.content_layers.items(), features, strict=True):
                loss = ContentLoss(target, relative=relative, mask=masks.get(layer), workers=self.workers)
                terms.append(Term("content", layer, loss, settings.content_weight * share))
        if settings.style_weight:
            if self.matches and neighbours:
                terms += self._neighbour_terms(network, painted)
            terms += self._statistics_terms(network)
        return StyleObjective(network, terms, settings.tv_weight)

    def _statistics_terms(self, network: TiledNetwork) -> Iterator[Term]:
        """Terms of the style's statistics: a loss for each region and each style layer."""
        height, width = network.shape
        loss = self.settings.chosen_style_loss()
        by_style = {}
        for style in self.styles:
            picture = self._style_beside(style, height, width)
            by_style[style.number] = moments_of(network.resized(*picture.shape[:2]), picture, self.style_layers)
        for region in self.regions:
            shares = [style.share / sum(style.share for style in region.styles) for style in region.styles]
            masks = self._pooled(region.mask, network, self.style_layers)
            for number, (layer, share) in enumerate(self.style_layers.items()):
                mask = masks.get(layer)
                if mask is not None and not mask.any():
                    continue  # a region so thin at this size that nothing of it is left here
                targets = [by_style[style.number][number] for style in region.styles]
                weight = self.settings.style_weight * share * region.share
                yield Term("style", layer, loss(list(zip(targets, shares, strict=True)), mask), weight)

    @property
    def matches(self) -> bool:
        """Whether neighbours are looked for."""
        return self.settings.style_loss == NEIGHBOURS and self.settings.style_weight > 0

    def places(self, height: int, width: int) -> list[int]:
        """Places of a content of this size, and of each picture in which neighbours are looked for."""
        styles = [self.style_size(style, height, width) for style in self.styles for _ in range(self.turns)]
        sizes = [(height, width), *styles]
        return [math.prod(places_of(*size, matching_scale(*sizes))) for size in sizes]

    def neighbours(self, network: TiledNetwork, painted: Array | None = None) -> Neighbours:
        """Find the neighbour in the styles of each place of the content.

        Args:
            network: The network, for pictures of the size of `painted`.
            painted: What is painted so far, see `objective`.
        """
        return self._find(
            network, painted, self._sized(self.content, *network.shape), self._turned_styles(*network.shape)
        )

    def _find(
        self, network: TiledNetwork, painted: Array | None, content: Array, pictures: Sequence[Array]
    ) -> Neighbours:
        """Find neighbours in pictures that are sized, and turned, already."""
        shape = places_of(*network.shape, matching_scale(content.shape, *(picture.shape for picture in pictures)))
        return find_neighbours(network, list(self.style_layers), content, painted, pictures, self._choices(shape))

    @property
    def turns(self) -> int:
        """Number of pictures that each style is looked for in."""
        return 8 if self.settings.turned else 1

    def _turned_styles(self, height: int, width: int) -> list[Array]:
        """Pictures to find neighbours in: each style, or each of its eight symmetries."""
        pictures = [self._style_beside(style, height, width) for style in self.styles]
        if not self.settings.turned:
            return pictures
        return [
            np.rot90(one, turns) for picture in pictures for one in (picture, picture[:, ::-1]) for turns in range(4)
        ]

    def _neighbour_terms(self, network: TiledNetwork, painted: Array | None) -> Iterator[Term]:
        """Terms of the neighbours: at each layer, the distance to the features of each place's own."""
        content, pictures = self._sized(self.content, *network.shape), self._turned_styles(*network.shape)
        neighbours = self._find(network, painted, content, pictures)
        kept = kept_like(network)
        for layer, share in self.style_layers.items():
            of_styles = (
                whole_features(network.resized(*picture.shape[:2]), picture, layer, kept) for picture in pictures
            )
            own = whole_features(network, content, layer, kept) if (neighbours.pictures < 0).any() else None
            stride = network.fields[layer].stride
            target = assemble(neighbours, of_styles, own, network.shapes[layer][:2], stride)
            yield Term("style", layer, ContentLoss(target), self.settings.style_weight * share)

    def _choices(self, shape: tuple[int, int]) -> list[Choice]:
        """Regions as places: each place belongs to the region that has most of it."""
        turns = self.turns
        pictures = {one.number: range(turns * index, turns * (index + 1)) for index, one in enumerate(self.styles)}
        masks = [
            np.ones(shape) if region.mask is None else resize(region.mask, *shape, Image.Resampling.BILINEAR)[..., 0]
            for region in self.regions
        ]
        most = np.where(np.max(masks, axis=0) > 0, np.argmax(masks, axis=0), -1)
        choices = []
        for number, region in enumerate(self.regions):
            total = sum(style.share for style in region.styles)
            shares = [style.share / total for style in region.styles]
            choices.append(Choice(most == number, [pictures[style.number] for style in region.styles], shares))
        return choices

    def check_sizes(self, first: tuple[int, int], last: tuple[int, int]) -> None:
        """Refuse, before any work, a picture too small for the network's layers, or a style that is far too large.

        Args:
            first: Height and width of the picture at the first scale.
            last: Those at the last.

        Raises:
            InputError: if the picture, or a style beside it, is too small for the last layer; or a style too large.
        """
        for style in self.styles:
            edge = max(self.style_size(style, *last))
            if edge > LARGEST_EDGE:
                remedy = f"{LARGEST_EDGE} is the most; choose a smaller style_scale=..."
                raise InputError(f"{style.name}: would be {edge} pixels long, and {remedy}")
        sizes = {style.name: self.style_size(style, *first) for style in self.styles}
        for name, size in [(self.content_name, first), *sizes.items()]:
            try:
                self.vgg.network(*size)
            except InputError as error:
                remedy = "size or style_scale=..." if name in sizes else "size, fewer scales or earlier layers"
                raise InputError(f"{name}: {error}; choose a larger {remedy}") from error

    def check_regions(self, height: int, width: int) -> None:
        """Refuse a region that no style layer sees at this size.

        Raises:
            InputError: if there is one.
        """
        shapes = self.vgg.network(height, width).shapes
        for region in self.regions:
            if region.mask is None:
                continue
            if not any(mask.any() for _, mask in self._masks(region.mask, shapes, self.style_layers)):
                remedy = "paint more white in its mask, or choose a larger size"
                place = f"at {width} x {height} pixels"
                raise InputError(f"{region.styles[0].name}: nothing is left of its region {place}; {remedy}")

    def _masks(self, mask: Array, shapes: Mapping[str, Shape], layers: Iterable[str]) -> Iterator[tuple[str, Array]]:
        """Mask at each of some layers, (1, rows, columns, 1), by the layer's name."""
        height, width, _ = next(iter(shapes.values()))
        sized = resize(mask, height, width, Image.Resampling.BILINEAR)  # whose filter has no overshoots
        return ((layer, pooled) for layer, pooled in pooled_masks(sized, shapes) if layer in layers)

    def _pooled(self, mask: Array | None, network: TiledNetwork, layers: Iterable[str]) -> dict[str, Array]:
        """Mask at each of some layers, where the network computes, by the layer's name; nothing without a mask."""
        if mask is None:
            return {}
        pooled = self._masks(mask.astype(network.engine.numpy_dtype, copy=False), network.shapes, layers)
        return {layer: network.engine.put(own) for layer, own in pooled}

    def first(self, height: int, width: int) -> Array:
        """Start of the optimization, (height, width, 3)."""
        source = self._source()
        if source is not None:
            return self._sized(source, height, width)
        noise = generator(self.settings.seed, Stream.PICTURE).standard_normal((height, width, 3))
        if self.settings.start == "noise":
            picture = 0.5 + 0.25 * noise
        else:
            mean, products = np.zeros(3), np.zeros((3, 3))
            for style in self.styles:
                colours = self._style_beside(style, height, width).reshape(-1, 3).astype(np.float64)
                mean += style.share * colours.mean(axis=0)
                products += style.share * (colours.T @ colours) / len(colours)
            root = np.linalg.cholesky(products - np.outer(mean, mean) + 1e-6 * np.eye(3))
            picture = mean + noise @ root.T
        return np.clip(picture, 0.0, 1.0).astype(np.float32)

    def enlarge(self, picture: Array, height: int, width: int) -> Array:
        """Enlarge the picture to the next size, and add the detail that its source has there and lacked before.

        Enlarging alone would leave to the content loss to find again what the smaller size could not show. Noise has
        no detail that is worth keeping.
        """
        larger, source = resize(picture, height, width), self._source()
        if source is not None:
            larger += detail(self._sized(source, height, width), *picture.shape[:2])
        return np.clip(larger, 0.0, 1.0, out=larger)

    def finish(self, picture: Array) -> Array:
        """Give a painted picture (height, width, 3) the colours that the settings ask for.

        With neighbours these are the style's mean and covariance, from which the features of many places have moved
        them towards grey; as far as the style has its part of the weights. Luminance goes under the content's colours,
        if they are kept. Pixels outside every mask become the content's.
        """
        luminance, covered = COLOURS[self.settings.colour].luminance, covered_by(self.regions)
        if self.matches and not luminance and not COLOURS[self.settings.colour].alone:
            weights = self.settings.style_weight, self.settings.content_weight
            picture = self._moved_to_styles(picture, weights[0] / sum(weights))
        if not luminance and covered is None:
            return picture
        content = resize(self.content, *picture.shape[:2])
        if luminance:
            picture = with_luminance(picture, content)
        return picture if covered is None else laid_over(picture, content, covered)

    def recoloured(self, height: int, width: int) -> Array:
        """The content, (height, width, 3), in the colours of its styles."""
        return self._moved_to_styles(resize(self.content, height, width), 1.0)

    def _moved_to_styles(self, picture: Array, part: float) -> Array:
        """Move a picture's colours to those of its styles, in part: to each style's in its share, region by region."""
        height, width, _ = picture.shape
        moved, covered = np.zeros_like(picture), np.full((height, width, 1), TINY, np.float32)
        for region in self.regions:
            mask, counted = np.ones_like(covered), None
            if region.mask is not None:
                mask = resize(region.mask, height, width, Image.Resampling.BILINEAR)
                counted = mask[..., 0] > 0.5
                if not counted.any():
                    continue
            total = sum(style.share for style in region.styles)
            for style in region.styles:
                as_it_is = COLOURS[self.settings.colour].recolour is None
                goal = style.picture if as_it_is else self._style_beside(style, height, width)
                own = move_colours(picture, goal, counted)
                moved += style.share / total * mask * own
            covered += mask
        found = covered > TINY
        return np.where(found, picture + part * (moved / covered - picture), picture)

    def _source(self) -> Array | None:
        return self.content if self.start is None and self.settings.start == "content" else self.start

    def style_size(self, style: Style, height: int, width: int) -> tuple[int, int]:
        """Height and width of a style beside a picture of this size: the same long edge, times the style's scale."""
        h, w = style.picture.shape[:2]
        factor = max(height, width) * self.settings.style_scale / max(h, w)
        return max(1, round(h * factor)), max(1, round(w * factor))

    def _sized(self, picture: Array, height: int, width: int) -> Array:
        """Resize a picture, to its luminance alone where only that is painted."""
        sized = resize(picture, height, width)
        return grey(sized) if COLOURS[self.settings.colour].luminance else sized

    def _style_beside(self, style: Style, height: int, width: int) -> Array:
        """Resize a style for a picture of this size, and convert its colours as the settings say."""
        sized = resize(style.picture, *self.style_size(style, height, width))
        recolour = COLOURS[self.settings.colour].recolour
        return sized if recolour is None else recolour(sized, resize(self.content, height, width))


def _shares(layers: Mapping[str, float], network: str, kind: str) -> dict[str, float]:
    """Layers by their canonical names with their shares, which add up to one; those without weight are left out."""
    if not (isinstance(layers, Mapping) and all(isinstance(name, str) for name in layers)):
        raise InputError(f"{kind} layers are given with their weights, such as {{'conv4_2': 1.0}}, not as {layers!r}")
    names = [layer_name(name, network) for name in layers]
    if len(set(names)) < len(names):
        raise InputError(f"a {kind} layer is named twice: {', '.join(layers)}")
    weights = [check_weight(name, weight) for name, weight in layers.items()]
    shares = zip(names, shares_of_one(weights, f"{kind} layer"), strict=True)
    return {name: share for name, share in shares if share}
