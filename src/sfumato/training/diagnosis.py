"""Advice from the loss curve, and from the loss before and after training."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.data.streaming import StreamedExamples
from sfumato.training.fitting import FitResult, evaluate
from sfumato.training.history import EpochRecord

if TYPE_CHECKING:
    from sfumato.training.preparation import Training

ENOUGH = 1000
"""Training examples on which the loss at the end is compared with that before the first step."""


def diagnose(history: Sequence[EpochRecord], *, early_stopping: bool = False) -> list[str]:
    """Interpret the loss curve by the reference's advice (Part 8, section 2.1).

    Looked at is the second half of the run: whether the training loss ended above where it was, went up and down (by
    5 % an epoch on average, and up in more than a quarter of them), or was still falling steadily, and whether the
    validation loss has turned.

    Args:
        history: The records of all epochs.
        early_stopping: Whether the weights kept are those of the lowest validation loss already.

    Returns:
        One sentence for each thing found; empty when the run ended flat, or is too short (under four epochs) to tell.
    """
    loss = np.array([record.train_loss for record in history])
    if len(loss) < 4:
        return []
    half = loss[len(loss) // 2 :]
    changes = np.diff(half)
    relative_change = float((np.abs(changes) / np.maximum(half[:-1], np.finfo(float).tiny)).mean())
    net = float(half[0] - half[-1])
    level = float(np.abs(half).mean()) or 1.0
    findings = []
    overfits = _overfitting(history, early_stopping)
    if loss[-1] > loss[0] or net < -0.05 * level:
        lower, since = (loss[0], 1) if loss[-1] > loss[0] else (half[0], history[len(loss) // 2].epoch)
        findings.append(
            f"The training loss rose ({lower:.4g} at epoch {since}, {loss[-1]:.4g} at the end): try a smaller learning "
            "rate."
        )
    elif relative_change > 0.05 and float((changes > 0).mean()) > 0.25:
        findings.append(
            'The training loss oscillates: add learning rate decay (schedule="exponential"), or try a smaller rate.'
        )
    elif not overfits and loss[-1] > 1e-6 and net > 0.05 * level and _still_falling(loss):
        findings.append("The training loss was still falling steadily at the end: more epochs would lower it further.")
    return findings + overfits


def without_progress(training: "Training", result: FitResult, train: Examples | StreamedExamples) -> tuple[str, ...]:
    """Compare what was minimised before the first step and at the end, on some of the training examples.

    Args:
        training: What was trained.
        result: Its result, with the parameters of scaled values.
        train: The training examples.

    Returns:
        A sentence that says so and what to try, if it is no lower; none for a run that was interrupted.
    """
    if result.stopped == "interrupted":
        return ()
    network, dtype = training.network, result.theta.dtype
    block = next(iter(training.examples(train).blocks()))
    every = slice(None, None, -(-block.size // ENOUGH))
    weights = None if block.sample_weight is None else block.sample_weight[every]
    sample, decaying = Examples(block.x[every], block.y[every], weights), network.decaying()

    def objective(theta: Array) -> float:
        W = theta[decaying].astype(np.float64)  # whose squares may be beyond float32
        penalty = result.settings["l2"] / (2 * train.size) * float(W @ W)
        return float(evaluate(network, training.loss, theta, sample, training.scaling)[0] + penalty)

    begun, end = objective(network.initialize(training.seed, dtype)), objective(result.theta)
    if end < begun:
        return ()
    unit, rate = training.target_variance, result.settings["learning_rate"]
    if math.isclose(begun, end, rel_tol=1e-6):
        return (f"the training loss stayed at {unit * end:.4g}: try another initialisation or learning rate",)
    return (
        f"the training loss ended at {unit * end:.4g}, and began at {unit * begun:.4g}: "
        f"try a learning rate ten times smaller (learning_rate={rate / 10:g})",
    )


def _still_falling(loss: Array) -> bool:
    """Whether the loss fell by 2 % or more in the last fifth of the run, mostly without rising."""
    last = loss[-max(3, len(loss) // 5) :]
    return bool(last[0] - last[-1] > 0.02 * abs(last[0]) and (np.diff(last) < 0).mean() >= 0.6)


def _overfitting(history: Sequence[EpochRecord], early_stopping: bool) -> list[str]:
    validation = np.array([record.validation_loss for record in history])
    if np.isnan(validation).any():
        return []
    lowest = int(validation.argmin())
    if lowest >= 0.9 * (len(validation) - 1) or validation[-1] <= 1.1 * validation[lowest]:
        return []
    advice = "regularise (l2=..., dropout=...)"
    return [
        f"The validation loss was lowest at epoch {history[lowest].epoch} ({validation[lowest]:.4g}) and has risen to "
        f"{validation[-1]:.4g} since: {advice if early_stopping else f'stop there (early_stopping=...), or {advice}'}."
    ]
