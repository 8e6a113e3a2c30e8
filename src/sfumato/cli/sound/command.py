"""`sfumato sound`: a sound in the manner of another."""

from collections.abc import Collection
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Literal

import typer

from sfumato.checks import bytes_as_text, memory_size
from sfumato.cli.console import Console, duration
from sfumato.cli.folders import is_folder, wants_folder
from sfumato.cli.interruption import interruptible
from sfumato.cli.options import OutputOptions, grouped
from sfumato.cli.parsing import WHOLE_NUMBER, asked_engine, parse_name, parse_weighted
from sfumato.cli.processes import console_of
from sfumato.cli.sound.batch import play_all
from sfumato.cli.sound.options import (
    SoundComputeOptions,
    SoundFileOptions,
    SoundObjectiveOptions,
    SoundOptions,
    SoundRunOptions,
    Sounds,
)
from sfumato.cli.sound.playing import cut_off_files, perform, text_of, values_of
from sfumato.errors import InputError
from sfumato.outputs import files_read, locked_file
from sfumato.settings_fields import preset_settings
from sfumato.sound.builtin import PREFIX
from sfumato.sound.play import Playing, check_out, checkpoint_of, style_pairs
from sfumato.sound.presets import PRESETS
from sfumato.sound.settings import SOUND_PRECISIONS, STARTS, SoundSettings, SoundSource


@grouped
def sound(
    context: typer.Context,
    sounds: Sounds,
    source: SoundOptions,
    objective: SoundObjectiveOptions,
    run: SoundRunOptions,
    compute: SoundComputeOptions,
    output: OutputOptions,
    file: SoundFileOptions,
) -> None:
    """Play CONTENT with the sound of STYLE; or with --style any number of contents.

    Several, or folders of them, go into the folder --out. What is finished there is skipped: the same command goes on.

    Examples:
        sfumato sound piano.wav guitar.wav -o piano-as-guitar.wav

        sfumato sound song.flac --style guitar.wav:2 --style rain.ogg -o out.flac

        sfumato sound rain.wav --preset texture --seconds 30 -o more-rain.wav

        sfumato sound takes --style guitar.wav -o played

        sfumato sound song.wav guitar.wav --estimate
    """
    console = console_of(output)
    given = [
        name for name in context.params if str(context.get_parameter_source(name)) == "ParameterSource.COMMANDLINE"
    ]
    settings = _parse_settings(source, objective, run, compute, preset=run.preset, given_by_name=given)
    contents, styles = _parse_sounds(sounds, source.style, settings)
    if run.resume and output.overwrite:
        raise InputError("--overwrite and --resume contradict each other: choose one")
    for content in contents:
        if content is not None and files_read([content]) & files_read(str(style) for style, _ in styles):
            console.note(f"{content}: is content and style at once, so there is little to change")
    job = Playing(settings, contents[0], styles, None, run.resume, run.save_every, file.bits)
    with console.computing(output.threads):
        if run.estimate:
            status = _tell_estimate(job, console)
        elif contents == [None]:
            if is_folder(output.out):
                raise InputError(f"{output.out}: is a folder; name the file of the texture")
            status = _play_one(job, output, console)
        elif wants_folder(contents, output.out):
            status = play_all(job, contents, output, console)
        else:
            status = _play_one(job, output, console)
    if status:
        raise typer.Exit(status)


def _play_one(job: Playing, output: OutputOptions, console: Console) -> int:
    """Play one sound into one file; returns the exit status."""
    if output.out is None:
        for option, given in {"--resume": job.resume, "--save-every": job.save_every}.items():
            if given:
                raise InputError(f"{option} needs --out: the file of the sound")
        return _play_into(job, output, console)
    if not output.out:
        raise InputError("--out names no file: give it one, or leave it out")
    with locked_file(Path(output.out)):
        return _play_into(replace(job, out=check_out(job, output.out, overwrite=output.overwrite)), output, console)


def _play_into(job: Playing, output: OutputOptions, console: Console) -> int:
    """Play into a file that is ready for it, if there is one; returns the exit status."""

    def begin() -> None:
        if job.out is None:
            console.note("nothing is kept of this run: add --out FILE to keep the sound and its progress")

    try:
        with interruptible(begin) as interrupted:
            result = perform(job, console, interrupted)
    except KeyboardInterrupt:  # a second Ctrl-C, or one before the first step
        if job.out and checkpoint_of(job.out).exists():
            console.note(f"add --resume to go on with {job.out}")
        raise
    console.result(text_of(result, job.out), {**values_of(result, job.out), "out": output.out})
    if result.stopped == "finished":
        return 0
    kept = "nothing is kept, as no --out was given" if job.out is None else f"add --resume to go on with {job.out}"
    console.note(f"interrupted after {result.steps} steps; {kept}")
    return 130


def _tell_estimate(job: Playing, console: Console) -> int:
    """Estimate the cost and print it; nothing is written."""
    with cut_off_files(console):
        told = job.estimate()
    text = f"about {bytes_as_text(told.memory_bytes)} of memory and {duration(told.seconds)}"
    console.result(text, {"memory_bytes": told.memory_bytes, "seconds": told.seconds})
    return 0


def _parse_settings(*groups: Any, preset: str | None, given_by_name: Collection[str]) -> SoundSettings:
    """Parse the groups of options into settings, which have the names of the options.

    Raises:
        InputError: for a value out of range, or a preset that there is not.
    """
    given = {name: value for group in groups for name, value in asdict(group).items()}
    given["sample_rate"] = _parse_rate(given["sample_rate"])
    given["start"] = _parse_start(given["start"])
    if given["memory"] is not None:
        given["memory"] = memory_size("--memory", given["memory"])
    if preset is not None:
        settings = preset_settings(preset, PRESETS)
        given |= {name: value for name, value in settings.items() if name not in given_by_name}
    engine = asked_engine(given, SOUND_PRECISIONS)
    named = {own.name: given[own.name] for own in fields(SoundSettings) if own.name in given}
    return SoundSettings(**named, engine=engine)


def _parse_rate(text: str) -> int | Literal["full"]:
    if text == "full":
        return "full"
    if not WHOLE_NUMBER.fullmatch(text):
        raise InputError(f"--sample-rate takes a whole number of samples a second, or full; not {text!r}")
    return int(text)


def _parse_start(text: str) -> str:
    if parse_name("--start", text) not in STARTS and not text.startswith(PREFIX) and not Path(text).exists():
        raise InputError(f"--start takes {', '.join(STARTS)} or a sound; there is no file {text!r}")
    return text


def _parse_sounds(
    sounds: list[str], styles: list[str] | None, settings: SoundSettings
) -> tuple[list[Any], list[tuple[SoundSource, float]]]:
    """Parse the arguments and --style into contents, and styles with their weights.

    Raises:
        InputError: if there is no style, a weight is not positive, or there is more than one content without --style.
    """
    names = [parse_name("CONTENT", name) for name in sounds]
    texture = not settings.content_weight
    if styles:
        return list(names), style_pairs(parse_weighted("--style", styles))
    if len(names) == 1 and texture:
        return [None], [(names[0], 1.0)]
    if len(names) == 1:
        raise InputError("no style is given: name a sound after CONTENT, or with --style")
    if len(names) > 2:
        raise InputError(
            f"one content and one style are expected, and {names[2]} comes after them; "
            "name the style with --style to play several contents"
        )
    return [names[0]], [(names[1], 1.0)]
