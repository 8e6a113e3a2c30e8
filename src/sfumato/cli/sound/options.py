"""The options of `sfumato sound`: those of settings are made from the fields of `SoundSettings`."""

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from sfumato.cli.options import Backend, Device, option
from sfumato.cli.setting_options import Setting, told_options, with_settings
from sfumato.sound.presets import PRESETS
from sfumato.sound.settings import SoundSettings

Sounds = Annotated[
    list[str],
    typer.Argument(
        metavar="CONTENT [STYLE]",
        help="The sound to play and the one in whose manner; or, with --style, sounds and folders of sounds to play; "
        "or, with --content-weight 0, STYLE alone. sound:NAME is a sound that is built in (sfumato info lists them).",
        show_default=False,
    ),
]


@with_settings(SoundSettings, "Sound")
class SoundOptions:
    """Sounds to play."""

    style: Annotated[
        list[str] | None,
        option(
            "A style, with its weight if there are several of different weight; as often as there are styles.",
            "--style",
            shown="weight 1",
            panel="Sound",
            metavar="FILE[:WEIGHT]",
        ),
    ] = None
    begin: Setting
    seconds: Setting
    style_begin: Setting
    style_seconds: Setting
    sample_rate: Setting
    start: Setting
    channels: Setting


@with_settings(SoundSettings, "Objective")
class SoundObjectiveOptions:
    """Terms of the objective."""

    content_weight: Setting
    style_weight: Setting
    keep: Setting
    rhythm_weight: Setting
    loudness_weight: Setting
    style_scale: Setting


@with_settings(SoundSettings, "Run")
class SoundRunOptions:
    """Optimization of the sound, and the number of steps."""

    optimizer: Setting
    learning_rate: Setting
    steps: Setting
    seed: Setting
    save_every: Annotated[
        int | None,
        option("Write the sound so far to --out every N steps.", shown="at the end", panel="Run", metavar="N", min=1),
    ] = None
    resume: Annotated[bool, option("Go on with the unfinished sound of --out.", "--resume", panel="Run")] = False
    memory: Setting
    estimate: Annotated[
        bool, option("Say what memory and time it would take; play nothing.", "--estimate", panel="Run")
    ] = False
    preset: Annotated[
        str | None,
        option(
            "Settings for an intent (sfumato info lists them); options that are given go before its own.",
            panel="Run",
            metavar="NAME",
        ),
    ] = None


@dataclass(frozen=True)
class SoundComputeOptions:
    """Backend, device and precision of sounds, whose spectra need 32 bits."""

    backend: Backend = None
    device: Device = None
    precision: Annotated[
        Literal["float32", "float64"] | None, option("Of everything.", shown="float32", panel="Computing")
    ] = None


@dataclass(frozen=True)
class SoundFileOptions:
    """File of the result."""

    bits: Annotated[
        Literal["16", "24", "float"], option("Of each sample, where the format has a choice.", panel="Output")
    ] = "16"


def options_table() -> str:
    """Table of the options of `sound`, for its guide."""
    rows = [told for group in (SoundOptions, SoundObjectiveOptions, SoundRunOptions) for told in told_options(group)]
    rows += told_options(SoundFileOptions)
    return "\n".join(
        ["| option | default | |", "|---|---|---|", *(f"| {row.usage} | {row.default} | {row.help} |" for row in rows)]
    )


def measured_settings() -> str:
    """The settings at which the guide's figures are measured, for it to say: the defaults, and the presets'."""
    shown = {told.usage.split()[0].strip("`"): told.default for group in MEASURED for told in told_options(group)}
    lines = [f"the defaults: {_given({name: value for name, value in shown.items() if name not in NOT_MEASURED})}"]
    for name, preset in PRESETS.items():
        if preset.settings:
            options = {f"--{own.replace('_', '-')}": str(value) for own, value in preset.settings.items()}
            lines.append(f"`--preset {name}`: {_given(options)}")
    return "\n".join(f"- {line}" for line in lines)


def _given(options: dict[str, str]) -> str:
    words = [f"{name} {value.removesuffix('.0')}" for name, value in options.items()]
    return f"`{' '.join(words)}`"


MEASURED = (SoundOptions, SoundObjectiveOptions, SoundRunOptions)
NOT_MEASURED = (
    *("--style", "--begin", "--seconds", "--style-begin", "--style-seconds", "--channels", "--save-every", "--resume"),
    *("--memory", "--estimate", "--preset"),
)
"""Groups of options on which figures depend, and those of them that are of the sounds and of the run alone."""
