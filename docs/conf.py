"""How Sphinx makes the site from these pages: `make docs`.

Chapters are text notebooks (MyST), executed from the first cell to the last whenever they are built. Nothing of the site
comes from the network when it is read: styles, fonts and MathJax lie beside the pages.
"""

import os
import re
import sys
from pathlib import Path
from typing import Any

import sfumato

project = "Sfumato"
author = "The Sfumato authors"
copyright = "The Sfumato authors, MIT license"
version = release = sfumato.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx.ext.doctest",
    "sphinx.ext.duration",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
]
exclude_patterns = ["_build"]

# What a shell cell calls is the `sfumato` that is documented
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ["COLUMNS"] = "100"

nb_execution_mode = "force"
nb_execution_show_tb = True  # and a failure is a warning, which -W makes an error
nb_execution_timeout = 300
nb_merge_streams = True
nb_code_prompt_show = "Show the solution"  # what chapters fold away
nb_code_prompt_hide = "Hide the solution"
myst_enable_extensions = ["dollarmath", "deflist", "html_image"]
myst_heading_anchors = 4
myst_links_external_new_tab = True

html_theme = "furo"
html_title = "Sfumato"
html_static_path = ["_static"]
html_css_files = ["sfumato.css"]
html_show_sphinx = False

duration_print_slowest = True
duration_n_slowest = 0  # all of them
