"""How Sphinx makes the site from these pages: `make docs`.

Chapters are text notebooks (MyST), executed from the first cell to the last whenever they are built. Nothing comes from
the network when the site is read: styles and MathJax, with its fonts, lie beside the pages.
"""

import base64
import html
import importlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.errors import ExtensionError

import sfumato

# For its files alone: as an extension it would have pages read one at a time
mathjax = importlib.import_module("sphinx-mathjax-offline")

project = "Sfumato"
author = "The Sfumato authors"
copyright = "The Sfumato authors, MIT license"
version = release = sfumato.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx.ext.duration",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build", "book.md"]

# What shell cells call is the `sfumato` that is documented
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ |= {"COLUMNS": "100", "NO_COLOR": "1"}
os.environ["MATPLOTLIBRC"] = str(Path(__file__).with_name("matplotlibrc"))
# Kernels that a build starts and ends on one machine need not say that their talk is not encrypted
os.environ["IPYTHONDIR"] = str(Path(__file__).parent / "_build" / "ipython")
profile = Path(os.environ["IPYTHONDIR"]) / "profile_default"
profile.mkdir(parents=True, exist_ok=True)
(profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 'ERROR'\n", encoding="utf-8")
# On a busy machine BLAS's threads wait for each other: small products, as most are here, take many times as long
os.environ.setdefault("OMP_NUM_THREADS", "1")

nb_execution_mode = "force"
nb_execution_show_tb = True  # and a failure is a warning, which -W makes an error
nb_execution_timeout = 300
nb_merge_streams = True
nb_code_prompt_show = "Show the solution"  # what chapters fold away
nb_code_prompt_hide = "Hide the solution"
myst_enable_extensions = ["dollarmath", "deflist", "html_image"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
napoleon_use_ivar = True
viewcode_follow_imported_members = False

highlight_language = "text"
html_theme = "furo"
html_title = "Sfumato"
html_static_path = ["_static", str(Path(mathjax.__file__).parent / "static")]
html_math_renderer = "mathjax"  # the book's, which add_mathml makes known, would otherwise take its place
mathjax_path = "mathjax/tex-chtml.js"
html_css_files = ["sfumato.css", "diagrams.css"]
html_js_files = ["scrolling.js", "formulas.js"]
html_show_sphinx = False
html_copy_source = False  # chapters are downloaded as notebooks

# The chapters as a book: `make book`, which begins at book.md
epub_basename = "sfumato"
epub_show_urls = "no"
epub_tocdepth = 2

ARRAY = r"~?(numpy\.)?ndarray\[tuple\[~?(typing\.)?Any, \.\.\.\], ~?(numpy\.)?dtype\[~?(typing\.)?Any\]\]"

MATHML = "http://www.w3.org/1998/Math/MathML"

duration_n_slowest = 0  # print every page's, not only the slowest ones'


def restructured(lines: list[str]) -> list[str]:
    """Our docstrings in reStructuredText: derivations, which are set in, literal; everything else word by word.

    Sections such as "Args:", whose lines are set in too, are Napoleon's.
    """
    converted: list[str] = []
    literal = section = doctest = False
    for line, before in zip(lines, ["", *lines], strict=False):
        indented = line.startswith("    ")
        doctest = line.startswith(">>>") or (doctest and bool(line.strip()))
        if line.strip() and not indented:
            literal, section = False, re.fullmatch(r"(Args|Attributes|Raises|Returns):", line) is not None
        elif indented and not before.strip() and not section and not literal:
            literal = True
            converted += ["::", ""]
        converted.append(line if literal or doctest else _escaped(line))
    return converted


def _escaped(line: str) -> str:
    """A line of prose, with its code as code and without accidental markup."""
    parts = line.split("`")
    prose = [re.sub(r"(?<=\w)_(?!\w)|[*|]", r"\\\g<0>", part) for part in parts[::2]]
    code = [f"``{part}``" for part in parts[1::2]]
    return "".join(a + b for a, b in zip(prose, [*code, ""], strict=False))


def with_diagrams_inside(app: Any, tree: nodes.document) -> None:
    """Put diagrams into the page itself, where they take its font and its colours; in the book they are pictures."""
    if app.builder.name == "epub":
        return
    for image in list(tree.findall(nodes.image)):
        if "images/diagrams/" in image["uri"]:
            drawn = (Path(app.srcdir) / "images" / "diagrams" / Path(image["uri"]).name).read_text(encoding="utf-8")
            image.replace_self(nodes.raw("", re.sub("<style>.*?</style>\n", "", drawn, flags=re.DOTALL), format="html"))


def with_diagrams_attached(app: Any, error: Exception | None) -> None:
    """Put diagrams into the notebooks that can be downloaded, which leave the site's files behind."""
    for file in Path(app.outdir).glob("_downloads/*/*.ipynb"):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            text = "".join(cell["source"])
            for path, name in re.findall(r"\]\((\S*diagrams/(\S+?\.svg))\)", text):
                drawn = (Path(app.srcdir) / "images" / "diagrams" / name).read_bytes()
                attached = {"image/svg+xml": base64.b64encode(drawn).decode("ascii")}
                cell.setdefault("attachments", {})[name] = attached
                text = text.replace(f"]({path})", f"](attachment:{name})")
            cell["source"] = text
        file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False), encoding="utf-8")


NAMED = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Site">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="Page">',
    "<th></th>": "<td></td>",
    '<th class="head"><p></p></th>': '<td class="head"></td>',
}
"""What readers of screens miss in the theme's pages and in tables of pandas, and what stands for it."""


