"""Loading of matplotlib, which figures that are never shown need no backend for."""

import contextlib
import os
import sys

VARIABLE = "MPLBACKEND"
"""The environment's variable that names a backend; matplotlib does not load at all where there is none of that name."""


def _load() -> None:
    """Load matplotlib, with the backend that is asked for if there is one."""
    asked = os.environ.pop(VARIABLE, "")
    try:
        import matplotlib
    finally:
        if asked:
            os.environ[VARIABLE] = asked
    with contextlib.suppress(ValueError):
        matplotlib.rcParams["backend"] = asked


if "matplotlib" not in sys.modules and os.environ.get(VARIABLE):
    _load()
