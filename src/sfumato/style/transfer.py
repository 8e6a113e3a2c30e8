"""Style transfer: a photograph in the manner of a painting, from coarse to fine."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.arrays import Array, fingerprint, to_numpy, total, zeros
from sfumato.checkpoint import SparingSaver, refusing_damage
from sfumato.errors import DivergenceError, InputError, WorkerError
from sfumato.objective import Evaluation
from sfumato.optimizers import LBFGS, make_optimizer
from sfumato.style.inputs import Styles
from sfumato.style.objective import StyleObjective
from sfumato.style.problem import StyleProblem
from sfumato.style.pyramid import resample_moments, scale_sizes
from sfumato.style.result import (
    StepRecord,
    StyleResult,
    StyleState,
    load_style_checkpoint,
    recorded_plan,
    save_style_checkpoint,
    to_uint8,
)
from sfumato.style.settings import LEARNING_RATES, Picture, StyleSettings
from sfumato.style.tiles.estimate import Estimate, estimate
from sfumato.style.tiles.memory import PREPARED_PIXELS, check_plan, make_plan, smaller_plan
from sfumato.workers import ALONE, Workers

AVERAGING = 0.95
"""How much of the past the average of a first-order optimizer's iterates keeps: it averages about twenty of them."""

NOTHING = 1e-9
"""Relative loss of a picture that has all it should have, but for rounding."""

PATIENCE, LEAST_FALL = 10, 1e-3
"""A scale ends when the lowest loss of its last so many steps is not lower by this part than the lowest before."""


class StyleTransfer(StyleSettings):
    """Paints a content picture in the style of others, as its settings say: see `StyleSettings` for those."""

    def run(
        self,
        content: Picture,
        styles: Styles,
        *,
        masks: Sequence[tuple[Picture, int]] = (),
        callback: Callable[[StepRecord], None] | None = None,
        stop: Callable[[], bool] | None = None,
        on_download: Callable[[int, int], None] | None = None,
        workers: Workers = ALONE,
        checkpoint: str | Path | None = None,
        resume: bool = False,
    ) -> StyleResult:
        """Paint.

        Args:
            content: The picture to paint.
            styles: The picture whose style to paint it in; or several, each with its weight if not all weigh alike.
            masks: Pictures of the content's size, each with the number of a style, from 1: what is white there takes
                it. A style without a mask takes what the masks leave; see `style/control/masks.py`.
            callback: Called after each step.
            stop: Asked before every step; once it says True, the run ends with a checkpoint, as "interrupted".
            on_download: Called with the bytes of the weights that have come, and their total, while they are fetched.
            workers: The processes that share the tiles of the picture, from `join_workers`; the picture is that of one,
                but for the order of additions. The first alone writes.
            checkpoint: File that the run is kept in as it goes; None keeps nothing.
            resume: Go on from `checkpoint` if it is there. The result is that of the uninterrupted run, bit for bit.

        Raises:
            FileError: if a picture, the weights or the checkpoint cannot be read or written.
            InputError: for pictures that are too small, unknown layers, weights with which no step lowers the loss, or
                a checkpoint of another run.
            WorkerError: when another of the processes ends; the checkpoint is that of the last step.
            DeviceMemoryError: if a GPU has too little memory, with what to allow instead.
            DivergenceError: when the loss becomes infinite or not a number.
        """
        if resume and checkpoint is None:
            raise InputError("to resume, name the checkpoint that the run was kept in")
        engine = self.chosen_engine()
        on_numpy = engine.backend == "numpy"
        with engine.computing():
            problem = StyleProblem(self, content, styles, masks, on_download, engine, workers)
            run = _Run(self, problem, None if checkpoint is None else Path(checkpoint), resume=resume)
            # Worth a twentieth of the time; in larger pictures the gaps between freed arrays would be too large
            kept = on_numpy or math.prod(run.sizes[-1]) <= PREPARED_PIXELS
            remedy = "" if on_numpy else smaller_plan(problem, *run.sizes[-1], run.plan)
            with engine.computing(keep_memory=kept, remedy=remedy):
                return run.paint(callback or (lambda record: None), stop or (lambda: False))

    def estimate(
        self,
        content: Picture,
        styles: Styles,
        *,
        masks: Sequence[tuple[Picture, int]] = (),
        on_download: Callable[[int, int], None] | None = None,
    ) -> Estimate:
        """What `run` with the same pictures will take, from a probe of a few seconds.

        Raises:
            InputError, FileError: as `run` does before it begins.
        """
        engine = self.chosen_engine()
        with engine.computing():
            problem = StyleProblem(self, content, styles, masks, on_download, engine)
            run = _Run(self, problem, None, resume=False)
            return estimate(run.problem, run.sizes, run.plan)


