"""The options of `sfumato style`. Their defaults are those of `StyleSettings`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sfumato.cli.options import option
from sfumato.errors import InputError
from sfumato.style.settings import LEARNING_RATES, STARTS, StyleSettings
from sfumato.style.transfer import StyleTransfer

DEFAULT = StyleSettings()

Content = Annotated[str, typer.Argument(metavar="CONTENT", help="The picture to paint.", show_default=False)]
Style = Annotated[
    str | None,
    typer.Argument(metavar="STYLE", help="The picture whose style to paint it in; or use --style.", show_default=False),
]


def _names(layers: Mapping[str, float]) -> str:
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
    ] = _names(DEFAULT.content_layers)
    style_layers: Annotated[
        str, option("Layers that see the style.", panel="Objective", metavar="NAME[:WEIGHT],...")
    ] = _names(DEFAULT.style_layers)
    style_loss: Annotated[
        Literal["gram", "gram-reference", "wasserstein"],
        option("gram-reference: the equations of the paper, unscaled.", panel="Objective"),
    ] = DEFAULT.style_loss
    normalize_gradients: Annotated[
        bool, option("Divide each loss by the norm of its gradient at the start of each scale.", panel="Objective")
    ] = DEFAULT.normalize_gradients


@dataclass(frozen=True)
class VggOptions:
    """The network that looks at the pictures."""

    network: Annotated[Literal["vgg19", "vgg16"], option("Kind of network.", panel="Network")] = DEFAULT.network
    vgg_weights: Annotated[
        str,
        option("keras: fetched once; FILE: .h5, .pth or .safetensors.", panel="Network", metavar="builtin|keras|FILE"),
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


def parse_transfer(*groups: Any) -> StyleTransfer:
    """The transfer that groups of options describe: its settings have the names of the options.

    Raises:
        InputError: for a value out of range.
    """
    given = {name: value for group in groups for name, value in asdict(group).items()}
    given["size"] = parse_size(given["size"])
    given["start"] = parse_start(given["start"])
    given["vgg_weights"] = parse_name("--vgg-weights", given["vgg_weights"])
    given["content_layers"] = parse_layers("--content-layers", given["content_layers"])
    given["style_layers"] = parse_layers("--style-layers", given["style_layers"])
    return StyleTransfer(**{setting.name: given[setting.name] for setting in fields(StyleTransfer)})


def parse_name(what: str, text: str) -> str:
    """The name of a file.

    Raises:
        InputError: if it is empty, as that of a variable without a value in a script.
    """
    if not text:
        raise InputError(f"{what} is empty: name a file")
    return text


def parse_styles(style: str | None, styles: list[str] | None) -> list[tuple[str, float]]:
    """The styles with their weights, from the argument or the options.

    Raises:
        InputError: if there is none, one has no name, or both are given.
    """
    if style is not None and styles:
        raise InputError(f"the style is given twice, as {style} and by --style; for several, use --style for each")
    if style is not None:
        return [(parse_name("STYLE", style), 1.0)]
    if not styles:
        raise InputError("no style is given: name a picture after CONTENT, or with --style")
    pairs = [(text, 1.0) if Path(text).exists() else split_weight(text) for text in styles]
    return [(parse_name("--style", name), weight) for name, weight in pairs]


def parse_layers(option: str, text: str) -> dict[str, float]:
    """Layers with their weights.

    Raises:
        InputError: if one has no name, or is named twice.
    """
    pairs = [split_weight(part) for part in text.split(",")]
    layers = {name.strip(): weight for name, weight in pairs}
    if "" in layers or len(layers) < len(pairs):
        raise InputError(f"{option} takes different layers, such as {_names(DEFAULT.style_layers)}; not {text!r}")
    return layers


def parse_start(text: str) -> str:
    """What to start from: one of `STARTS`, or a picture that is there.

    Raises:
        InputError: if it is neither.
    """
    if parse_name("--start", text) not in STARTS and not Path(text).exists():
        raise InputError(f"--start takes {', '.join(STARTS)} or a picture; there is no file {text!r}")
    return text


def parse_size(text: str) -> int | Literal["full"]:
    """A long edge in pixels, or "full".

    Raises:
        InputError: if it is neither.
    """
    if text == "full":
        return "full"
    if not text.isdecimal():
        raise InputError(f"--size takes a whole number of pixels, or full; not {text!r}")
    return int(text)


def split_weight(text: str) -> tuple[str, float]:
    """What stands before the last colon, and the number after it.

    Where no number follows, the colon is a part of the name, as in a path with a drive letter, and the weight is 1.
    """
    name, colon, weight = text.rpartition(":")
    try:
        return (name, float(weight)) if colon else (text, 1.0)
    except ValueError:
        return text, 1.0
