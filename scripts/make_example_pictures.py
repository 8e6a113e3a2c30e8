"""Make the pictures of docs/reference-runs.md in examples/images, from packages of Debian and PyPI.

    apt-get download gcompris-qt-data
    python -m pip download --no-deps scikit-image matplotlib
    python scripts/make_example_pictures.py [FOLDER]

FOLDER is where the three packages lie. Pictures are cut and reduced. examples/images/README.md tells whose they are.
"""

import argparse
import io
import re
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from struct import unpack_from

from PIL import Image

IMAGES = Path(__file__).parent.parent / "examples" / "images"
ACTIVITIES = "gcompris/src/activities"
BOARD = (702, 515)
"""Size of the game's board, on which a painting lies as a jigsaw puzzle; places of pieces are shares of it."""

EDGE = 384
"""Long edge of the pictures that are kept."""


def resources(content: bytes) -> dict[str, bytes]:
    """The files of a compiled resource of Qt's (.rcc), by their paths.

    It holds a tree of entries of equal size, each with its name and its content elsewhere in the file.
    """
    version, tree, data, names = unpack_from(">4I", content, 4)
    entry_size = 14 if version == 1 else 22
    files: dict[str, bytes] = {}

    def walk(entry: int, folder: str) -> None:
        place = tree + entry * entry_size
        name_at, flags, first, second = unpack_from(">IHII", content, place)
        (length,) = unpack_from(">H", content, names + name_at)
        name = content[names + name_at + 6 : names + name_at + 6 + 2 * length].decode("utf-16-be") if entry else ""
        path = f"{folder}/{name}".strip("/")
        if flags & 2:  # a folder: `first` entries from number `second` on
            for child in range(second, second + first):
                walk(child, path)
        else:
            (size,) = unpack_from(">I", content, data + second)
            packed = content[data + second + 4 : data + second + 4 + size]
            files[path] = zlib.decompress(packed[4:]) if flags & 1 else packed

    walk(0, "")
    return files


def opened(content: bytes) -> Image.Image:
    """A picture from a file's bytes."""
    return Image.open(io.BytesIO(content))


def puzzle(files: dict[str, bytes], board: int) -> Image.Image:
    """The painting of a jigsaw puzzle, its pieces put together."""
    folder = f"{ACTIVITIES}/paintings/resource"
    text = files[f"{folder}/board/board{board}_0.qml"].decode()
    painting = Image.new("RGBA", BOARD)
    for name, x, y in re.findall(r'"(image/.*?\.webp)",\s*"x" : "(.*?)",\s*"y" : "(.*?)"', text):
        piece = opened(files[f"{folder}/{name}"]).convert("RGBA")
        left, top = round(float(x) * BOARD[0] - piece.width / 2), round(float(y) * BOARD[1] - piece.height / 2)
        painting.alpha_composite(piece, (left, top))
    left, top, right, bottom = painting.getbbox() or (0, 0, *BOARD)
    return painting.crop((left + 4, top + 4, right - 4, bottom - 4))  # without the pieces' uneven rims


def beside(one: Image.Image, other: Image.Image) -> Image.Image:
    """Two pictures of one height, side by side."""
    both = Image.new("RGB", (one.width + other.width, one.height))
    both.paste(one, (0, 0))
    both.paste(other, (one.width, 0))
    return both


def pictures(folder: Path) -> dict[str, Image.Image]:
    """All pictures by their names, at full size."""
    debian = next(folder.glob("gcompris-qt-data_*.deb"))
    archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(debian)], check=True, capture_output=True).stdout
    game: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for part in ("paintings", "details", "explore_monuments", "explore_world_animals"):
            file = tar.extractfile(f"./usr/share/gcompris-qt/rcc/{part}.rcc")
            if file is not None:
                game |= resources(file.read())
    with zipfile.ZipFile(next(folder.glob("scikit_image-*.whl"))) as wheel:
        astronaut = opened(wheel.read("skimage/data/astronaut.png"))
    with zipfile.ZipFile(next(folder.glob("matplotlib-*.whl"))) as wheel:
        admiral = opened(wheel.read("matplotlib/mpl-data/sample_data/grace_hopper.jpg"))
    jaguars = opened(game[f"{ACTIVITIES}/explore_world_animals/resource/animals/jaguar.webp"])
    paintings = f"{ACTIVITIES}/details/resource/image"
    portraits = [astronaut.crop((50, 0, 370, 400)), admiral.crop((80, 0, 480, 500))]
    return {
        "astronaut": astronaut,
        "two-portraits": beside(*(portrait.resize((320, 400), Image.Resampling.LANCZOS) for portrait in portraits)),
        "jaguars": jaguars.crop((150, 100, 900, 600)),
        "hawa-mahal": opened(game[f"{ACTIVITIES}/explore_monuments/resource/india/hawaMahal.webp"]),
        "composition-viii": puzzle(game, 19),
        "great-wave": puzzle(game, 7),
        "church-at-auvers": opened(game[f"{paintings}/Eglise_dAuvers-sur-Oise_background.webp"]),
    }


def main() -> int:
    """Write the files; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="of the packages (default: here)")
    for name, picture in pictures(parser.parse_args().folder).items():
        reduced = picture.convert("RGB")
        reduced.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
        reduced.save(IMAGES / f"{name}.jpg", quality=88)
        print(f"{name}.jpg: {reduced.width} x {reduced.height}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
