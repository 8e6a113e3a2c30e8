"""What tiles cost in time: loss and gradient of a picture, by Gram matrices, in tiles beside those in one piece.

    python benchmarks/style_tiles.py [--size 1024] [--tiles 512 320] [--repeats 3]

Medians over interleaved runs, as ratios to the picture in one piece; and what the second way out and the halos make of
it, counted in pixels.
"""

import argparse
import statistics
import time
from pathlib import Path

from sfumato.engine import NUMPY
from sfumato.style import StyleProblem, StyleTransfer
from sfumato.style.pyramid import scale_sizes

ROOT = Path(__file__).parent.parent
PICTURES = [ROOT / "examples" / "images" / name for name in ("chelsea.jpg", "starry_night.jpg")]


def main() -> None:
    """Print a row for each tile size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="long edge of the picture")
    parser.add_argument("--tiles", type=int, nargs="+", default=[512, 320], help="pixels that a tile owns each way")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    problem = StyleProblem(StyleTransfer(style_loss="gram", tv_weight=0.0), PICTURES[0], PICTURES[1])
    height, width = problem.content.shape[:2]
    ((height, width),) = scale_sizes(height, width, arguments.size, 1)
    picture = problem.first(height, width).ravel()
    times: dict[int | None, list[float]] = {}
    seen: dict[int | None, list[int]] = {}
    with NUMPY.computing():
        objectives = {tile: problem.objective(height, width, tile=tile) for tile in (None, *arguments.tiles)}
        for _ in range(arguments.repeats):
            for tile, objective in objectives.items():
                begin = time.perf_counter()
                objective(picture)
                times.setdefault(tile, []).append(time.perf_counter() - begin)
        for tile, objective in objectives.items():
            areas = [
                (rows.stop - rows.start) * (columns.stop - columns.start)
                for _, (rows, columns) in objective.network.tiles
            ]
            seen[tile] = areas
    whole = statistics.median(times[None])
    print(f"{width} x {height} pixels in one: {whole:.2f} s")
    for tile in arguments.tiles:
        ratio = statistics.median(times[tile]) / whole
        counted = 1.5 * sum(seen[tile]) / (height * width)
        count = len(seen[tile])
        print(f"in {count} tiles of at most {tile}: {ratio:.2f} times as long; {counted:.2f} by pixels")


if __name__ == "__main__":
    main()
