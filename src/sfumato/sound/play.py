"""A sound in the manner of another, in one call: from files or samples to samples."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from sfumato.checkpoint import DAMAGED, RESTART, recorded_engine
from sfumato.checks import function_or_none, nearest, one_of, positive
from sfumato.engine import Engine
from sfumato.errors import DivergenceError, InputError, NoProgressWarning
from sfumato.minimize import RunOptions, minimize, resumed
from sfumato.outputs import check_unfinished, locked_file, refuse_both
from sfumato.paths import user_path
from sfumato.settings_fields import preset_settings
from sfumato.sound.builtin import sound_path
from sfumato.sound.files import Sound, check_sound_place
from sfumato.sound.job import PlayingJob
from sfumato.sound.memory import Estimate, lengths_by_headers, lengths_of, needed_memory, pairs_to_keep, seconds_a_step
from sfumato.sound.presets import PRESETS
from sfumato.sound.problem import SoundProblem, read_start, read_styles
from sfumato.sound.result import SoundRecord, SoundResult
from sfumato.sound.settings import STARTS, SoundSettings, SoundSource
from sfumato.storage import load_header, refusing_damage

Styles = SoundSource | Sequence[SoundSource] | Sequence[tuple[SoundSource, float]] | Mapping[Any, float]
"""One style; several; several with their weights, as pairs or as {file: weight}."""


def play(
    content: SoundSource | None,
    style: Styles,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int = 0,
    engine: Engine | str | None = None,
    callback: Callable[[SoundRecord], object] | None = None,
    preset: str | None = None,
    bits: str = "16",
    **settings: Any,
) -> SoundResult:
    """Play one sound in the manner of another, as `sfumato sound` does. Nothing is heard; the result is returned.

        sound = sfumato.play("piano.wav", "guitar.wav")
        sound.save("piano-as-guitar.wav")

    Args:
        content: The sound to play: a file, a pair of samples and their rate, or "sound:NAME" for one that is built in;
            None for a texture, which has the style's manner alone and needs `seconds`.
        style: The sound in whose manner; or several, as a list, as pairs with their weights, or as {file: weight}.
        out: The file of the result. A checkpoint lies beside it until it is finished. Default: nothing is written.
        resume: Go on with the unfinished sound of `out`; the result is that of the uninterrupted run, bit for bit.
        overwrite: Replace what is at `out`; never a file that is read.
        seed: Of the random filters, and of noise to start from.
        engine: Where to compute: "numpy", "torch", "numpy/float64"; by default a GPU that PyTorch sees, or else NumPy.
        callback: Called with a `SoundRecord` after each step; the run ends, as "interrupted", once it returns True.
        preset: Name of one of `PRESETS`, whose settings those that are given override.
        bits: Of each sample of `out`, where the format has a choice: "16", "24" or "float".
        settings: Any other field of `SoundSettings`, such as seconds=5, style_weight=3 or keep="chroma".

    Returns:
        The sound, with its losses, settings and history; `save` writes it. Where its loss is no lower than that of what
        it began with, a `NoProgressWarning` says so.

    Raises:
        InputError: for a setting or sound that cannot be used, or an `out` that is there already.
        FileError: if a file cannot be read or written.
        DivergenceError: when the loss becomes infinite or not a number.
        TypeError: for a setting that there is not.
    """
    names = [setting.name for setting in fields(SoundSettings)]
    for name in settings:
        if name not in names:
            found = nearest(name, names)
            hint = f"; did you mean {found!r}?" if found else ""
            raise TypeError(f"play() got an unexpected keyword argument {name!r}{hint}")
    one_of("number of bits", bits := str(bits), ("16", "24", "float"))
    chosen = {} if preset is None else preset_settings(preset, PRESETS)
    made = SoundSettings(**{**chosen, **settings, "seed": seed, "engine": engine})
    playing = Playing(made, content, style_pairs(style), resume=resume, bits=bits)
    function_or_none("callback", callback)
    if out is None and (resume or overwrite):
        raise InputError(f"{'resume' if resume else 'overwrite'}=True needs out=...: the file of the sound")
    if out is None:
        result = playing.play(callback=callback)
    else:
        out = user_path(out)
        with locked_file(Path(out)):
            playing = replace(playing, out=check_out(playing, out, overwrite=overwrite))
            result = playing.play(callback=callback)
    for text in result.warnings:
        warnings.warn(text, NoProgressWarning, stacklevel=2)
    return result


def style_pairs(style: Any) -> list[tuple[SoundSource, float]]:
    """Pairs of styles and weights, however they are given.

    Raises:
        InputError: if there is none, or a weight is not positive.
    """
    if isinstance(style, Mapping):
        pairs = list(style.items())
    elif isinstance(style, str | Path | Sound) or _is_samples(style):
        pairs = [(style, 1.0)]
    elif isinstance(style, Sequence):
        pairs = [(one[0], one[1]) if _is_weighted(one) else (one, 1.0) for one in style]
    else:
        raise InputError(f"a style is a file, or a pair of samples and their rate, not {type(style).__name__}")
    if not pairs:
        raise InputError("no style is given: name a sound")
    return [(one, positive("weight of a style", weight)) for one, weight in pairs]


def _is_samples(value: Any) -> bool:
    """Whether it is a pair of samples and their rate."""
    return isinstance(value, tuple) and len(value) == 2 and hasattr(value[0], "shape")


def _is_weighted(value: Any) -> bool:
    """Whether it is a pair of a sound and its weight."""
    return isinstance(value, tuple) and len(value) == 2 and not isinstance(value, Sound) and not _is_samples(value)


@dataclass(frozen=True)
class Playing:
    """A sound to be made: its inputs, settings and the file of its result.

    Attributes:
        settings: The settings.
        content: The sound to play; None for a texture.
        styles: Those in whose manner to play it, with their weights.
        out: Where the result goes, see `check_out`; None writes nothing.
        resume: Go on from the checkpoint beside `out`.
        save_every: Steps after which the sound so far is written, again and again.
        bits: Of each sample of the file.
    """

    settings: SoundSettings
    content: SoundSource | None
    styles: Sequence[tuple[SoundSource, float]]
    out: Path | None = None
    resume: bool = False
    save_every: int | None = None
    bits: str = "16"

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are read."""
        sources = [self.content, self.settings.start, *[style for style, _ in self.styles]]
        return tuple(str(sound_path(source)) for source in sources if isinstance(source, str | Path))

    def play(
        self,
        *,
        callback: Callable[[SoundRecord], object] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> SoundResult:
        """Play, and write the result; or, if the run is ended early, the sound so far with a checkpoint beside it.

        Args:
            callback: Called after each step; the run ends once it returns True.
            stop: Asked before every step; the run ends once it returns True.

        Raises:
            SfumatoError: as `play`. Of a sound that diverged, nothing is left.
        """
        checkpoint, written = checkpoint_of(self.out) if self.out else None, self.resume
        begun = self.resume and checkpoint is not None and checkpoint.exists()
        engine = self.settings.chosen_engine(recorded_engine(checkpoint) if checkpoint and begun else None)
        with engine.computing():
            kept = self._kept_history(checkpoint)
            problem = self._problem(engine, check=kept is None)
            job = PlayingJob(problem, kept or pairs_to_keep(lengths_of(problem), self.settings, engine))

            def after_step(record: SoundRecord) -> object:
                nonlocal written
                # Not before there is a checkpoint: if it is killed then, the sound so far would pass for a finished one
                due = self.save_every and record.step % self.save_every == 0
                if self.out and checkpoint and due and checkpoint.exists():
                    _result(job, state, "interrupted", self.files).save(self.out, bits=self.bits, overwrite=True)
                    written = True
                return None if callback is None else callback(record)

            run = RunOptions(callback=after_step, stop=stop, checkpoint=checkpoint, resume=self.resume)
            state = resumed(job, run) or job.first()
            try:
                stopped = minimize(job, state, run)
            except DivergenceError:
                if self.out and checkpoint:  # going on from it would end there again
                    checkpoint.unlink(missing_ok=True)
                    if written:  # else the sound so far would be taken for a finished one
                        self.out.unlink(missing_ok=True)
                raise
            result = _result(job, state, stopped, self.files)
        if self.out and checkpoint:
            result.save(self.out, bits=self.bits, overwrite=True)
            if result.stopped == "finished":
                checkpoint.unlink(missing_ok=True)
        return result

    def check_common(self) -> None:
        """Check what does not depend on the content: the styles, the sound to start from, the optimizer.

        Raises:
            SfumatoError: as `play` before it begins.
        """
        read_styles(self.settings, self.styles)
        if str(self.settings.start) not in STARTS:
            read_start(self.settings.start, self.settings)
        self.settings.chosen_optimizer()
        self.settings.chosen_engine()

    def estimate(self) -> Estimate:
        """Estimate the memory and time of `play`, by a few steps.

        Raises:
            SfumatoError: as `play` before it begins.
        """
        engine = self.settings.chosen_engine()
        with engine.computing():
            lengths = lengths_of(problem := self._problem(engine))
            history = pairs_to_keep(lengths, self.settings, engine)
            each = seconds_a_step(PlayingJob(problem, history))
        return Estimate(needed_memory(lengths, history, engine), each * self.settings.steps)

    def _problem(self, engine: Engine, *, check: bool = True) -> SoundProblem:
        """Read the sounds; those that the memory will not suffice for are refused before, if their headers tell.

        Raises:
            InputError, FileError: if they cannot be used, or are too long.
        """
        expected = lengths_by_headers(self.settings, self.content, self.styles) if check else None
        if expected:
            pairs_to_keep(expected, self.settings, engine)
        return SoundProblem(self.settings, self.content, self.styles, engine)

    def _kept_history(self, checkpoint: Path | None) -> int | None:
        """Pairs that L-BFGS kept in the run to go on with, as others would give other bytes; None for a new run."""
        resuming = checkpoint if self.resume else None
        if resuming is None or not resuming.exists():
            return None
        with refusing_damage(resuming, DAMAGED, RESTART):
            history = load_header(resuming)["settings"]["history"]
            if type(history) is not int or history < 1:
                raise ValueError(f"no run keeps {history} pairs")
        return history


def _result(job: PlayingJob, state: Any, stopped: str, files: tuple[str, ...]) -> SoundResult:
    problem = job.problem
    sound, gain = problem.finish(*job.sounds(state))
    end = job.objective.without_gradient(state.theta)
    return SoundResult(
        samples=sound.samples,
        rate=sound.rate,
        loss=end.loss,
        terms=dict(end.terms),
        steps=state.steps,
        evaluations=job.objective.evaluations,
        seconds=state.seconds,
        stopped=stopped,
        gain_db=gain,
        settings=job.settings,
        warnings=job.warnings(state, end.loss) if stopped == "finished" else (),
        history=tuple(state.history),
        content=problem.original if problem.has_content else None,
        files=files,
    )


def checkpoint_of(out: Path) -> Path:
    """Path of the checkpoint of an unfinished sound."""
    return out.with_name(f".{out.name}.checkpoint")


def check_out(playing: Playing, out: str | Path, *, overwrite: bool) -> Path:
    """Check, before any work, that a sound can be written, and whether there is one to resume.

    Args:
        playing: What is to be played; none of the sounds that it reads may be replaced.
        out: Where it is to go; what a link leads to is written, and the link stays one.
        overwrite: Whether it may replace what is there.

    Returns:
        The file to write.

    Raises:
        InputError, FileError: if not.
    """
    refuse_both(resume=playing.resume, overwrite=overwrite)
    path = check_sound_place(out, bits=playing.bits, inputs=playing.files, overwrite=overwrite or playing.resume)
    check_unfinished("sound", path, checkpoint_of(path), resume=playing.resume, overwrite=overwrite)
    return path
