"""`sfumato export`: a model for other programs, as an ONNX file."""

from sfumato.cli.console import Console
from sfumato.cli.options import ModelPath, OutputOptions, grouped
from sfumato.outputs import check_output


@grouped
def export(model: ModelPath, output: OutputOptions) -> None:
    """Write MODEL as an ONNX file, which takes raw rows: scaling is a part of it.

    Its input is x: float64 rows of a table, in the order of the model's features, or uint8 images (n, height, width,
    channels). Columns of categories are not in x but in a second input, text. Its outputs are probabilities and label,
    the number of the likeliest class, or value for regression.
    Names of classes, features and target are in the metadata.

    Examples:
        sfumato export runs/flowers -o flowers.onnx
    """
    from sfumato.errors import InputError
    from sfumato.interchange.onnx import save_onnx
    from sfumato.model import Model

    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    if output.out is None:
        raise InputError("export writes a file: add -o model.onnx")
    check_output(output.out, overwrite=output.overwrite, inputs=[model])
    save_onnx(Model.load(model), output.out)
    console.result(f"{model} written to {output.out}", {"model": model, "out": output.out})
