"""`sfumato sound`: a sound in the manner of another."""

import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import typer

from sfumato.checks import bytes_as_text, memory_size
from sfumato.cli.console import Console, duration, limited_threads, peak_memory
from sfumato.cli.interruption import interruptible
from sfumato.cli.messages import in_options
from sfumato.cli.options import OutputOptions, grouped
from sfumato.cli.processes import console_of
from sfumato.cli.sound.batch import play_all, wants_folder
from sfumato.cli.sound.options import (
    SoundComputeOptions,
    SoundFileOptions,
    SoundObjectiveOptions,
    SoundOptions,
    SoundRunOptions,
    Sounds,
)
from sfumato.cli.style.parsing import WHOLE_NUMBER, parse_name, split_weight
from sfumato.engine import choose_engine
from sfumato.errors import InputError
from sfumato.outputs import files_read, locked_file
from sfumato.settings_fields import preset_settings
from sfumato.sound.builtin import PREFIX
from sfumato.sound.files import CutOffWarning
from sfumato.sound.play import Playing, check_out, checkpoint_of, style_pairs
from sfumato.sound.presets import PRESETS
from sfumato.sound.result import SoundRecord, SoundResult
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
    with limited_threads(output.threads):
        if run.estimate:
            status = _tell_estimate(job, console)
        elif wants_folder(contents, output.out):
            status = play_all(job, contents, output, console, partial(perform, console=console), values_of)
        else:
            status = _play_one(job, output, console)
    if status:
        raise typer.Exit(status)


def perform(job: Playing, stop: Callable[[], bool] | None, place: str = "", *, console: Console) -> SoundResult:
    """Play with progress; warnings of the result are said, among which are then files that are cut off."""
    with cut_off_files(console) as cut_off, console.progress() as progress:

        def show(record: SoundRecord) -> None:
            step = f"{place}step {record.step}/{record.steps}"
            progress.show(step, f"loss {record.loss:.4g}", done=record.done, seconds=record.seconds)

        result = job.play(callback=show, stop=stop)
    for text in result.warnings:
        console.warn(f"{place}{text}")
    return replace(result, warnings=(*cut_off, *result.warnings))


def values_of(result: SoundResult) -> dict[str, Any]:
    """Values of a result for JSON, without its samples."""
    samples, channels = result.samples.shape
    peak = float(abs(result.samples).max())
    return {
        "loss": result.loss,
        "terms": result.terms,
        "steps": result.steps,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
        "peak_memory_bytes": peak_memory(),
        "stopped": result.stopped,
        "warnings": [in_options(text) for text in result.warnings],
        "settings": result.settings,
        "sound": {
            "rate": result.rate,
            "channels": channels,
            "seconds": samples / result.rate,
            "peak": peak,
            "gain_db": result.gain_db,
        },
    }


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
            result = perform(job, interrupted, console=console)
    except KeyboardInterrupt:  # a second Ctrl-C, or one before the first step
        if job.out and checkpoint_of(job.out).exists():
            console.note(f"add --resume to go on with {job.out}")
        raise
    console.result(_text_of(result, job.out), {**values_of(result), "out": output.out})
    if result.stopped == "finished":
        return 0
    kept = "nothing is kept, as no --out was given" if job.out is None else f"add --resume to go on with {job.out}"
    console.note(f"interrupted after {result.steps} steps; {kept}")
    return 130


def _text_of(result: SoundResult, out: Path | None) -> str:
    """Format a result as text."""
    samples, channels = result.samples.shape
    terms = ", ".join(f"{kind} {value:.4g}" for kind, value in result.terms.items())
    kind = "stereo" if channels == 2 else "mono"
    lines = [
        f"{samples / result.rate:.2f} s of {kind} at {result.rate} samples a second, {result.steps} steps in "
        f"{duration(result.seconds)}, {peak_memory() / 1e6:.0f} MB of memory at the peak",
        f"loss {result.loss:.4g}: {terms}",
    ]
    if result.gain_db < 0:
        lines.append(f"made quieter by {-result.gain_db:.1f} dB, as its loudest peak would not have fitted")
    if result.settings["rate"] > result.rate:
        lines.append(f"the content has nothing above {result.rate / 2:.0f} Hz for the style to work on")
    if result.settings["rate"] < result.rate:
        lines.append(f"nothing sounds above {result.settings['rate'] / 2:.0f} Hz: see --sample-rate")
    return "\n".join([*lines, f"written to {out}"] if out else lines)


def _tell_estimate(job: Playing, console: Console) -> int:
    """Estimate the cost and print it; nothing is written."""
    with cut_off_files(console):
        told = job.estimate()
    text = f"about {bytes_as_text(told.memory_bytes)} of memory and {duration(told.seconds)}"
    console.result(text, {"memory_bytes": told.memory_bytes, "seconds": told.seconds})
    return 0


@contextmanager
def cut_off_files(console: Console) -> Iterator[list[str]]:
    """Say once of each file that is cut off that it is; yields what was said of those read within."""
    said: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", CutOffWarning)
        shown = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, CutOffWarning):
                said.append(str(message))
                console.note_once(str(message))
            else:
                shown(message, category, *rest, **more)

        warnings.showwarning = show
        yield said


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
    precisions = SOUND_PRECISIONS
    engine = choose_engine(given["backend"], given["device"], given["precision"], precisions=precisions)
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
        pairs = [(text, 1.0) if Path(text).exists() else split_weight(text) for text in styles]
        return list(names), style_pairs([(parse_name("--style", name), weight) for name, weight in pairs])
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
