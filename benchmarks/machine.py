"""What the figures were taken on."""

import os
import platform
import re
from pathlib import Path

import psutil

INSTRUCTION_SETS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve")
"""Those that matter to matrix products, as Linux calls them."""


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe(about: set[str], threads: int, coretype: str | None) -> str:
    """The machine, and what every library said about itself, as a list in Markdown."""
    cpu = Path("/proc/cpuinfo")
    text = cpu.read_text("utf-8") if cpu.exists() else ""
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*: (.*)$", text, re.MULTILINE)
    known = [name for name in INSTRUCTION_SETS if flags and name in flags[1].split()]
    memory = psutil.virtual_memory().total / 1e9
    lines = [
        f"{model[1] if model else platform.processor() or platform.machine()}, {usable_cores()} cores, "
        f"{memory:.0f} GB; {' '.join(known) or 'instruction sets not told'}",
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}; {threads} threads for all, "
        "where a setting does not say otherwise",
        *([f"OPENBLAS_CORETYPE={coretype} for NumPy's BLAS"] if coretype else []),
        *sorted(about),
    ]
    return "\n".join(f"- {line}" for line in lines)
