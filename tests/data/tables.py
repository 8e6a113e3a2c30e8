"""Tables for tests: as files, and as a model knows them."""

from pathlib import Path

from sfumato.data import Dataset, Known


def table(tmp_path: Path, lines: list[str], name: str = "a.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes("\n".join([*lines, ""]).encode(encoding))
    return path


def known(data: Dataset) -> Known:
    return Known(data.features, data.categories, data.columns, data.missing, data.classes)


PLAIN = ["a,b,kind", *(f"{k}.5,{k % 3},{'xy'[k % 2]}" for k in range(12))]
