"""Painting as a run of `minimize`: a sequence of scales, and the transfer of picture and state to the next scale."""

import math
from pathlib import Path
from typing import Any, ClassVar

from sfumato.arrays import Array, copied, fingerprint, to_numpy, total, zeros
from sfumato.checkpoint import State, check_number
from sfumato.errors import DivergenceError, InputError
from sfumato.minimize import Job
from sfumato.objective import Evaluation
from sfumato.style.neighbours import MATCHED_SCALES, matched_scales
from sfumato.style.objective import StyleObjective
from sfumato.style.problem import StyleProblem
from sfumato.style.pyramid import resample_averages
from sfumato.style.result import StepRecord
from sfumato.style.tiles.memory import Plan

AVERAGING = 0.95
"""Decay of the average of a first-order optimizer's iterates: it averages about twenty of them."""

NEGLIGIBLE = 1e-9
"""Relative loss that is zero but for rounding."""

PATIENCE, LEAST_FALL = 10, 1e-3
"""A scale ends when the lowest loss of its last so many steps is not lower by this part than the lowest before."""


class PaintingJob(Job):
    """Painting as a run: its stages are scales, theta is the picture at one, and its history the loss of every step.

    A state has the vectors "average", the running average of the iterates, not yet corrected for starting at zero
    (empty where none is taken), and "begun", the picture that the scale began with, which neighbours are found for
    (empty where none are, and at the first scale); and the numbers "weights", those of the objective's terms at this
    scale, which may have been normalised at its start, and "rate", the learning rate at this scale.

    Args:
        problem: Pictures, network and settings.
        sizes: Height and width at each scale.
        plan: How memory is used.
    """

    kind: ClassVar[str] = "style"
    objective: StyleObjective
    """Objective of the current scale; set by `first` or `go_on`."""

    def __init__(self, problem: StyleProblem, sizes: list[tuple[int, int]], plan: Plan) -> None:
        transfer = problem.settings
        self.problem, self.sizes, self.plan, self.transfer = problem, sizes, plan, transfer
        self.engine = problem.engine
        self.optimizer = transfer.chosen_optimizer().remembering(plan.history)
        self.averages = not self.optimizer.full_batch
        own = self.optimizer.picture_learning_rate
        self.rate = own if transfer.learning_rate is None else transfer.learning_rate
        self.settings: dict[str, Any] = {
            **transfer.as_values(problem.engine),
            "start": transfer.start if problem.start is None else "a picture",
            "content_mask": None if problem.content_mask is None else "a picture",
            "vgg_weights": Path(transfer.vgg_weights).name,  # without folders, as the settings go into the picture
            "content_layers": problem.content_layers,
            "style_layers": problem.style_layers,
            "learning_rate": self.rate,
            "style_shares": [style.share for style in problem.styles],
            "plan": plan._asdict(),
            "sizes": [list(size) for size in sizes],
            "pictures": problem.fingerprint(),
            "network_parameters": fingerprint(problem.vgg.theta),
        }
        if problem.matches:  # not of others, which go on with checkpoints of before
            self.settings["matched_scales"] = MATCHED_SCALES

    def first(self) -> State:
        """State before the first step."""
        theta = self._place(self.problem.first(*self.sizes[0]))
        weights, rate = self._enter(0, theta, theta[:0])
        state = State(theta, self.optimizer.init(theta), numbers={"weights": weights, "rate": rate})
        state.vectors = {"average": self._no_average(theta), "begun": copied(theta[:0])}
        return state

    def go_on(self, state: State) -> None:
        """Prepare to resume from a state of a checkpoint.

        Raises:
            ValueError: if it has other terms.
        """
        objective = self._objective(state.stage, state.vectors["begun"])
        self.objective = objective.reweighted([float(w) for w in state.numbers["weights"]])
        state.numbers["rate"] = float(state.numbers["rate"])

    def finished(self, state: State) -> str:
        return state.finished

    def stage_over(self, state: State) -> bool:
        """Whether all steps are taken, or the loss no longer falls."""
        losses = state.history[len(state.history) - state.step :]
        if state.step >= self.transfer.steps or self.optimizer.converged(state.optimizer_state):
            return True
        return len(losses) > PATIENCE and min(losses[-PATIENCE:]) > (1.0 - LEAST_FALL) * min(losses[:-PATIENCE])

    def next_step(self, state: State) -> tuple[StyleObjective, float]:
        rate = self.optimizer.painting_rate(state.optimizer_state, state.numbers["rate"], self.objective.size)
        return self.objective, rate

    def after_step(self, state: State, evaluation: Evaluation) -> StepRecord:
        stuck = self.optimizer.converged(state.optimizer_state) and not state.history
        if stuck and evaluation.loss > NEGLIGIBLE * (self.transfer.content_weight + self.transfer.style_weight):
            raise InputError(
                f"no step lowers the loss, which is {evaluation.loss:.4g} at the start; "
                "choose weights that are neither as large nor as small, or another learning rate"
            )
        if self.averages:
            average = state.vectors["average"]
            average += (1.0 - AVERAGING) * (state.theta - average)
        state.history.append(evaluation.loss)
        return self._record(state, evaluation)

    def end_stage(self, state: State) -> None:
        scale = state.stage + 1
        if scale == len(self.sizes):
            state.finished = "finished"
            return
        theta = self._place(self.problem.enlarge(to_numpy(self.picture(state)), *self.sizes[scale]))
        del self.objective  # and with it the filters that it keeps, before the next one makes its own
        begun = copied(theta if self._matched(scale) else theta[:0])
        weights, rate = self._enter(scale, theta, begun)
        optimizer_state = self.optimizer.init(theta)
        if self.optimizer.gradient_powers:
            vectors, numbers = self.optimizer.pack(state.optimizer_state)
            old, new = self.sizes[state.stage], self.sizes[scale]
            resampled = resample_averages(vectors, self.optimizer.gradient_powers, old, new)
            placed = {name: self.engine.master.put(vector) for name, vector in resampled.items()}
            optimizer_state = self.optimizer.unpack(placed, numbers)
        state.theta, state.optimizer_state = theta, optimizer_state
        state.vectors = {"average": self._no_average(theta), "begun": begun}
        state.numbers = {"weights": weights, "rate": rate}
        state.stage, state.step = scale, 0

    def loss_of_start(self, state: State, end: float) -> float:
        """Loss of what the run started from, at the last size; or another that the loss at the end is below.

        Args:
            state: The state at the end.
            end: The loss there.
        """
        at_this_size = state.history[len(state.history) - state.step] if state.step else -math.inf
        if len(self.sizes) == 1 or (self.optimizer.full_batch and end < at_this_size):
            return at_this_size
        return self.objective.value(self._place(self.problem.first(*self.sizes[-1])))

    def warnings(self, state: State, end: float) -> tuple[str, ...]:
        """Say if the picture is no nearer to what was asked for than what it started from, and what to try."""
        begun = self.loss_of_start(state, end)
        weight = self.transfer.content_weight + self.transfer.style_weight
        if end < begun or end <= NEGLIGIBLE * weight:
            return ()
        other = ", or optimizer='lbfgs'" if self.optimizer.proportional or self.averages else ""
        return (
            f"the picture ended with a loss of {end:.4g}, and began with {begun:.4g}: "
            f"try a learning rate ten times smaller (learning_rate={self.rate / 10:g}){other}",
        )

    def diverged(self, state: State, loss: float) -> DivergenceError:
        return DivergenceError(
            f"the picture diverged: the loss is {loss} in step {state.step + 1} of scale "
            f"{state.stage + 1}; try a learning rate ten times smaller than {self.rate:g}"
        )

    def vector_sizes(self, stage: int, step: int) -> dict[str, int]:
        if stage >= len(self.sizes) or step > self.transfer.steps:
            raise ValueError(f"it has no scale {stage} with {step} steps")
        pixels = 3 * math.prod(self.sizes[stage])
        begun = pixels if stage > 0 and self._matched(stage) else 0
        return {"theta": pixels, "average": pixels if self.averages else 0, "begun": begun}

    def check_state(self, state: State) -> None:
        if len(state.history) != state.steps or state.step > state.steps:
            raise ValueError(f"{len(state.history)} losses and {state.step} steps are not {state.steps} steps")
        if state.finished not in ("", "finished") or state.numbers.keys() != {"weights", "rate"}:
            raise ValueError(f"no painting is finished as {state.finished!r}, or has {', '.join(state.numbers)}")
        if min(map(check_number, [state.numbers["rate"], *state.numbers["weights"]])) < 0:
            raise ValueError("weights and rates are not negative")

    def read_entry(self, entry: Any) -> float:
        return check_number(entry)

    def picture(self, state: State) -> Array:
        """Picture so far, (height, width, 3), on the device: the average of the iterates, if there is one."""
        pixels = state.theta
        if self.averages and state.step:
            pixels = state.vectors["average"] / (1.0 - AVERAGING**state.step)  # it began with zeros, as Adam's do
        return pixels.reshape(*self.sizes[state.stage], 3)

    def _place(self, picture: Array) -> Array:
        return self.engine.master.put(picture.reshape(-1))

    def _no_average(self, theta: Array) -> Array:
        return zeros((len(theta) if self.averages else 0,), theta)

    def _matched(self, scale: int) -> bool:
        """Whether neighbours are found at a scale."""
        return self.problem.matches and scale in matched_scales(len(self.sizes))

    def _objective(self, scale: int, begun: Array) -> StyleObjective:
        height, width = self.sizes[scale]
        painted = to_numpy(begun).reshape(height, width, 3) if len(begun) else None
        return self.problem.objective(
            height,
            width,
            tile=self.plan.tile,
            prepared=self.plan.prepared,
            neighbours=self._matched(scale),
            painted=painted,
        )

    def _enter(self, scale: int, theta: Array, begun: Array) -> tuple[list[float], float]:
        """Set the objective of a scale that begins with theta; returns the weights of its terms, and its rate."""
        objective = self._objective(scale, begun)
        if self.transfer.normalize_gradients:
            objective = objective.with_normalized_gradients(theta)
        self.objective, rate = objective, self.rate
        if self.optimizer.proportional:
            start = objective(theta)
            length, square = total(abs(start.gradient)), float(start.gradient @ start.gradient)
            if start.loss <= NEGLIGIBLE * sum(term.weight for term in objective.terms):
                rate = 0.0  # the gradient is rounding
            elif square:  # no further than to where a straight line would have no loss left (Polyak's step)
                rate = min(rate * objective.size / length, start.loss / square)
        return [term.weight for term in objective.terms], rate

    def _record(self, state: State, evaluation: Evaluation) -> StepRecord:
        height, width = self.sizes[state.stage]
        areas = [h * w for h, w in self.sizes]
        worked = sum(areas[: state.stage]) + areas[state.stage] * state.step / self.transfer.steps
        return StepRecord(
            scale=state.stage + 1,
            scales=len(self.sizes),
            step=state.step,
            steps=self.transfer.steps,
            width=width,
            height=height,
            loss=evaluation.loss,
            content_loss=evaluation.terms["content"],
            style_loss=evaluation.terms["style"],
            tv_loss=evaluation.terms["tv"],
            seconds=state.seconds,
            done=worked / sum(areas),
            pixels=self.picture(state),
            finish=self.problem.finish,
        )
