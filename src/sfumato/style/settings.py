"""The settings of a style transfer: each with its type, default, choices and meaning, defined once.

The command line's options, the table in the README and the docstring of `StyleSettings` come from these fields.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, NamedTuple

from PIL import Image

from sfumato.arrays import Array
from sfumato.checkpoint import stable_repr
from sfumato.checks import memory_size, one_of
from sfumato.engine import Engine, allowed_memory, as_engine
from sfumato.errors import InputError
from sfumato.losses.gram import GramLoss, StyleLoss
from sfumato.optimizers import OPTIMIZERS, Optimizer, as_optimizer
from sfumato.paths import user_path
from sfumato.random_keys import Stream, generator
from sfumato.settings_fields import described, documented
from sfumato.style.control.colour import COLOURS
from sfumato.style.losses import STYLE_LOSSES
from sfumato.style.vgg.architecture import BLOCKS
from sfumato.style.vgg.network import POOLINGS

Picture = str | Path | Array | Image.Image
"""A file, a picture of Pillow's, or an array (height, width, 3) of RGB, (height, width, 4) with opacity, or (height,
width) of grey: of type uint8, of floating point from 0 to 1, or boolean."""

STARTS = ("content", "noise", "colour")

NEIGHBOURS = "neighbours"
"""The style loss that compares places and not statistics."""

STYLE_LOSS_NAMES = (NEIGHBOURS, *STYLE_LOSSES)

STYLE_PRECISIONS = ("float32", "bfloat16", "float16")

LEAST_EDGE = 16
"""Pixels that a picture needs each way to have any content or style."""

LARGEST_EDGE = 2**16
"""Pixels that a picture may have each way: 4,000 megapixels if it is square."""

LARGEST_SCALE = LARGEST_EDGE // LEAST_EDGE
"""A style's size in that of the result, at most: that of the largest style beside the smallest result."""

LONG, ROOM = 10**6, 10**9
"""Square of the long edge, times steps, from which compiled loops save more time than loading them takes; and bytes
allowed below which tiles need the memory that compiled loops take themselves."""

LEARNING_RATES = {name: optimizer.picture_learning_rate for name, optimizer in OPTIMIZERS.items()}
"""Learning rates of painting, in pixel values, which go from 0 to 1, a step; see `Optimizer.painting_rate`. Adam and
RMSProp divide by the gradient's own size, so their steps are about that long; the rates of the others are for a
gradient that is one on average where each scale starts, so that L-BFGS and gradient descent begin with a step of just
that length, and momentum comes to it. (Gradient descent and momentum take less where that would go further than a
straight line has loss to lose.)"""


class Reading(NamedTuple):
    """Limits of reading pictures.

    Attributes:
        first_frame: Take the first frame of an animation, which is refused otherwise.
        memory: Bytes that the process may take; None for any number.
    """

    first_frame: bool = False
    memory: int | None = None


AS_THEY_COME = Reading()


