"""`sfumato info`: what is installed here and what it would use."""

from sfumato.cli.console import Console, check_output, dump, limited_threads, write_output
from sfumato.cli.options import OutputOptions, grouped


@grouped
def info(output: OutputOptions) -> None:
    """Say what this installation is and would compute with: versions, threads, instruction set, memory, data.

    Examples:
        sfumato info

        sfumato info --json
    """
    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    check_output(output.out, overwrite=output.overwrite)
    with limited_threads(output.threads):
        values = gather()
    text = "\n".join(f"{name.replace('_', ' '):<16} {_show(value)}" for name, value in values.items())
    write_output(output.out, dump(values) if output.as_json else text, overwrite=output.overwrite)
    console.result(text, values)


def gather() -> dict[str, object]:
    """Facts about this machine and installation, by name."""
    import os
    import platform

    import numpy as np
    import psutil
    import scipy
    import sklearn
    from threadpoolctl import threadpool_info

    from sfumato import __version__
    from sfumato.data import NAMES
    from sfumato.style.builtin import BUILTIN_STYLES, PREFIX
    from sfumato.style.presets import PRESETS
    from sfumato.style.weights import BUILTIN

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
        "backends": ["numpy"],
        "auto": "numpy in float32, as no other backend is there yet",
        "data": list(NAMES),
        "vgg_weights": "vgg19 is built in" if BUILTIN.is_file() else "none are built in",
        "styles": {f"{PREFIX}{name}": what for name, what in BUILTIN_STYLES.items()},
        "presets": {name: preset.purpose for name, preset in PRESETS.items()},
    }


def _show(value: object) -> str:
    if isinstance(value, dict):  # a line each
        return f"\n{'':<17}".join(f"{name:<22} {what}" for name, what in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
