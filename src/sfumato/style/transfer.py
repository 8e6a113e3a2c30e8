"""Style transfer: a photograph in the manner of a painting, from coarse to fine."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from sfumato.arrays import to_numpy
from sfumato.checkpoint import DAMAGED, RESTART
from sfumato.engine import Engine, as_engine
from sfumato.errors import InputError
from sfumato.minimize import RunOptions, minimize, resumed
from sfumato.storage import refusing_damage
from sfumato.style.control.colour import COLOURS
from sfumato.style.inputs import Styles
from sfumato.style.job import PaintingJob
from sfumato.style.problem import StyleProblem
from sfumato.style.pyramid import scale_sizes
from sfumato.style.result import StyleResult, recorded_plan, to_uint8
from sfumato.style.settings import STYLE_PRECISIONS, Picture, StyleSettings
from sfumato.style.tiles.estimate import Estimate, estimate, largest_size
from sfumato.style.tiles.memory import HISTORIES, PREPARED_PIXELS, Plan, check_plan, make_plan, smaller_plan

REPLACED = ("callback", "stop", "workers", "checkpoint", "resume")
"""Keywords of `run` before version 0.2; `RunOptions` has them now."""


class StyleTransfer(StyleSettings):
    """Style transfer from style pictures to a content picture, with settings: see `StyleSettings`."""

    def run(
        self,
        content: Picture,
        styles: Styles,
        *,
        masks: Sequence[tuple[Picture, int]] = (),
        run: RunOptions | None = None,
        on_download: Callable[[int, int], None] | None = None,
        **refused: Any,
    ) -> StyleResult:
        """Paint.

        Args:
            content: The picture to paint.
            styles: The picture whose style to paint it in; or several, each with its weight if not all weigh alike.
            masks: Pictures of the content's shape, each with the number of a style, from 1: what is white there takes
                it. A style without a mask takes what the masks leave; see `style/control/masks.py`.
            run: How the run is carried out: callback (called with a `StepRecord` after each step), checkpoint, workers
                that share the tiles of the picture; see `RunOptions`. Its engine goes before that of the settings.
            on_download: Called with the bytes of the weights that have come, and their total, while they are fetched.
            **refused: Nothing; the keywords of earlier versions are refused with what to write now.

        Raises:
            FileError: if a picture, the weights or the checkpoint cannot be read or written.
            InputError: for pictures that are too small, unknown layers, weights with which no step lowers the loss, or
                a checkpoint of another run.
            WorkerError: when another of the processes ends; the checkpoint is that of the last step.
            DeviceMemoryError: if a GPU has too little memory, with what to allow instead.
            DivergenceError: when the loss becomes infinite or not a number.
        """
        _refuse(refused)
        run = run or RunOptions()
        if COLOURS[self.colour].alone and run.resume:
            raise InputError(f"colour={self.colour!r} paints nothing: there is nothing to go on with")
        engine = self._engine_of(run)
        with engine.computing(keep_memory=False):
            problem = StyleProblem(self, content, styles, masks, on_download, engine, run.workers)
            if COLOURS[self.colour].alone:
                return _recoloured(problem)
            sizes = _sizes(problem)
            plan = _plan(problem, sizes[-1], run)
            job = PaintingJob(problem, sizes, plan)
            # Worth a twentieth of the time; in larger pictures the gaps between freed arrays would be too large
            kept = math.prod(sizes[-1]) <= PREPARED_PIXELS
            remedy = smaller_plan(problem, *sizes[-1], plan) if engine.on_tensors else ""
            with engine.computing(keep_memory=kept, remedy=remedy):
                return _paint(job, run)

    def estimate(
        self,
        content: Picture,
        styles: Styles,
        *,
        masks: Sequence[tuple[Picture, int]] = (),
        on_download: Callable[[int, int], None] | None = None,
    ) -> Estimate:
        """Estimate the memory and time of `run` for the same pictures, by a probe of a few seconds.

        Raises:
            InputError, FileError: as `run` does before it begins.
        """
        if COLOURS[self.colour].alone:
            raise InputError(f"colour={self.colour!r} paints nothing, and takes a moment: there is nothing to estimate")
        engine = self.chosen_engine()
        with engine.computing():
            problem = StyleProblem(self, content, styles, masks, on_download, engine)
            sizes = _sizes(problem)
            return estimate(problem, sizes, make_plan(problem, *sizes[-1]))

    def plan(self, content: Picture, styles: Styles, *, masks: Sequence[tuple[Picture, int]] = ()) -> Plan:
        """Plan the memory of `run` for the same pictures, without the seconds of an estimate's probe.

        Raises:
            InputError, FileError: as `run` does before it begins; for a size that does not fit, too.
        """
        problem = StyleProblem(self, content, styles, masks, engine=self.chosen_engine())
        return make_plan(problem, *_sizes(problem)[-1])

    def largest_size(self, content: Picture, styles: Styles, *, masks: Sequence[tuple[Picture, int]] = ()) -> int:
        """Long edge, in pixels, of the largest picture that fits into the memory allowed.

        Raises:
            InputError, FileError: for pictures that cannot be used.
        """
        return largest_size(StyleProblem(self, content, styles, masks, engine=self.chosen_engine()))

    def _engine_of(self, run: RunOptions) -> Engine:
        if run.engine is not None:
            return as_engine(run.engine, precisions=STYLE_PRECISIONS)
        return self.chosen_engine(run.kept_engine)


def _refuse(keywords: dict[str, Any]) -> None:
    for name in keywords:
        if name in REPLACED:
            raise InputError(f"StyleTransfer.run has no {name}= any more: give it run=RunOptions({name}=...)")
        raise TypeError(f"run() got an unexpected keyword argument {name!r}")


def _sizes(problem: StyleProblem) -> list[tuple[int, int]]:
    """Height and width at each scale, large enough for every picture and region."""
    settings, (height, width) = problem.settings, problem.content.shape[:2]
    long_edge = max(height, width) if settings.size == "full" else settings.size
    sizes = scale_sizes(height, width, long_edge, settings.scales)
    problem.check_sizes(sizes[0], sizes[-1])
    for size in sizes if settings.style_weight else ():
        problem.check_regions(*size)
    return sizes


def _plan(problem: StyleProblem, size: tuple[int, int], run: RunOptions) -> Plan:
    """Plan of memory: a resumed run keeps its first plan, as another would give other bytes."""
    if run.resumes_from is None:
        return make_plan(problem, *size)
    plan = recorded_plan(run.resumes_from)
    check_plan(problem, *size, plan)
    return plan


def _recoloured(problem: StyleProblem) -> StyleResult:
    """The content in the styles' colours, without a step."""
    settings, (height, width) = problem.settings, problem.content.shape[:2]
    long_edge = max(height, width) if settings.size == "full" else settings.size
    (size,) = scale_sizes(height, width, long_edge, 1)
    job = PaintingJob(problem, [size], Plan(None, HISTORIES[0]))
    return StyleResult(
        picture=to_uint8(problem.finish(problem.recoloured(*size))),
        loss=0.0,
        content_loss=0.0,
        style_loss=0.0,
        tv_loss=0.0,
        steps=0,
        seconds=0.0,
        stopped="finished",
        settings=_told(job),
        history=(),
        photo=problem.photo,
        files=problem.files,
    )


def _told(job: PaintingJob) -> dict[str, Any]:
    """Settings that a result tells: those of the run, and its pictures, whose names do not matter to a checkpoint."""
    return {**job.settings, "inputs": [own._asdict() for own in job.problem.inputs]}


def _paint(job: PaintingJob, run: RunOptions) -> StyleResult:
    """Paint the scales that are left."""
    state = resumed(job, run)
    if state is None:
        state = job.first()
    elif run.resumes_from is not None:
        with refusing_damage(run.resumes_from, DAMAGED, RESTART):
            job.go_on(state)
    stopped = minimize(job, state, run)
    picture = job.picture(state)
    end = job.objective.without_gradient(picture.reshape(-1))
    return StyleResult(
        picture=to_uint8(job.problem.finish(to_numpy(picture))),
        loss=end.loss,
        content_loss=end.terms["content"],
        style_loss=end.terms["style"],
        tv_loss=end.terms["tv"],
        steps=state.steps,
        seconds=state.seconds,
        stopped=stopped,
        settings=_told(job),
        warnings=job.warnings(state, end.loss) if stopped == "finished" else (),
        history=tuple(state.history),
        photo=job.problem.photo,
        files=job.problem.files,
    )
