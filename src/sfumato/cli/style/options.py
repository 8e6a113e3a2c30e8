"""The options of `sfumato style`. Their defaults are those of `StyleSettings`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from sfumato.cli.options import option
from sfumato.style.settings import LEARNING_RATES, StyleSettings

DEFAULT = StyleSettings()

Pictures = Annotated[
    list[str],
    typer.Argument(
        metavar="CONTENT [STYLE]",
        help="The picture to paint and the one whose style to paint it in; or, with --style, pictures and folders of "
        "pictures to paint. sfumato:NAME is a picture that is built in (sfumato info lists them).",
        show_default=False,
    ),
]


def names_of(layers: Mapping[str, float]) -> str:
    """Layers as their option takes them."""
    return ", ".join(layers)  # with a space, so that the help can break the line


@dataclass(frozen=True)
class PictureOptions:
    """What is painted."""

    styles: Annotated[
        list[str] | None,
        option(
            "A style, with its weight if there are several of different weight; as often as there are styles.",
            "--style",
            shown="weight 1",
            panel="Picture",
            metavar="FILE[:WEIGHT]",
        ),
    ] = None
    size: Annotated[
        str, option("Long edge of the result in pixels; full: the content's.", panel="Picture", metavar="N|full")
    ] = str(DEFAULT.size)
    start: Annotated[
        str,
        option(
            "What to start from; colour: noise in the style's colours.",
            panel="Picture",
            metavar="content|noise|colour|FILE",
        ),
    ] = str(DEFAULT.start)
    style_scale: Annotated[
        float,
        option("Size of the styles beside the result: larger means larger strokes.", panel="Picture", metavar="FACTOR"),
    ] = DEFAULT.style_scale
    colour: Annotated[
        Literal["style", "luminance", "match", "match-cholesky", "histogram"],
        option(
            "Whose colours: the style's; or the content's, by painting in luminance alone, or by matching the style "
            "to them beforehand.",
            panel="Picture",
        ),
    ] = DEFAULT.colour
    mask: Annotated[
        list[str] | None,
        option(
            "Where a style goes: a picture of the content's size, white there, with greys for soft edges. Styles are "
            "numbered from 1; those without a mask take the rest.",
            shown="everywhere",
            panel="Picture",
            metavar="FILE=STYLE_NUMBER",
        ),
    ] = None
    first_frame: Annotated[bool, option("Take the first frame of an animation.", "--first-frame", panel="Picture")] = (
        DEFAULT.first_frame
    )


@dataclass(frozen=True)
class StyleObjectiveOptions:
    """What is minimised."""

    content_weight: Annotated[float, option("Of what the picture shows.", panel="Objective", metavar="ALPHA")] = (
        DEFAULT.content_weight
    )
    style_weight: Annotated[float, option("Of how it is painted.", panel="Objective", metavar="BETA")] = (
        DEFAULT.style_weight
    )
    tv_weight: Annotated[float, option("Of the total variation, against noise.", panel="Objective")] = DEFAULT.tv_weight
    content_layers: Annotated[
        str, option("Layers that see the content.", panel="Objective", metavar="NAME[:WEIGHT],...")
    ] = names_of(DEFAULT.content_layers)
    style_layers: Annotated[
        str, option("Layers that see the style.", panel="Objective", metavar="NAME[:WEIGHT],...")
    ] = names_of(DEFAULT.style_layers)
    style_loss: Annotated[
        Literal["gram", "gram-reference", "wasserstein"],
        option("gram-reference: the equations of the paper, unscaled.", panel="Objective"),
    ] = DEFAULT.style_loss
    normalize_gradients: Annotated[
        bool,
        option(
            "Divide each loss by the norm of its gradient at the start of each scale.",
            "--normalize-gradients",
            panel="Objective",
        ),
    ] = DEFAULT.normalize_gradients


@dataclass(frozen=True)
class VggOptions:
    """The network that looks at the pictures."""

    network: Annotated[Literal["vgg19", "vgg16"], option("Kind of network.", panel="Network")] = DEFAULT.network
    vgg_weights: Annotated[
        str,
        option(
            "keras: fetched once; FILE: .h5, .keras, .pth or .safetensors.",
            panel="Network",
            metavar="builtin|keras|FILE",
        ),
    ] = DEFAULT.vgg_weights
    pooling: Annotated[Literal["max", "average"], option("average: smoother.", panel="Network")] = DEFAULT.pooling


@dataclass(frozen=True)
class StyleRunOptions:
    """How it is painted, and in how many steps."""

    optimizer: Annotated[
        str, option("Kind of optimizer: " + ", ".join(LEARNING_RATES) + ".", panel="Run", metavar="NAME")
    ] = DEFAULT.optimizer
    learning_rate: Annotated[
        float | None,
        option(
            "About how far a pixel value, from 0 to 1, moves in a step.",
            shown=", ".join(f"{name} {rate}" for name, rate in LEARNING_RATES.items()),
            panel="Run",
        ),
    ] = DEFAULT.learning_rate
    steps: Annotated[
        int, option("At each scale, at most: it ends when the loss no longer falls.", panel="Run", metavar="N")
    ] = DEFAULT.steps
    scales: Annotated[
        int | None,
        option("Sizes worked from coarse to fine.", shown="as many as fit above 128 pixels", panel="Run", metavar="N"),
    ] = DEFAULT.scales
    seed: Annotated[int, option("Of the noise.", panel="Run", metavar="N")] = DEFAULT.seed
    save_every: Annotated[
        int | None,
        option("Write the picture so far to --out every N steps.", shown="at the end", panel="Run", metavar="N", min=1),
    ] = None
    resume: Annotated[bool, option("Go on with the unfinished picture of --out.", "--resume", panel="Run")] = False
    memory: Annotated[
        str | None,
        option(
            "What the program may take, as 2GB or 512MB; a picture that needs more is worked in tiles.",
            shown="three quarters of the machine's",
            panel="Run",
            metavar="SIZE",
        ),
    ] = None
    estimate: Annotated[
        bool,
        option("Say what memory and time it would take, and what size fits; paint nothing.", "--estimate", panel="Run"),
    ] = False
    preset: Annotated[
        str | None,
        option(
            "Settings for an intent (sfumato info lists them); options that are given go before its own.",
            panel="Run",
            metavar="NAME",
        ),
    ] = None
    grid: Annotated[
        bool,
        option(
            "A contact sheet: each style by itself, with a fifth, once and five times the style weight.",
            "--grid",
            panel="Run",
        ),
    ] = False


@dataclass(frozen=True)
class PictureFileOptions:
    """How the picture is written."""

    quality: Annotated[
        int | None,
        option("Of JPEG, WebP and HEIC.", shown="95", panel="Output", metavar="N", min=1, max=100),
    ] = None
