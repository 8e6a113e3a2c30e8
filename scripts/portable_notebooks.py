"""Make the notebooks of a built site complete in themselves, so that they run wherever they are downloaded to.

    python scripts/portable_notebooks.py docs/_build/html

The files that a chapter reads, results and pictures, are packed into a folded first cell, which unpacks them into a
temporary folder. Solutions are closed in Jupyter too. Links between chapters lead to the notebooks beside this one;
other links, which would lead nowhere, become their text.
"""

import base64
import io
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "docs" / "chapters"
CLOSED = {"source_hidden": True, "outputs_hidden": True}

UNPACK = """# The files that this chapter reads, unpacked into a temporary folder
import base64, io, os, tempfile, zipfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
with zipfile.ZipFile(io.BytesIO(base64.b64decode("{packed}"))) as archive:
    archive.extractall(folder)
os.chdir(folder / "docs" / "chapters")
"""


def portable(notebook: dict[str, Any]) -> dict[str, Any]:
    """Change a notebook in place into one that runs by itself."""
    code = "".join(_text(cell) for cell in notebook["cells"] if cell["cell_type"] == "code")
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = without_site(_text(cell))
        elif {"hide-cell", "hide-input"} & set(cell["metadata"].get("tags", ())):
            whole = "hide-cell" in cell["metadata"]["tags"]
            cell["metadata"]["jupyter"] = CLOSED if whole else {"source_hidden": True}
    names = dict.fromkeys(re.findall(r'"((?:results|\.\./\.\./examples|\.\./images)/[^"{}]+)"', code))
    named = [CHAPTERS / name for name in names]
    files = [file for path in named for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    if files:
        notebook["cells"].insert(0, _unpacking(files))
    return notebook


def without_site(text: str) -> str:
    """Markdown without what only Sphinx understands: roles, entries of the index, links to what is not beside it."""
    text = re.sub(r"^\{nb-download\}`[^`]*`$", "Needs `pip install 'sfumato[docs]'`.", text, flags=re.MULTILINE)
    text = re.sub(r"^```\{index\}.*\n```\n+", "", text, flags=re.MULTILINE)
    text = re.sub(r"\{\w[\w-]*\}`([^`<]*?)\s*(?:<[^`]*>)?`", r"\1", text)
    text = re.sub(r"\]\((\d\d-[\w-]+)\.md(#[^)]*)?\)", r"](\1.ipynb\2)", text)
    return re.sub(r"(?<!!)\[([^\][]+)\]\((?!https?:|#|\d\d-)[^)]+\)", r"\1", text)


def _text(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def _unpacking(files: list[Path]) -> dict[str, Any]:
    """A folded cell with these files in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.resolve().relative_to(ROOT))
        archive.writestr("docs/chapters/", "")
    source = UNPACK.format(packed=base64.b64encode(packed.getvalue()).decode())
    metadata = {"jupyter": CLOSED}
    return {
        "cell_type": "code",
        "id": "files",
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def main() -> None:
    """Change every notebook under the folder that is named."""
    for path in sorted(Path(sys.argv[1]).glob("_downloads/**/*.ipynb")):
        notebook = portable(json.loads(path.read_text(encoding="utf-8")))
        path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
