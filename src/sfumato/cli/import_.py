"""`sfumato import`: another program's weights, in a model of the same architecture."""

from typing import Annotated

import typer

from sfumato.cli.console import Console
from sfumato.cli.options import OutputOptions, grouped
from sfumato.outputs import check_output


@grouped
def import_(
    weights: Annotated[
        str,
        typer.Argument(
            metavar="WEIGHTS",
            help="A state_dict of PyTorch (.pt, .pth), Keras's .weights.h5, .keras or .h5, or safetensors.",
            show_default=False,
        ),
    ],
    like: Annotated[
        str,
        typer.Option("--like", metavar="MODEL", help="The model whose architecture this is.", show_default=False),
    ],
    output: OutputOptions,
) -> None:
    """Put WEIGHTS that Keras or PyTorch trained into a model of the same architecture as MODEL.

    WEIGHTS gives the numbers of dense layers and convolutions. Everything else is MODEL's: activations, names of the
    classes, and the scaling of raw inputs. So WEIGHTS should have been trained on inputs scaled as MODEL scales them.

    Examples:
        sfumato import network.pth --like runs/flowers -o imported.safetensors

        sfumato import network.keras --like runs/flowers -o imported.safetensors --json
    """
    from sfumato.errors import InputError
    from sfumato.interchange.weights import import_weights
    from sfumato.model import Model

    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    if output.out is None:
        raise InputError("import writes a file: add -o model.safetensors")
    check_output(output.out, overwrite=output.overwrite, inputs=[weights, like])
    sources: dict[str, str] = {}
    model = import_weights(weights, like=Model.load(like), on_layer=sources.__setitem__)
    model.save(output.out)
    listed = ", ".join(f"{ours} from {theirs}" for ours, theirs in sources.items())
    values = {"weights": weights, "like": like, "out": output.out, "layers": sources}
    console.result(f"{weights} written to {output.out}: {listed}", values)
