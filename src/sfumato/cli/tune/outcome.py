"""The outcome of a search: the best trial trained again, and the report and files."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sfumato.cli.messages import in_options
from sfumato.cli.parsing import asked_engine
from sfumato.cli.tune.finals import Finals
from sfumato.cli.tune.plan import SearchPlan
from sfumato.minimize import RunOptions
from sfumato.outputs import BEST
from sfumato.storage import dump, write_atomically
from sfumato.training.splits import Splits

if TYPE_CHECKING:
    import optuna

    from sfumato.tuning.search import Setting, Trial

SHOWN = 10  # trials in the table of the report


def conclude(
    plan: SearchPlan,
    splits: Splits,
    study: "optuna.Study",
    taken: "Trial",
    finals: Finals | None,
    folder: Path | None,
    seconds: float,
) -> tuple[str, dict[str, Any]]:
    """Train the trial that is taken again, with the command that is printed, and write all files.

    Returns:
        Text and values.
    """
    from sfumato.tuning.search import best_of, finished_trials

    trials = finished_trials(study)
    outcome = train_again(plan, taken, None if folder is None else folder / BEST)
    space, importances = plan.space(splits), _importances(study)
    first, best = next((trial for trial in trials if trial.number == 0), None), best_of(trials) or taken
    command = plan.command(taken.values, taken.best_epoch)
    text = "\n".join(
        [
            f"{plan.data}: {len(trials)} trials, {sum(t.pruned for t in trials)} stopped early, in {seconds:.1f} s",
            f"the first: validation loss {score_text(first)}" if first else "",
            f"the best: trial {best.number}, validation loss {best.score:.4f} in epoch {best.best_epoch}",
            *_final_lines(finals),
            *_test_lines(outcome),
            "",
            _table(trials, space, finals),
            "",
            f"Trial {taken.number} is trained again, now on all examples but the test data, by",
            f"    sfumato {shlex.join(command)}",
        ]
    )
    values = {
        "trials": len(trials),
        "best": {
            "trial": taken.number,
            "validation_loss": taken.score,
            "epoch": taken.best_epoch,
            "values": taken.values,
        },
        "finals": finals and finals.means,
        "first": first and first.score,
        "importance": importances,
        "command": ["sfumato", *command],
        "outcome": outcome,
        "seconds": seconds,
    }
    if folder is not None:
        _write(folder, text, trials, space, importances)
    return text, values


def train_again(plan: SearchPlan, best: "Trial", out: Path | None) -> dict[str, Any]:
    """Train with the values of the best trial; the run is kept in a folder, if one is given."""
    from sfumato.recipe import train_with

    settings, how = plan.again(best.values, best.best_epoch), RunOptions(engine=asked_engine(plan.compute))
    run = train_with(plan.data, settings, plan.seed, how, out, overwrite=True, words=in_options)
    if run.stopped == "interrupted":
        raise typer.Exit(130)
    values: dict[str, Any] = json.loads(dump({**run.summary.values, "out": None if out is None else str(out)}))
    return values


def _write(
    folder: Path, text: str, trials: Sequence["Trial"], space: Mapping[str, "Setting"], shares: Mapping[str, float]
) -> None:
    import pandas as pd

    from sfumato import plots
    from sfumato.plots import tuning as tuning_plots

    rows = [{**trial._asdict(), **trial.values} for trial in trials]
    table = pd.DataFrame(rows).drop(columns="values").rename(columns={"score": "validation_loss"})
    write_atomically(folder / "trials.csv", table.to_csv(index=False, lineterminator="\n"))
    write_atomically(folder / "search.png", plots.to_png(tuning_plots.search(trials, space)))
    if shares:
        write_atomically(folder / "importance.png", plots.to_png(tuning_plots.importance(shares)))
    write_atomically(folder / "report.txt", text + "\n")


def _importances(study: "optuna.Study") -> dict[str, float]:
    """Share of each setting in the variation of the losses, by Optuna's functional ANOVA; none for few trials."""
    import optuna

    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len({trial.value for trial in complete}) < 4:
        return {}
    return dict(optuna.importance.get_param_importances(study, evaluator=_evaluator()))


def _evaluator() -> Any:
    from optuna.importance import FanovaImportanceEvaluator

    return FanovaImportanceEvaluator(seed=0)


def _table(trials: Sequence["Trial"], space: Mapping[str, "Setting"], finals: Finals | None) -> str:
    """Format the best trials and those that were trained once more, a line each."""
    again = finals.means if finals else {}
    order = sorted((trial for trial in trials if not trial.pruned), key=lambda trial: trial.score)
    shown = [trial for place, trial in enumerate(order) if place < SHOWN or trial.number in again]
    heads = ["trial", "loss", *(["once more"] if finals else []), "epoch", *(name.replace("_", " ") for name in space)]
    rows = []
    for trial in shown:
        more = [f"{again[trial.number]:.4f}" if trial.number in again else ""] if finals else []
        settings = (_text(name, trial.values[name]) for name in space)
        rows.append([str(trial.number), score_text(trial), *more, str(trial.best_epoch), *settings])
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows)]
    return "\n".join(lines)


def _text(name: str, value: Any) -> str:
    if name in ("beta", "beta1", "beta2"):
        return f"{1 - value:.6g}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def score_text(trial: "Trial | None") -> str:
    """Format the score of a trial, and whether it was stopped early."""
    return "n/a" if trial is None else f"{trial.score:.4f}{' (stopped early)' if trial.pruned else ''}"


def brief(trial: "Trial") -> str:
    """Format the settings that matter most."""
    names = ("learning_rate", "hidden", "batch_size")
    return ", ".join(f"{n.replace('_', ' ')} {_text(n, trial.values[n])}" for n in names if n in trial.values)


def _final_lines(finals: Finals | None) -> list[str]:
    """Say which trial is taken, where some were trained once more."""
    if finals is None:
        return []
    taken, splits = finals.chosen, finals.losses.shape[1]
    if taken is finals.trials[0]:
        why = "no other is better by more than the standard error of the difference"
    else:
        means = finals.means
        why = f"a mean loss of {means[taken.number]:.4f} beside {means[finals.trials[0].number]:.4f}"
    return [f"taken: trial {taken.number}, by {splits} further splits: {why}"]


def _test_lines(outcome: Mapping[str, Any]) -> list[str]:
    if outcome["test_loss"] is None:
        return []
    accuracy = outcome["test_accuracy"]
    return [
        f"on the test data: loss {outcome['test_loss']:.4f}"
        + ("" if accuracy is None else f", accuracy {accuracy:.4f}")
    ]
