"""The backend of matplotlib's, which figures that are never shown do without."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
from sfumato import plots
from sfumato.plots.drawing import figure_of
import matplotlib, os
assert plots.to_png(figure_of(1, 1)[0]).startswith(b"\\x89PNG")
print(matplotlib.get_backend() if os.environ["MPLBACKEND"] == "svg" else None)
"""


@pytest.mark.parametrize(("asked", "found"), [("nonsense", "None"), ("svg", "svg"), ("", "None")])
def test_figures_are_drawn_whatever_backend_is_asked_for(asked: str, found: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"MPLBACKEND": asked},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (found, "")