@dataclass(frozen=True)
class StyleSettings:
    """Settings of a style transfer."""

    size: int | Literal["full"] = field(
        default=512,
        metadata=described(
            "Long edge of the result in pixels; full: the content's.",
            python='Long edge of the result in pixels, or "full" for the content\'s own size.',
            metavar="N|full",
            remark="long edge of the result",
        ),
    )
    start: Picture = field(
        default="content",
        metadata=described(
            "What to start from; colour: noise in the style's colours.",
            python='What the first scale starts from: "content", as in the reference; "noise"; "colour", noise with '
            "the style's mean and covariance of colours; or a picture.",
            metavar="|".join([*STARTS, "FILE"]),
        ),
    )
    style_scale: float = field(
        default=1.0,
        metadata=described(
            "Size of the styles beside the result: larger means larger strokes.",
            python="Size of the style pictures' long edge in that of the result: larger means larger strokes.",
            metavar="FACTOR",
            remark="larger strokes",
        ),
    )
    colour: str = field(
        default="style",
        metadata=described(
            "Whose colours: the style's; or the content's, by painting in luminance alone, or by matching the style to "
            "them beforehand; only: the style's colours without its strokes, in a moment.",
            python='Where colours come from: "style"; the content, by painting in "luminance" alone; or the content, '
            'by giving the style picture its colours beforehand, see `COLOURS`. "only" paints nothing, and gives the '
            "content the style's colours.",
            choices=COLOURS,
            remark="whose colours",
        ),
    )
    quiet_ground: float = field(
        default=0.0,
        metadata=described(
            "Leave a flat ground, such as white paper, as it is: from 0 to 1, altogether.",
            python="How far a flat ground of the content, such as white paper or a clear sky, stays as it is: from 0, "
            "not at all, to 1, altogether; see `flat_ground`.",
            metavar="0..1",
            remark="a flat ground stays",
        ),
    )
    first_frame: bool = field(
        default=False,
        metadata=described(
            "Take the first frame of an animation.",
            python="Take the first frame of an animation, which is refused otherwise.",
            remark="of an animation",
        ),
    )
    content_weight: float = field(
        default=1.0,
        metadata=described(
            "Of what the picture shows.", python="alpha, the weight of the content loss.", metavar="ALPHA"
        ),
    )
    content_mask: Picture | None = field(
        default=None,
        metadata=described(
            "Where the content counts: a picture of its shape, white where in full, with greys for less.",
            python="How much the content counts where: a picture of its shape, white (or True) where in full and black "
            "where not at all; by default in full everywhere. A face in white on grey, and a larger content weight, "
            "keep the face.",
            metavar="FILE",
            remark="where it counts",
            shown="everywhere",
        ),
    )
    style_weight: float = field(
        default=10.0,
        metadata=described("Of how it is painted.", python="beta, the weight of the style loss.", metavar="BETA"),
    )
    tv_weight: float = field(
        default=10.0,
        metadata=described(
            "Of the total variation, against noise.",
            python="Weight of the total variation. The default ends noise of one pixel, and was chosen by eye between "
            "2, which leaves some, and 20, which takes fine strokes along.",
        ),
    )
    content_layers: Mapping[str, float] = field(
        default_factory=lambda: {"block4_conv2": 1.0},
        metadata=described(
            "Layers that see the content.",
            python="Layers whose features shall stay, with their relative weights.",
            metavar="NAME[:WEIGHT],...",
        ),
    )
    style_layers: Mapping[str, float] = field(
        default_factory=lambda: {f"block{n}_conv1": 1.0 for n in range(1, 6)},
        metadata=described(
            "Layers that see the style.",
            python="Layers whose features shall become like the style's, with their relative weights.",
            metavar="NAME[:WEIGHT],...",
        ),
    )
    style_loss: str | type[StyleLoss] = field(
        default=NEIGHBOURS,
        metadata=described(
            "neighbours: each place like the most similar one of the style, together with gram, which stands alone at "
            "small sizes; gram, wasserstein: the style's statistics, wherever; gram-reference: the paper's equations.",
            python='"neighbours" gives each place the features of the place of the style that is most like it, so that '
            'strokes follow things, together with "gram", which stands alone at coarse scales, so that strokes are as '
            'bold as the style\'s; "gram" compares statistics, relative, so that the weights mean the same at '
            'every size; "gram-reference" is the reference\'s own, with its content loss; "wasserstein" compares means '
            "and covariances. Or a subclass of `StyleLoss`.",
            choices=STYLE_LOSS_NAMES,
        ),
    )
    turned: bool = field(
        default=False,
        metadata=described(
            "Find neighbours in the styles turned and mirrored, too: eight times the search.",
            python="Whether neighbours are found in the styles turned by quarters and mirrored, too, which takes eight "
            "times as long to search.",
        ),
    )
    normalize_gradients: bool = field(
        default=False, metadata=described("Divide each loss by the norm of its gradient at the start of each scale.")
    )
    pooling: str = field(
        default="max",
        metadata=described(
            "average: smoother.",
            python='"max", as the network was trained, or "average", which is smoother.',
            choices=POOLINGS,
        ),
    )
    network: str = field(
        default="vgg19",
        metadata=described("Kind of network.", python='"vgg19" or "vgg16".', choices=sorted(BLOCKS, reverse=True)),
    )
    vgg_weights: str = field(
        default="builtin",
        metadata=described(
            "keras: fetched once; FILE: .h5, .keras, .pth or .safetensors.",
            python='"builtin", "keras" (fetched once) or a file.',
            metavar="builtin|keras|FILE",
        ),
    )
    optimizer: str | Optimizer[Any] | type[Optimizer[Any]] = field(
        default="lbfgs",
        metadata=described(
            "Kind of optimizer: " + ", ".join(LEARNING_RATES) + ".",
            python='"lbfgs", "adam", or another of `OPTIMIZERS`; or an optimizer, such as Adam(beta1=0.5).',
            metavar="NAME",
            remark=", ".join(LEARNING_RATES),
        ),
    )
    learning_rate: float | None = field(
        default=None,
        metadata=described(
            "About how far a pixel value, from 0 to 1, moves in a step.",
            python="By default what suits the optimizer, see `LEARNING_RATES`.",
            shown=", ".join(f"{name} {rate}" for name, rate in LEARNING_RATES.items()),
        ),
    )
    steps: int = field(
        default=50,
        metadata=described(
            "At each scale, at most: it ends when the loss no longer falls.",
            python="Steps at each scale, at most: a scale ends when the loss no longer falls.",
            metavar="N",
            remark="at each scale, at most",
        ),
    )
    scales: int | None = field(
        default=None,
        metadata=described(
            "Sizes worked from coarse to fine.",
            python="Number of sizes worked from coarse to fine, growing by the square root of two; by default as "
            "many as there are above 128 pixels. 1 works at the final size alone, as the reference does.",
            metavar="N",
            shown="as many as fit above 128 pixels",
        ),
    )
    seed: int = field(default=0, metadata=described("Of the noise.", python="Of the noise to start from.", metavar="N"))
    memory: int | str | None = field(
        default=None,
        metadata=described(
            "What the program may take, as 2GB or 512MB; a picture that needs more is worked in tiles.",
            python='Bytes that the whole process may take at most, or "2GB"; by default three quarters of the '
            "machine's memory. A picture that needs more is worked in tiles. On a GPU it is that of the GPU.",
            metavar="SIZE",
            shown="three quarters of the machine's",
            remark="2GB: a larger picture is worked in tiles",
        ),
    )
    engine: Engine | str | None = field(
        default=None,
        metadata=described(
            "What computes, on which device and in what precision.",
            python='Where to compute and in what precision: "numpy", "torch", "torch:cuda:1", "torch/bfloat16"; by '
            "default PyTorch on a GPU, if it sees one; else compiled loops, where Numba is installed and the picture "
            "takes some seconds; else NumPy; in float32. Pixels, Gram sums and losses stay in float32 whatever the "
            "network computes in.",
        ),
    )

    def __post_init__(self) -> None:
        for name in ("start", "content_mask", "vgg_weights"):
            object.__setattr__(self, name, user_path(getattr(self, name)))
        self._check()
        for name in ("style_scale", "quiet_ground", "content_weight", "style_weight", "tv_weight", "learning_rate"):
            self._make_plain(name, float)
        for name in ("size", "steps", "scales", "seed", "memory"):
            self._make_plain(name, int)

    def chosen_engine(self, kept: Engine | None = None) -> Engine:
        """Engine of the settings; else `kept`, that of the run that is resumed; else the default.

        Raises:
            InputError: if there is no such thing here.
        """
        edge = self.size if isinstance(self.size, int) else LARGEST_EDGE
        long = edge**2 * self.steps >= LONG and (self.memory_bytes is None or self.memory_bytes >= ROOM)
        return as_engine(self.engine or kept, precisions=STYLE_PRECISIONS, long=long)

    @property
    def memory_bytes(self) -> int | None:
        """Bytes that the process may take; None where nothing is said."""
        return memory_size("memory=...", self.memory) if isinstance(self.memory, str) else self.memory

    @property
    def reading(self) -> Reading:
        """Limits of reading pictures: on this machine, so that what a GPU may take does not matter."""
        on_gpu = self.chosen_engine().device != "cpu"
        return Reading(self.first_frame, allowed_memory(None if on_gpu else self.memory_bytes))

    def chosen_optimizer(self) -> Optimizer[Any]:
        """Optimizer of the settings; one that is named is set for painting.

        Raises:
            InputError: if there is no such optimizer.
        """
        named = OPTIMIZERS.get(self.optimizer) if isinstance(self.optimizer, str) else None
        return as_optimizer(self.optimizer, **(named.picture_settings if named else {}))

    @property
    def relative(self) -> bool:
        """Whether losses are relative to their targets, so that weights mean the same at every size."""
        return self.chosen_style_loss().relative

    def chosen_style_loss(self) -> type[StyleLoss]:
        """Class of the loss that compares statistics: of its own, or beside neighbours."""
        if self.style_loss == NEIGHBOURS:
            return GramLoss
        return STYLE_LOSSES[self.style_loss] if isinstance(self.style_loss, str) else self.style_loss

    def as_values(self, engine: Engine) -> dict[str, Any]:
        """Settings by name, as text and numbers, with backend, device and precision in place of the engine."""
        names = [setting.name for setting in fields(StyleSettings) if setting.name != "engine"]
        values = {name: getattr(self, name) for name in names} | {"memory": self.memory_bytes}
        if not isinstance(self.optimizer, str):
            optimizer = self.chosen_optimizer()
            values["optimizer"] = f"{stable_repr(optimizer)} {optimizer.digest()}"
        if not isinstance(self.style_loss, str):
            values["style_loss"] = self.style_loss.__name__
        return {**values, **engine._asdict()}

    def _make_plain(self, name: str, kind: type) -> None:
        """Convert a number of NumPy's to Python's, which a checkpoint's header can hold."""
        value = getattr(self, name)
        if isinstance(value, Real):
            object.__setattr__(self, name, kind(value))

    def _check(self) -> None:
        if self.size != "full":
            _check_whole("size", self.size, least=LEAST_EDGE, most=LARGEST_EDGE)
        _check_whole("number of steps", self.steps)
        if self.scales is not None:
            _check_whole("number of scales", self.scales)
        if self.memory_bytes is not None:
            _check_whole("memory", self.memory_bytes, most=2**62)
        one_of("way with colours", self.colour, COLOURS)
        if not (isinstance(self.style_loss, type) and issubclass(self.style_loss, StyleLoss)):
            one_of("style loss", self.style_loss, STYLE_LOSS_NAMES)
        for name in ("content_weight", "style_weight", "tv_weight"):
            check_weight(name.partition("_")[0], getattr(self, name))
        if not self.content_weight + self.style_weight:
            raise InputError("content and style have no weight, so there is nothing to paint: give one of them some")
        if not (isinstance(self.quiet_ground, Real) and 0 <= float(self.quiet_ground) <= 1):
            raise InputError(f"the quiet ground must be a number from 0 to 1, not {self.quiet_ground}")
        for name in ("style_scale", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, Real) and 0 < float(value) < math.inf):
                raise InputError(f"the {name.replace('_', ' ')} must be a positive number, not {value}")
        if float(self.style_scale) > LARGEST_SCALE:
            raise InputError(f"the style scale must be at most {LARGEST_SCALE}: no picture could have such a style")
        if not isinstance(self.seed, Integral):
            raise InputError(f"the seed must be a whole number, not {self.seed}")
        generator(int(self.seed), Stream.PICTURE)  # refuses a seed out of range


StyleSettings.__doc__ = documented(StyleSettings)


def check_weight(name: str, weight: Any) -> float:
    """Return the weight as a float, if it is a finite number of 0 or more.

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
