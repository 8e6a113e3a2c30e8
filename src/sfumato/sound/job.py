"""Playing as a run of `minimize`: one stage, whose theta is the log gains."""

from typing import Any, ClassVar

from sfumato.arrays import Array, to_numpy, total
from sfumato.checkpoint import State, check_number
from sfumato.errors import DivergenceError
from sfumato.minimize import Job
from sfumato.objective import Evaluation
from sfumato.optimizers import Optimizer
from sfumato.sound.objective import SoundObjective
from sfumato.sound.problem import SoundProblem
from sfumato.sound.result import SoundRecord
from sfumato.sound.settings import LEARNING_RATE

PATIENCE, LEAST_FALL = 10, 1e-3
"""The run ends when the lowest loss of its last so many steps is not lower by this part than the lowest before."""

NEGLIGIBLE = 1e-9
"""Loss that is zero but for rounding."""


class PlayingJob(Job):
    """Playing as a run: theta is that of the problem's rendering, and the history the loss of every step.

    Args:
        problem: Sounds and settings.
        history: Pairs that L-BFGS keeps.
    """

    kind: ClassVar[str] = "sound"

    def __init__(self, problem: SoundProblem, history: int) -> None:
        settings = problem.settings
        self.problem, self.steps = problem, settings.steps
        self.engine = problem.engine
        self.optimizer: Optimizer[Any] = settings.chosen_optimizer().remembering(history)
        self.rate = LEARNING_RATE if settings.learning_rate is None else settings.learning_rate
        self.rendering = problem.rendering()
        self.objective: SoundObjective = problem.objective(self.rendering)
        self.settings: dict[str, Any] = {
            **settings.as_values(problem.engine),
            "learning_rate": self.rate,
            "history": history,
            "samples": len(problem.mid),
            "rate": problem.rate,
            "style_shares": [style.weight for style in problem.styles],
            "sounds": problem.fingerprint(),
        }

    def first(self) -> State:
        """State before the first step."""
        theta = self.rendering.first()
        return State(theta, self.optimizer.init(theta))

    def finished(self, state: State) -> str:
        return state.finished

    def stage_over(self, state: State) -> bool:
        if state.step >= self.steps or self.optimizer.converged(state.optimizer_state):
            return True
        losses = state.history
        if losses and losses[-1] <= NEGLIGIBLE:
            return True
        return len(losses) > PATIENCE and min(losses[-PATIENCE:]) > (1.0 - LEAST_FALL) * min(losses[:-PATIENCE])

    def next_step(self, state: State) -> tuple[SoundObjective, float]:
        rate = self.rate
        if self.optimizer.proportional and not state.numbers:
            start = self.objective(state.theta)
            length = total(abs(start.gradient))
            state.numbers["rate"] = rate * self.objective.size / length if length else 0.0
        rate = state.numbers.get("rate", rate)
        return self.objective, self.optimizer.painting_rate(state.optimizer_state, rate, self.objective.size)

    def after_step(self, state: State, evaluation: Evaluation) -> SoundRecord:
        state.history.append(evaluation.loss)
        return SoundRecord(
            step=state.step,
            steps=self.steps,
            loss=evaluation.loss,
            terms=dict(evaluation.terms),
            seconds=state.seconds,
            done=state.step / self.steps,
        )

    def end_stage(self, state: State) -> None:
        state.finished = "finished"

    def diverged(self, state: State, loss: float) -> DivergenceError:
        return DivergenceError(
            f"the sound diverged: the loss is {loss} in step {state.step + 1}; "
            f"try a learning rate ten times smaller than {self.rate:g}"
        )

    def warnings(self, state: State, end: float) -> tuple[str, ...]:
        """Say if the sound is no nearer to what was asked for than what it started from, and what to try."""
        begun = state.history[0] if state.history else end
        if end < begun or begun <= NEGLIGIBLE:
            return ()
        other = "" if self.optimizer.full_batch else ", or optimizer='lbfgs'"
        return (
            f"the sound ended with a loss of {end:.4g}, and began with {begun:.4g}: "
            f"try a learning rate ten times smaller (learning_rate={self.rate / 10:g}){other}",
        )

    def vector_sizes(self, stage: int, step: int) -> dict[str, int]:
        if stage or step > self.steps:
            raise ValueError(f"it has no stage {stage} with {step} steps")
        return {"theta": self.objective.size}

    def check_state(self, state: State) -> None:
        if not len(state.history) == state.steps == state.step:
            raise ValueError(f"{len(state.history)} losses are not {state.steps} steps")
        if state.finished not in ("", "finished") or not state.numbers.keys() <= {"rate"}:
            raise ValueError(f"no sound is finished as {state.finished!r}, or has {', '.join(state.numbers)}")
        if any(check_number(number) < 0 for number in state.numbers.values()):
            raise ValueError("rates are not negative")

    def read_entry(self, entry: Any) -> float:
        return check_number(entry)

    def sounds(self, state: State) -> tuple[Array, Array | None]:
        """The sound so far, (samples,), and half the difference of its channels, if it has two."""
        mid: Array = to_numpy(self.rendering.forward(state.theta)[0])[0]
        side = self.problem.side_to_play()
        if side is None:
            return mid, None
        return mid, to_numpy(self.rendering.apply(state.theta, self.engine.master.put(side[None])))[0]
