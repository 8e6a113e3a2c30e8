"""The command line: one file a command, each thin: parse, call, print."""

import sys

import typer

from sfumato.cli.check import check
from sfumato.cli.evaluate import evaluate
from sfumato.cli.info import info
from sfumato.cli.predict import predict
from sfumato.cli.train import train
from sfumato.errors import SfumatoError

app = typer.Typer(
    name="sfumato",
    help="Deep learning whose every gradient is derived by hand.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train, evaluate, predict, check, info):
    app.command()(command)


def main() -> None:
    """Entry point of the program `sfumato`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Carry out one command line; returns the exit status.

    0 done, 1 done and the answer is "wrong", 2 bad input or environment (one line says what, where and what to do), 130
    interrupted.
    """
    try:
        return app(arguments, standalone_mode=False, prog_name="sfumato") or 0
    except typer.TyperException as error:
        return _fail(error.format_message() if hasattr(error, "format_message") else str(error))
    except SfumatoError as error:
        return _fail(str(error))
    except MemoryError:
        return _fail("not enough memory: use fewer examples (--limit), a smaller network, or a smaller batch")
    except KeyboardInterrupt:
        return 130


def _fail(message: str) -> int:
    print(f"sfumato: {' '.join(message.split())}", file=sys.stderr)
    return 2
