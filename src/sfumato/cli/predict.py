"""`sfumato predict`: a model's answers for new rows."""

from typing import Annotated

import typer

from sfumato.cli.console import Console
from sfumato.cli.options import ComputeOptions, FileOptions, ModelPath, OutputOptions, grouped
from sfumato.outputs import check_output, write_output


@grouped
def predict(
    model: ModelPath,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A CSV or Parquet file, or a picture.", show_default=False)
    ],
    compute: ComputeOptions,
    output: OutputOptions,
    table: FileOptions,
    proba: Annotated[bool, typer.Option("--proba", help="A column for each class's probability as well.")] = False,
) -> None:
    """Predict every row of FILE, as CSV: one row of answers for each row of features.

    FILE holds the model's features in its order, or has a header with all of their names (other columns are ignored).
    For an image model a row is the pixels, line by line; or FILE is a picture. One of the model's own size is taken as
    it is. Any other is fitted in; where the model takes greys, as a negative if its border is light, since MNIST's
    digits are light on dark: crop it so that the digit fills it as there.

    Examples:
        sfumato predict runs/flowers new.csv -o answers.csv

        sfumato predict runs/mnist digit.jpg --proba

        sfumato predict model.safetensors new.csv --proba
    """
    from sfumato.engine import NUMPY, choose_engine
    from sfumato.evaluation.predictions import check_predictable, predictions, predictions_csv
    from sfumato.model import Model
    from sfumato.pictures.as_examples import is_picture, load_picture

    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    check_output(output.out, overwrite=output.overwrite, inputs=[model, file])
    with console.computing(output.threads), console.reading():
        loaded = Model.load(model)
        precision = compute.precision or loaded.theta.dtype.name
        loaded = loaded.on(choose_engine(compute.backend, compute.device, precision))
        check_predictable(loaded, model, proba=proba)
        if is_picture(file):
            x, done = load_picture(file, loaded.network.input_shape)
            if done:
                console.note(f"{file}: {done}")
        else:
            x = loaded.inputs(file, table.options)
        table_of_answers = predictions(loaded, x, proba=proba)
    columns = {name: table_of_answers[name].tolist() for name in table_of_answers}
    values = {"model": model, "rows": len(x), "predictions": columns, **(loaded.engine or NUMPY)._asdict()}
    text = predictions_csv(table_of_answers)
    write_output(output.out, text, overwrite=output.overwrite, inputs=[model, file])
    if output.out is None or output.as_json:
        console.result(text.rstrip("\n"), values)
    else:
        console.note(f"{len(x)} predictions written to {output.out}")