class _Run:
    """One style transfer, from wherever its state stands."""

    def __init__(
        self, transfer: StyleSettings, problem: StyleProblem, checkpoint: Path | None, *, resume: bool
    ) -> None:
        self.transfer, self.problem, self.checkpoint = transfer, problem, checkpoint
        self._master = problem.engine.master
        self.resumes = resume and checkpoint is not None and checkpoint.exists()
        height, width = problem.content.shape[:2]
        long_edge = max(height, width) if transfer.size == "full" else transfer.size
        self.sizes = scale_sizes(height, width, long_edge, transfer.scales)
        problem.check_sizes(self.sizes[0], self.sizes[-1])
        if checkpoint is not None and self.resumes:  # by the plan it began with: another would give other bytes
            self.plan = recorded_plan(checkpoint)
            check_plan(problem, *self.sizes[-1], self.plan)
        else:
            self.plan = make_plan(problem, *self.sizes[-1])
        for size in self.sizes if transfer.style_weight else ():
            problem.check_regions(*size)
        beta2 = 0.99 if transfer.optimizer in ("adam", "adamw") else None  # a scale's steps are few to average over
        self.optimizer = make_optimizer(transfer.optimizer, beta2=beta2)
        if isinstance(self.optimizer, LBFGS):
            self.optimizer = LBFGS(history=self.plan.history)
        self.rate = LEARNING_RATES[transfer.optimizer] if transfer.learning_rate is None else transfer.learning_rate
        self.settings = {
            **transfer.as_values(problem.engine),
            "start": transfer.start if problem.start is None else "a picture",
            "vgg_weights": Path(transfer.vgg_weights).name,  # without folders, as the settings go into the picture
            "content_layers": problem.content_layers,
            "style_layers": problem.style_layers,
            "learning_rate": self.rate,
            "style_shares": [style.share for style in problem.styles],
            "plan": self.plan._asdict(),
            "sizes": [list(size) for size in self.sizes],
            "pictures": problem.fingerprint(),
            "network_parameters": fingerprint(problem.vgg.theta),
        }

    def paint(self, callback: Callable[[StepRecord], None], stop: Callable[[], bool]) -> StyleResult:
        """Work the scales that are left."""
        if self.checkpoint is not None and self.resumes:
            state = load_style_checkpoint(self.checkpoint, self.optimizer, self.settings)
            state = self._put(state)
            with refusing_damage(self.checkpoint):
                objective = self._objective(state.scale).reweighted(state.weights)
        else:
            state, objective = self._enter(0, self.problem.first(*self.sizes[0]))
        self.problem.workers.check_same(self.settings, state.theta, np.array([state.scale, state.step]))
        saver = SparingSaver(lambda seconds: self._save(state, seconds), state.seconds)
        while not (stopped := self._stops(stop, saver)):
            if self._settled(state):
                if state.scale + 1 == len(self.sizes):
                    break
                larger = self.problem.enlarge(to_numpy(self._picture(state)), *self.sizes[state.scale + 1])
                del objective  # and with it the filters that it keeps, before the next one makes its own
                state, objective = self._enter(state.scale + 1, larger, state)
                continue
            try:
                evaluation = self._step(objective, state)
            except WorkerError:  # between two steps, as the one that failed has changed nothing
                saver.save_now()
                raise
            callback(self._record(state, evaluation, saver.seconds()))
            saver.save_sometimes()
        saver.save_now()
        picture = self._picture(state)
        end = objective.without_gradient(picture.reshape(-1))
        return StyleResult(
            picture=to_uint8(self.problem.finish(to_numpy(picture))),
            loss=end.loss,
            content_loss=end.terms["content"],
            style_loss=end.terms["style"],
            tv_loss=end.terms["tv"],
            steps=len(state.history),
            seconds=saver.seconds(),
            stopped="interrupted" if stopped else "finished",
            settings=self.settings,
            history=tuple(state.history),
            photo=self.problem.photo,
            files=self.problem.files,
        )

    def _objective(self, scale: int) -> StyleObjective:
        height, width = self.sizes[scale]
        return self.problem.objective(height, width, tile=self.plan.tile, prepared=self.plan.prepared)

    def _enter(self, scale: int, picture: Array, before: StyleState | None = None) -> tuple[StyleState, StyleObjective]:
        """Begin a scale with a picture of its size and what the scale before leaves."""
        theta, objective = self._master.put(picture.reshape(-1)), self._objective(scale)
        if self.transfer.normalize_gradients:
            objective = objective.with_normalized_gradients(theta)
        averaged = not isinstance(self.optimizer, LBFGS)
        memory = self.optimizer.init(theta)
        if before is not None and averaged:
            arrays = {name: to_numpy(v) for name, v in before.memory._asdict().items() if hasattr(v, "shape")}
            resampled = resample_moments(before.memory._replace(**arrays), self.sizes[before.scale], self.sizes[scale])
            memory = self._put_memory(resampled)
        rate = self.rate
        if self.transfer.optimizer in ("gd", "momentum", "nesterov"):  # whose steps are as long as the gradient is
            start = objective(theta)
            length, square = total(abs(start.gradient)), float(start.gradient @ start.gradient)
            if start.loss <= NOTHING * sum(term.weight for term in objective.terms):
                rate = 0.0  # the gradient is rounding
            elif square:  # no further than to where a straight line would have no loss left (Polyak's step)
                rate = min(rate * objective.size / length, start.loss / square)
        state = StyleState(
            theta,
            memory,
            weights=[term.weight for term in objective.terms],
            rate=rate,
            average=zeros((objective.size if averaged else 0,), theta),
            scale=scale,
            history=[] if before is None else before.history,
        )
        return state, objective

    def _step(self, objective: StyleObjective, state: StyleState) -> Evaluation:
        rate = state.rate
        if isinstance(self.optimizer, LBFGS):  # divides by the gradient's length at first, and then knows its own
            rate = 1.0 if state.memory.pairs else rate * objective.size
        state.theta, state.memory, evaluation = self.optimizer.step(objective, state.theta, state.memory, rate)
        if not np.isfinite(evaluation.loss):
            raise DivergenceError(
                f"the picture diverged: the loss is {evaluation.loss} in step {state.step + 1} of scale "
                f"{state.scale + 1}; try a learning rate ten times smaller than {self.rate:g}"
            )
        stuck = getattr(state.memory, "converged", False) and not state.history
        if stuck and evaluation.loss > NOTHING * (self.transfer.content_weight + self.transfer.style_weight):
            raise InputError(
                f"no step lowers the loss, which is {evaluation.loss:.4g} at the start; "
                "choose weights that are neither as large nor as small, or another learning rate"
            )
        if len(state.average):
            state.average += (1.0 - AVERAGING) * (state.theta - state.average)
        state.step += 1
        state.history.append(evaluation.loss)
        return evaluation

    def _settled(self, state: StyleState) -> bool:
        """Whether this scale is done: out of steps, or the loss no longer falls."""
        losses = state.history[len(state.history) - state.step :]
        if state.step >= self.transfer.steps or getattr(state.memory, "converged", False):
            return True
        return len(losses) > PATIENCE and min(losses[-PATIENCE:]) > (1.0 - LEAST_FALL) * min(losses[:-PATIENCE])

    def _picture(self, state: StyleState) -> Array:
        """The picture so far, (height, width, 3), where it is painted: the average of the iterates, if one is taken."""
        pixels = state.theta
        if len(state.average) and state.step:
            pixels = state.average / (1.0 - AVERAGING**state.step)  # the average began with zeros, as Adam's do
        return pixels.reshape(*self.sizes[state.scale], 3)

    def _put(self, state: StyleState) -> StyleState:
        """A state that was read, where it is painted."""
        state.theta, state.average = self._master.put(state.theta), self._master.put(state.average)
        state.memory = self._put_memory(state.memory)
        return state

    def _put_memory(self, memory: Any) -> Any:
        arrays = {name: value for name, value in memory._asdict().items() if isinstance(value, np.ndarray)}
        return memory._replace(**{name: self._master.put(value) for name, value in arrays.items()})

    def _stops(self, stop: Callable[[], bool], saver: SparingSaver) -> bool:
        """Whether any process is asked to stop."""
        try:
            return self.problem.workers.any(stop())
        except WorkerError:
            saver.save_now()
            raise

    def _record(self, state: StyleState, evaluation: Evaluation, seconds: float) -> StepRecord:
        height, width = self.sizes[state.scale]
        areas = [h * w for h, w in self.sizes]
        worked = sum(areas[: state.scale]) + areas[state.scale] * state.step / self.transfer.steps
        return StepRecord(
            scale=state.scale + 1,
            scales=len(self.sizes),
            step=state.step,
            steps=self.transfer.steps,
            width=width,
            height=height,
            loss=evaluation.loss,
            content_loss=evaluation.terms["content"],
            style_loss=evaluation.terms["style"],
            tv_loss=evaluation.terms["tv"],
            seconds=seconds,
            done=worked / sum(areas),
            pixels=self._picture(state),
            finish=self.problem.finish,
        )

    def _save(self, state: StyleState, seconds: float) -> int:
        state.seconds = seconds
        if self.checkpoint is None or self.problem.workers.rank:
            return 0
        return save_style_checkpoint(self.checkpoint, state, self.settings)
