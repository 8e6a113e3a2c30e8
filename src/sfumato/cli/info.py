"""`sfumato info`: the installed versions, and the engines and memory of this machine; or what a model is."""

from typing import Annotated, Any

import typer

from sfumato.cli.console import Console
from sfumato.cli.messages import in_options
from sfumato.cli.options import OutputOptions, grouped
from sfumato.outputs import check_output, write_output
from sfumato.storage import dump


@grouped
def info(
    output: OutputOptions,
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="A model file, or the folder of a run, to tell of.", show_default=False),
    ] = None,
) -> None:
    """Say what this installation is and computes with: versions, threads, instruction set, memory, data.

    With MODEL, say what that is instead: its network, what it predicts, and what was decided on each column of the
    table that it was trained on.

    What computes fastest here is measured, for each kind of job, and the command told that asks for it. Without its
    options, a GPU computes if PyTorch sees one; else compiled loops, in a long run, and NumPy; always in float32.

    Examples:
        sfumato info

        sfumato info --json

        sfumato info runs/flowers
    """
    from sfumato.cli.speeds import as_text

    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    check_output(output.out, overwrite=output.overwrite, inputs=[model])
    if model is not None:
        values, text = _model(model)
        write_output(output.out, dump(values) if output.as_json else text, overwrite=output.overwrite, inputs=[model])
        console.result(text, values)
        return
    with console.computing(output.threads):
        values = gather()
    shown = {**values, "fastest": {job: as_text(found) for job, found in values["fastest"].items()}}
    text = "\n".join(f"{name.replace('_', ' '):<16} {_show(value)}" for name, value in shown.items())
    write_output(output.out, dump(values) if output.as_json else text, overwrite=output.overwrite)
    console.result(text, values)


def _model(path: str) -> tuple[dict[str, Any], str]:
    """Facts about a model, as values and as text."""
    from sfumato.data.columns import columns_table
    from sfumato.model import Model

    model = Model.load(path)
    values = {
        "model": path,
        "parameters": model.network.size,
        **{name: getattr(model, name) for name in ("classes", "features", "target", "categories", "missing")},
        "columns": [column._asdict() for column in model.columns],
    }
    table = in_options(columns_table(model.columns, model.categories))
    return values, f"{model!r}\n\n{table}" if table else repr(model)


def gather() -> dict[str, Any]:
    """Facts about this machine and installation, by name; the fastest engines are measured, in some seconds."""
    import os
    import platform
    from importlib.metadata import version

    import numpy as np
    import psutil
    import scipy
    import sklearn
    from threadpoolctl import threadpool_info

    from sfumato.cli.speeds import measure, saved_in_bfloat16
    from sfumato.data import NAMES
    from sfumato.engine import choose_engine, engines, has_numba, has_torch, numba_fault
    from sfumato.pictures.builtin import BUILTIN_STYLES, PREFIX
    from sfumato.sound.builtin import BUILTIN_SOUNDS
    from sfumato.sound.builtin import PREFIX as SOUND_PREFIX
    from sfumato.sound.presets import PRESETS as SOUND_PRESETS
    from sfumato.style.presets import PRESETS
    from sfumato.style.vgg.weights import BUILTIN
    from sfumato.version import __version__

    here = engines()
    fastest = measure(here)
    np.ones((2, 2)) @ np.ones((2, 2))  # BLAS is loaded, and so listed below, once it has been used
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    simd = np.show_config(mode="dicts") or {}
    extensions = simd.get("SIMD Extensions", {})
    return {
        "sfumato": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit_learn": sklearn.__version__,
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "blas": [f"{p['internal_api']} {p['version']}, {p.get('architecture', 'unknown')}" for p in pools],
        "threads": max([pool["num_threads"] for pool in pools], default=1),
        "instructions": [*extensions.get("baseline", []), *extensions.get("found", [])],
        "numba": version("numba") if has_numba() else f"none, {numba_fault()}",
        "torch": version("torch") if has_torch() else "not installed: pip install '.[torch]'",
        "engines": [str(engine) for engine in here],
        "auto": f"{choose_engine()}; for long runs, {choose_engine(long=True)}",
        "fastest": fastest,
        "bfloat16": saved_in_bfloat16(fastest["pictures"]),
        "data": list(NAMES),
        "vgg_weights": "vgg19 is built in" if BUILTIN.is_file() else "none are built in",
        "styles": {f"{PREFIX}{name}": what for name, what in BUILTIN_STYLES.items()},
        "presets": {name: preset.purpose for name, preset in PRESETS.items()},
        "sounds": {f"{SOUND_PREFIX}{name}": what for name, what in BUILTIN_SOUNDS.items()},
        "presets_of_sound": {name: preset.purpose for name, preset in SOUND_PRESETS.items()},
    }


def _show(value: object) -> str:
    if isinstance(value, dict):  # a line each
        return f"\n{'':<17}".join(f"{name:<22} {what}" for name, what in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
