"""`sfumato check`: derived gradients against finite differences."""

import contextlib
import sys
from typing import Annotated, Literal

import typer

from sfumato.cli.console import Console
from sfumato.cli.options import CheckSettings, ComputeOptions, OutputOptions, SeedOption, grouped
from sfumato.outputs import check_output, write_output
from sfumato.storage import dump
from sfumato.training.settings import TrainingSettings


@grouped
def check(
    settings: CheckSettings,
    seed: SeedOption,
    compute: ComputeOptions,
    output: OutputOptions,
    data: Annotated[str | None, typer.Argument(metavar="DATA", help="As for train.", show_default=False)] = None,
    objective: Annotated[
        str | None,
        typer.Option(metavar="MODULE:NAME", help="Check your own objective or layer; MODULE may be a .py file."),
    ] = None,
    method: Annotated[
        Literal["two-sided", "one-sided", "complex-step"], typer.Option(help="How differences are taken.")
    ] = "two-sided",
    step: Annotated[
        float | None,
        typer.Option(help="Their step.", show_default="two-sided 1e-5, one-sided 1e-8, complex-step 1e-20"),
    ] = None,
    directions: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Random directions for parameters of more entries.",
            show_default="50, where there are over 5000 parameters",
        ),
    ] = None,
) -> None:
    """Check the gradient of a network on DATA, or of an objective of your own, against differences of its loss.

    The network is checked in float64 on 100 random examples (--limit), at its first weights plus noise of 0.1, so that
    no bias sits on the kink of a ReLU. Exit status 1 if the gradient is wrong; a row for each parameter tells where.

    Examples:
        sfumato check spiral --hidden 3 --activation tanh --l2 1

        sfumato check mnist --dropout 0.5

        sfumato check --objective my_layers.py:Swish
    """
    from sfumato.cli.objectives import blamed_on, network_objective, own_objective
    from sfumato.engine import NUMPY_DOUBLE
    from sfumato.errors import InputError
    from sfumato.gradient_check import check_gradient
    from sfumato.objective import OnDevice

    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    inputs = [data, (objective or "").rpartition(":")[0]]
    check_output(output.out, overwrite=output.overwrite, inputs=inputs)
    if (data is None) == (objective is None):
        raise InputError("name either DATA or --objective MODULE:NAME to check")
    if objective is not None and (settings, compute) != (TrainingSettings(), ComputeOptions()):
        raise InputError(
            "--objective is checked as it is: leave out the options of data, network and penalty, and the device"
        )
    if compute.precision is not None:
        raise InputError("a gradient is checked in float64, as less has too few digits: leave out --precision")
    blame = contextlib.nullcontext() if objective is None else blamed_on(objective)
    # A module of one's own may print, and the standard output is for the answer
    with console.computing(output.threads), console.reading(), contextlib.redirect_stdout(sys.stderr), blame:
        if objective is not None:
            checked, theta = own_objective(objective)
        else:
            checked, theta = network_objective(data or "", settings, seed.seed, compute)
        report = check_gradient(checked, theta, method=method, step=step, directions=directions, seed=seed.seed)
    engine = checked.engine if isinstance(checked, OnDevice) else NUMPY_DOUBLE
    values, text = {**report.to_dict(), **engine._asdict()}, report.to_text()
    if engine.backend != "numpy":
        text += f"\ncomputed by {engine}"
    write_output(output.out, dump(values) if output.as_json else text, overwrite=output.overwrite, inputs=inputs)
    console.result(text, values)
    if report.wrong:
        raise typer.Exit(1)