def with_names_for_screen_readers(app: Any, error: Exception | None) -> None:
    """Give each region its name, each heading its level, and no head to a column without one."""
    if error is None and app.builder.name == "html":
        for page in Path(app.outdir).rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            for old, new in NAMED.items():
                text = text.replace(old, new)
            page.write_text(text, encoding="utf-8")


def as_mathml(code: str, *, block: bool) -> str:
    """A formula as MathML, which readers of EPUB show by themselves; docutils knows most of LaTeX's commands."""
    code = code.replace("\\textstyle", "").replace("\\dots", "\\ldots")
    code = re.sub(r"\\\\\[[\d.]+em\]", r"\\\\", code)  # lines further apart
    code = re.sub(r"(frac)(\d)(\d)", r"\1{\2}{\3}", code)
    written = str(tex2mathml(code, as_block=block))
    written = re.sub(r"&(?!lt;|gt;|amp;|#)\w+;", lambda name: html.unescape(name[0]), written)  # XHTML knows few names
    ElementTree.register_namespace("", MATHML)
    formula = ElementTree.fromstring(written)
    for subscript in formula.iter(f"{{{MATHML}}}msub"):  # what stands below a brace, and not beside it
        if subscript[0].tag == f"{{{MATHML}}}munder" and subscript[0][-1].text == "\N{BOTTOM CURLY BRACKET}":
            subscript.tag = f"{{{MATHML}}}munder"
    return ElementTree.tostring(formula, encoding="unicode")


def as_xhtml(code: str) -> str:
    """HTML that a cell shows, as the book's pages, which are XML, take it: no styles, and all figures of a slider."""
    shown = BeautifulSoup(code, "html.parser")
    for style in shown.find_all("style"):
        style.decompose()
    for slider in shown.select(".frames"):
        name = slider.label.get_text().strip()
        slider.p.decompose()  # no program runs in a book
        for picture in slider.find_all("img"):
            del picture["hidden"]
            figure = picture.wrap(shown.new_tag("figure"))
            caption = shown.new_tag("figcaption")
            caption.string = f"{name} {picture['data-value']}"
            figure.append(caption)
    return str(shown)


def with_xhtml_inside(app: Any, tree: nodes.document, name: str) -> None:
    """Make XML of the HTML that cells show, in the book."""
    if app.builder.name == "epub":
        for raw in tree.findall(nodes.raw):
            if "html" in raw["format"].split():
                raw[0] = nodes.Text(as_xhtml(raw.astext()))


def with_pages_in_order(app: Any, error: Exception | None) -> None:
    """Refuse a book with a page that is no XML: readers show such a page up to its fault, or not at all."""
    if error is None and app.builder.name == "epub":
        for page in sorted(Path(app.outdir).rglob("*.xhtml")):
            try:
                ElementTree.parse(page)
            except ElementTree.ParseError as fault:
                raise ExtensionError(f"{page}: {fault}") from fault


def add_mathml(app: Any) -> None:
    """A way to write formulas for the book: `html_math_renderer = "mathml"`."""

    def visit(translator: Any, node: Any) -> None:
        block = node.tagname == "math_block"
        written = as_mathml(node.astext(), block=block)
        translator.body.append(f"<div class='math'>{written}</div>" if block else written)
        raise nodes.SkipNode

    app.add_html_math_renderer("mathml", inline_renderers=(visit, None), block_renderers=(visit, None))


def setup(app: Any) -> None:
    """Read docstrings and signatures before anyone else does."""
    add_mathml(app)

    def docstring(app: Any, what: str, name: str, item: object, options: object, lines: list[str]) -> None:
        # Napoleon would take what stands before a colon in a constant's first line for its type: begin with a comment
        lines[:] = ["..", ""] * (what in ("data", "attribute")) + restructured(lines)

    def signature(app: Any, what: str, name: str, item: object, options: object, *texts: str | None) -> tuple[Any, ...]:
        named = [text and re.sub(ARRAY, "~sfumato.arrays.Array", text) for text in texts]
        return tuple(text and text.replace("<factory>", "...") for text in named)

    def skip(app: Any, what: str, name: str, item: object, skipped: bool, options: object) -> bool:
        return skipped or str(item.__doc__).startswith("Alias for field number")

    def deal_out(app: Any, env: Any, names: list[str]) -> None:
        # Pages are read in parts of neighbours, and chapters, which take most of the time, would be in one: of the
        # four parts that two processes read, each gets every fourth page, beginning with the longest
        by_size = sorted(names, key=lambda name: Path(env.doc2path(name)).stat().st_size, reverse=True)
        names[:] = [name for part in range(4) for name in by_size[part::4]]

    app.connect("doctree-read", with_diagrams_inside, priority=100)  # before files of images are collected
    app.connect("doctree-resolved", with_xhtml_inside)
    app.connect("build-finished", with_pages_in_order)
    app.connect("build-finished", with_diagrams_attached)
    app.connect("build-finished", with_names_for_screen_readers)

    def for_the_book(app: Any, name: str, source: list[str]) -> None:
        if app.builder.name == "epub":  # which has no notebooks to download
            source[0] = re.sub(r"^\{nb-download\}.*\n", "", source[0], flags=re.MULTILINE)

    app.connect("source-read", for_the_book)
    app.connect("autodoc-process-docstring", docstring, priority=100)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-skip-member", skip)
    app.connect("env-before-read-docs", deal_out)
