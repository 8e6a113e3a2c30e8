"""Random changes of files: of any bytes, and of those that a format checks or packs, such as texts in JSON.

A mutation takes a generator of random numbers and a file's content, and returns another content.
"""

import contextlib
import gzip
import io
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Random = np.random.Generator
Mutation = Callable[[Random, bytes], bytes]

WHOLE = [0, 1, 2, 3, 7, 127, 128, 255, 256, 32_767, 65_535, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**53, 2**63, 2**64 - 1]
"""Numbers at which sizes and counts go wrong."""

CELLS = ["", "nan", "inf", "-inf", "1e999", "-1e-999", '"', "'", "NA", "1_000", "9" * 400, "-", "\t", ";", ",", "\r"]
CELLS += ["\n", "\0", "\u0661", "\ufeff", "\x1b[31m", "0x10", "True", "1,5", "a" * 200_000, "=1+1", " ", "1e308", "é"]
"""Cells that a table seldom has."""

VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    1.5,
    -0.0,
    1e308,
    math.nan,
    math.inf,
    2**31,
    2**63,
    2**70,
    10**400,
    "",
    "relu",
    "Dense",
]
VALUES += ["a" * 5000, "\x1b[2J", "\ud800", [], {}, [[]], [0], [-1], [2**40, 2**40], {"kind": "Dense"}, [None] * 100]
"""Values that a JSON file seldom has."""

DEEP = 5000
"""Lists within lists, of which no reader expects so many."""


def any_bytes(random: Random, content: bytes) -> bytes:
    """Change some bytes, or all from some place on, once in most cases."""
    changed = bytearray(content)
    for _ in range(random.geometric(0.6)):
        changed = BYTE_CHANGES[random.integers(len(BYTE_CHANGES))](random, changed)
    return bytes(changed)


def _place(random: Random, content: bytearray) -> int:
    """A place in the content; half of them are in its first or last bytes, where most formats describe themselves."""
    size = max(1, len(content))
    near = int(random.integers(min(size, 64)))
    return [int(random.integers(size)), int(random.integers(size)), near, size - 1 - near][random.integers(4)]


def _length(random: Random) -> int:
    return int(2 ** random.uniform(0, 10))


def _flip(random: Random, content: bytearray) -> bytearray:
    if content:
        content[_place(random, content)] ^= 1 << int(random.integers(8))
    return content


def _set(random: Random, content: bytearray) -> bytearray:
    if content:
        content[_place(random, content)] = [0, 1, 127, 128, 255, int(random.integers(256))][random.integers(6)]
    return content


def _number(random: Random, content: bytearray) -> bytearray:
    size, order = int(random.choice([1, 2, 4, 8])), random.integers(2)
    number = WHOLE[random.integers(len(WHOLE))] % 256**size
    place = _place(random, content)
    content[place : place + size] = number.to_bytes(size, "big" if order else "little")
    return content


def _cut(random: Random, content: bytearray) -> bytearray:
    return content[: _place(random, content)]


def _remove(random: Random, content: bytearray) -> bytearray:
    place = _place(random, content)
    del content[place : place + _length(random)]
    return content


def _insert(random: Random, content: bytearray) -> bytearray:
    place = _place(random, content)
    content[place:place] = random.bytes(_length(random)) if random.integers(2) else bytes(_length(random))
    return content


def _copy(random: Random, content: bytearray) -> bytearray:
    """Copy some bytes elsewhere: over others, or between them."""
    start, to, size = _place(random, content), _place(random, content), _length(random)
    content[to : to + (size if random.integers(2) else 0)] = content[start : start + size]
    return content


BYTE_CHANGES = [_flip, _flip, _set, _set, _number, _number, _cut, _remove, _insert, _copy]


def cells(random: Random, content: bytes) -> bytes:
    """Change the cells, rows and lines of a CSV file."""
    rows = [line.split(",") for line in content.decode().splitlines()]
    for _ in range(random.geometric(0.6)):
        if not rows:
            break
        row = rows[random.integers(len(rows))]
        match random.integers(7):
            case 0:
                row.insert(random.integers(len(row) + 1), CELLS[random.integers(len(CELLS))])
            case 1 if len(row) > 1:
                del row[random.integers(len(row))]
            case 2:
                rows.remove(row)
            case 3:
                rows.insert(random.integers(len(rows) + 1), row.copy())
            case 4:
                column, cell = random.integers(len(row)), CELLS[random.integers(len(CELLS))]
                for each in rows:
                    each[column:][:1] and each.__setitem__(column, cell)
            case _:
                row[random.integers(len(row))] = CELLS[random.integers(len(CELLS))]
    delimiter, end = _seldom(random, ",", ";", "\t"), _seldom(random, "\n", "\r\n", "\r")
    text = end.join(delimiter.join(row) for row in rows) + end * int(random.integers(2))
    return text.encode(_seldom(random, "utf-8", "utf-8-sig", "utf-16"), "replace")


