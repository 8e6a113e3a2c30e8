"""`sfumato evaluate`: measure a model on data."""

from typing import Annotated

import typer

from sfumato.cli.console import Console
from sfumato.cli.options import ComputeOptions, Data, FileOptions, ModelPath, OutputOptions, grouped
from sfumato.outputs import check_output, write_output
from sfumato.storage import dump


@grouped
def evaluate(
    model: ModelPath,
    data: Data,
    compute: ComputeOptions,
    output: OutputOptions,
    table: FileOptions,
    target: Annotated[
        str | None,
        typer.Option(metavar="NAME|INDEX", help="Column of the truth.", show_default="the model's, or the last"),
    ] = None,
    html: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write a page as well, with figures: it needs no network.", show_default=False
        ),
    ] = None,
) -> None:
    """Measure MODEL on DATA: loss, accuracy, confusion matrix and all that is read off it.

    Where DATA brings a test set of its own (as mnist does), that is what is measured; else every row is, and rows that
    MODEL was trained on flatter it.

    Examples:
        sfumato evaluate runs/mnist mnist

        sfumato evaluate runs/mnist mnist --html mnist.html

        sfumato evaluate model.safetensors new.csv --target species --json
    """
    from sfumato.engine import NUMPY, choose_engine
    from sfumato.evaluation.report import report
    from sfumato.model import Model

    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    inputs = [model, data]
    for path in (output.out, html):
        check_output(path, overwrite=output.overwrite, inputs=inputs)
    with console.computing(output.threads), console.reading():
        loaded = Model.load(model)
        precision = compute.precision or loaded.theta.dtype.name
        loaded = loaded.on(choose_engine(compute.backend, compute.device, precision))
        examples, which = loaded.examples(data, target, table.options)
        measured = report(loaded, examples, f"{model} on {which}")
        engine = loaded.engine or NUMPY
        values, text = {**measured.to_dict(), **engine._asdict()}, measured.to_text()
        if engine.backend != "numpy":
            text += f"\n\ncomputed by {engine}"
        write_output(html, measured.to_html() if html else "", overwrite=output.overwrite, inputs=inputs)
    write_output(output.out, dump(values) if output.as_json else text, overwrite=output.overwrite, inputs=inputs)
    console.result(text, values)
