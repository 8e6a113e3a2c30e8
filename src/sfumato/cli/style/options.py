"""The options of `sfumato style`: those of settings are made from the fields of `StyleSettings`."""

from dataclasses import dataclass, field
from typing import Annotated

import typer

from sfumato.cli.options import option
from sfumato.cli.setting_options import Setting, ToldOption, told_options, with_settings
from sfumato.style.settings import StyleSettings

Pictures = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CONTENT [STYLE]",
        help="The picture to paint and the one whose style to paint it in; or, with --style, pictures and folders of "
        "pictures to paint. sfumato:NAME is a picture that is built in (sfumato info lists them). With --settings-of "
        "neither is needed.",
        show_default=False,
    ),
]


@with_settings(StyleSettings, "Picture")
class PictureOptions:
    """Pictures to paint from."""

    styles: Annotated[
        list[str] | None,
        option(
            "A style, with its weight if there are several of different weight; as often as there are styles.",
            "--style",
            shown="weight 1",
            panel="Picture",
            metavar="FILE[:WEIGHT]",
        ),
    ] = field(default=None, metadata={"remark": "for each style, where there are several; `sfumato:NAME` is built in"})
    size: Setting
    start: Setting
    style_scale: Setting
    colour: Setting
    mask: Annotated[
        list[str] | None,
        option(
            "Where a style goes: a picture of the content's shape, white there, with greys for soft edges. Styles are "
            "numbered from 1; those without a mask take the rest.",
            shown="everywhere",
            panel="Picture",
            metavar="FILE=STYLE_NUMBER",
        ),
    ] = field(default=None, metadata={"remark": "where a style goes"})
    quiet_ground: Setting
    first_frame: Setting


@with_settings(StyleSettings, "Objective")
class StyleObjectiveOptions:
    """Terms of the objective."""

    content_weight: Setting
    content_mask: Setting
    style_weight: Setting
    tv_weight: Setting
    content_layers: Setting
    style_layers: Setting
    style_loss: Setting
    turned: Setting
    normalize_gradients: Setting


@with_settings(StyleSettings, "Network")
class VggOptions:
    """Architecture and weights of VGG."""

    network: Setting
    vgg_weights: Setting
    pooling: Setting


@with_settings(StyleSettings, "Run")
class StyleRunOptions:
    """Optimization of the picture, and the number of steps."""

    optimizer: Setting
    learning_rate: Setting
    steps: Setting
    scales: Setting
    seed: Setting
    save_every: Annotated[
        int | None,
        option("Write the picture so far to --out every N steps.", shown="at the end", panel="Run", metavar="N", min=1),
    ] = None
    resume: Annotated[bool, option("Go on with the unfinished picture of --out.", "--resume", panel="Run")] = False
    memory: Setting
    estimate: Annotated[
        bool,
        option("Say what memory and time it would take, and what size fits; paint nothing.", "--estimate", panel="Run"),
    ] = field(default=False, metadata={"remark": "says what it would take"})
    preset: Annotated[
        str | None,
        option(
            "Settings for an intent (sfumato info lists them); options that are given go before its own.",
            panel="Run",
            metavar="NAME",
        ),
    ] = field(default=None, metadata={"remark": "settings for an intent"})
    settings_of: Annotated[
        str | None,
        option(
            "Take the settings of a painted file, and what is not named of its pictures, found by name and content; "
            "options that are given go before.",
            panel="Run",
            metavar="FILE",
        ),
    ] = field(default=None, metadata={"remark": "paints as a painted file was"})
    grid: Annotated[
        bool,
        option(
            "A contact sheet: each style by itself, with a fifth, once and five times the style weight.",
            "--grid",
            panel="Run",
        ),
    ] = field(default=False, metadata={"remark": "a contact sheet: styles against weights"})


@dataclass(frozen=True)
class PictureFileOptions:
    """File of the result."""

    quality: Annotated[
        int | None,
        option("Of JPEG, WebP and HEIC.", shown="95", panel="Output", metavar="N", min=1, max=100),
    ] = None


def options_table() -> str:
    """Table of the options of `style`, for the README."""
    groups = {
        "picture": PictureOptions,
        "objective": StyleObjectiveOptions,
        "network": VggOptions,
        "run": StyleRunOptions,
    }
    output = (
        "as of `train`, and `--quality N` (of JPEG, WebP and HEIC); OUT is .png, .jpg, .jpeg, .webp, .tif, .tiff or "
        ".heic, and keeps the settings in its metadata; for several contents it is a folder"
    )
    rows = [(name, " ".join(_usage(told) for told in told_options(group))) for name, group in groups.items()]
    rows.append(("output", output))
    return "\n".join(["| options of `style` | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows)])


def _usage(told: ToldOption) -> str:
    return f"{told.usage} ({told.remark})" if told.remark else told.usage