def _seldom(random: Random, usual: str, *others: str) -> str:
    """The usual text, or in one case of ten another."""
    return usual if random.integers(10) else others[random.integers(len(others))]


def safetensors_header(random: Random, content: bytes) -> bytes:
    """Change the JSON at the head of a safetensors file, or that which Sfumato keeps as a text within it."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    inner = header.get("__metadata__", {}).get("sfumato")
    if inner is not None and random.integers(4):
        header["__metadata__"]["sfumato"] = json.dumps(_changed_values(random, json.loads(inner)))
        if not random.integers(40):
            header["__metadata__"]["sfumato"] = "[" * DEEP + "]" * DEEP
    else:
        header = _changed_values(random, header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def _changed_values(random: Random, values: Any) -> Any:
    """Change a value or a few of a JSON document, at any depth."""
    for _ in range(random.geometric(0.7)):
        place = values
        while isinstance(place, dict | list) and place:
            key: Any = list(place)[random.integers(len(place))] if isinstance(place, dict) else None
            key = int(random.integers(len(place))) if key is None else key
            inner = place[key]
            if not (isinstance(inner, dict | list) and inner) or not random.integers(4):
                _change(random, place, key)
                break
            place = inner
    return values


def _change(random: Random, place: Any, key: Any) -> None:
    """Change one value of a list or dictionary."""
    match random.integers(6):
        case 0:
            del place[key]
        case 1 if isinstance(place, dict):
            place[str(random.choice(["", "W", "x", "optimizer.v", "scaling.mean", key]))] = place.pop(key)
        case 1:
            place.append(place[key])
        case 2 if isinstance(place[key], int | float) and not isinstance(place[key], bool):
            place[key] = WHOLE[random.integers(len(WHOLE))] * int(random.choice([1, -1]))
        case 3:
            others = list(place.values()) if isinstance(place, dict) else place
            place[key] = json.loads(json.dumps(others[random.integers(len(others))]))
        case _:
            place[key] = VALUES[random.integers(len(VALUES))]


def zip_member(random: Random, content: bytes) -> bytes:
    """Change what is in a zip archive, whose checksums are then right."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w") as new:
        names = old.namelist()
        chosen = next((name for name in names if name.endswith("data.pkl") and random.integers(2)), None)
        chosen = chosen or names[random.integers(len(names))]
        for name in names:
            if name != chosen:
                new.writestr(zipfile.ZipInfo(name), old.read(name))
            elif random.integers(8):  # else it is left out
                kind = zipfile.ZIP_DEFLATED if not random.integers(4) else zipfile.ZIP_STORED
                new.writestr(zipfile.ZipInfo(name), any_bytes(random, old.read(name)), kind)
    return written.getvalue()


def gzipped(random: Random, content: bytes) -> bytes:
    """Change what a gzip file holds, whose checksum is then right."""
    return gzip.compress(any_bytes(random, gzip.decompress(content)), mtime=0)


def png_chunk(random: Random, content: bytes) -> bytes:
    """Change a chunk of a PNG, whose checksum is then right; what is compressed in it is changed within."""
    chunks, place = [], 8
    while place < len(content):
        (size,) = struct.unpack(">I", content[place : place + 4])
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + size]))
        place += 12 + size
    number = int(random.integers(len(chunks)))
    name, data = chunks[number]
    with contextlib.suppress(zlib.error):
        if name == b"IDAT" and random.integers(4):
            data = zlib.decompress(data)
            chunks[number] = (name, zlib.compress(any_bytes(random, data)))
            name = b""
    if name:
        chunks[number] = (name, any_bytes(random, data))
    if not random.integers(4):
        chunks.insert(int(random.integers(len(chunks))), chunks[random.integers(len(chunks))])
    packed = [struct.pack(">I", len(data)) + name + data + _checksum(name + data) for name, data in chunks]
    return content[:8] + b"".join(packed)


def _checksum(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


def mutated(random: Random, seeds: list[bytes], own: tuple[Mutation, ...]) -> bytes:
    """One of some valid files, changed; by one of the mutations of its kind, or in any bytes, or both.

    One in a hundred stays as it is, so that a fault in reading what is whole shows as well.
    """
    content = seeds[random.integers(len(seeds))]
    if not random.integers(100):
        return content
    choices = (any_bytes, *own, *own)
    mutation = choices[random.integers(len(choices))]
    if mutation is not any_bytes:
        with contextlib.suppress(UnicodeEncodeError):  # a seed of another kind than the mutation is for has no header
            content = mutation(random, content)
        return any_bytes(random, content) if not random.integers(5) else content
    return any_bytes(random, content)
