"""The command line: one file a command, each thin: parse, call, print."""

import functools
import io
import sys
from collections.abc import Callable

import typer
import typer.main

from sfumato.cli.arguments import with_user_paths
from sfumato.cli.check import check
from sfumato.cli.console import say
from sfumato.cli.evaluate import evaluate
from sfumato.cli.export import export
from sfumato.cli.import_ import import_
from sfumato.cli.info import info
from sfumato.cli.messages import in_options
from sfumato.cli.predict import predict
from sfumato.cli.processes import check_environment, speaks
from sfumato.cli.sound.command import sound
from sfumato.cli.studio import studio
from sfumato.cli.style.command import style
from sfumato.cli.train import train
from sfumato.cli.tune.command import tune
from sfumato.errors import SfumatoError

app = typer.Typer(
    name="sfumato",
    help="Deep learning whose every gradient is derived by hand.",
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train, evaluate, predict, tune, check, export, import_, style, sound, studio, info):
    app.command(command.__name__.removesuffix("_"))(command)  # import is a word of Python's


def main() -> None:
    """Entry point of the program `sfumato`."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of classes are any text: files and pipes get them in UTF-8
        sys.stdout.reconfigure(encoding=None if sys.stdout.isatty() else "utf-8", errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Carry out one command line; returns the exit status.

    0 done, 1 done and the answer is "wrong", 2 bad input or environment (one line says what, where and what to do), 130
    interrupted.
    """
    try:
        check_environment(arguments)
        arguments = with_user_paths(arguments)
        return _commands()(arguments or ["--help"], standalone_mode=False, prog_name="sfumato") or 0
    except typer.TyperException as error:
        speaks(error)
        return _fail(error.format_message() if hasattr(error, "format_message") else str(error))
    except SfumatoError as error:
        return _fail(str(error)) if speaks(error) else 2
    except MemoryError:
        return _fail("not enough memory: use fewer examples (--limit), a smaller network, batch or picture (--size)")
    except OSError as error:  # those that nobody foresaw, such as a name that is too long for a file
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))


@functools.cache
def _commands() -> Callable[..., int | None]:
    """All commands with their options, made once a process: it takes as long as a short command."""
    made: Callable[..., int | None] = typer.main.get_command(app)
    return made


def _fail(message: str) -> int:
    say(f"sfumato: {in_options(' '.join(message.split()))}", sys.stderr)
    return 2
