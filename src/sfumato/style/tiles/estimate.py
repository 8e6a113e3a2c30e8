"""Estimates of the memory and time of a style transfer."""

import bisect
import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sfumato.engine import allowed_memory
from sfumato.errors import InputError
from sfumato.kernels.neighbours import BLOCK
from sfumato.kernels.ops import ops
from sfumato.style.neighbours import matched_scales
from sfumato.style.problem import StyleProblem
from sfumato.style.pyramid import scale_sizes
from sfumato.style.settings import LARGEST_EDGE, LEAST_EDGE
from sfumato.style.tiles.memory import EXPECTED_SPARE, Plan, make_plan, planned_memory
from sfumato.style.tiles.tiling import cut_into_tiles, halo_field

PROBE = 288
"""Long edge, in pixels, of the larger of two timed pictures, whose times give the fixed cost and that of a pixel."""

REPEATS = 2
"""Timings of each picture; the shortest counts, as others work on the machine too."""

EVALUATIONS = 1.05
"""Evaluations of loss and gradient in a step: the line search of L-BFGS nearly always accepts the first."""

OUT = 0.5
"""Part of an evaluation's time for the forward pass."""


@dataclass(frozen=True)
class Estimate:
    """The memory and time of a style transfer.

    Attributes:
        width: Of the result, in pixels.
        height: Of the result.
        memory_bytes: Memory of the whole process at its peak, as it is expected to be.
        allowed_bytes: What it may take, and will not go beyond.
        seconds: Time, if every scale takes all its steps.
        tiles: Parts that the picture is worked in at its last scale.
        plan: How it is cut, see `Plan`.
        largest_size: Long edge, in pixels, of the largest picture that fits into the memory allowed.
    """

    width: int
    height: int
    memory_bytes: int
    allowed_bytes: int
    seconds: float
    tiles: int
    plan: Plan
    largest_size: int


def estimate(problem: StyleProblem, sizes: Sequence[tuple[int, int]], plan: Plan) -> Estimate:
    """Time one evaluation of a small picture, and scale it to the size and number of the large one's.

    Args:
        problem: What is to be painted.
        sizes: Height and width at each scale.
        plan: How it is to be cut.
    """
    height, width = sizes[-1]
    fixed, per_pixel = _probe(problem, plan)
    evaluations, seconds = EVALUATIONS * problem.settings.steps, 0.0
    matched = matched_scales(len(sizes)) if problem.matches else range(0)
    for scale, size in enumerate(sizes):
        of_content, of_style = _forward_passes(problem, scale in matched)
        tiles, pixels = _seen(problem, size, plan.tile)
        passes = evaluations * (1.0 if tiles == 1 else 1.0 + OUT)  # in tiles, out first and then there and back
        seconds += (passes + of_content * OUT) * (tiles * fixed + pixels * per_pixel)
        for style in problem.styles:
            tiles, pixels = _seen(problem, problem.style_size(style, *size), plan.tile)
            seconds += of_style * OUT * (tiles * fixed + pixels * per_pixel)
    if matched:
        seconds += _search_seconds(problem, [sizes[scale] for scale in matched])
    return Estimate(
        width=width,
        height=height,
        memory_bytes=planned_memory(problem, height, width, plan, EXPECTED_SPARE),
        allowed_bytes=allowed_memory(problem.settings.memory_bytes, problem.engine),
        seconds=seconds,
        tiles=_seen(problem, (height, width), plan.tile)[0],
        plan=plan,
        largest_size=largest_size(problem),
    )


def _forward_passes(problem: StyleProblem, matched: bool) -> tuple[int, int]:
    """Forward passes over the content, or what is painted, and over each style, before a scale's first step.

    Where no neighbours are looked for, it is one over each, for the losses' targets. Neighbours are found by the
    features of the content, of what is painted and of each turned style; and each layer's target is put together by a
    pass of its own; and the styles' Gram matrices by another.

    Args:
        problem: What is to be painted.
        matched: Whether neighbours are looked for at the scale.
    """
    if not matched:
        return 1, 1
    layers = len(problem.style_layers)
    masked = any(region.mask is not None for region in problem.regions)
    return 3 + masked * layers, problem.turns * (1 + layers) + 1


def _probe(problem: StyleProblem, plan: Plan) -> tuple[float, float]:
    """Measure the seconds of an evaluation, for itself and for each pixel, with the planned memory."""
    small = copy.copy(problem)  # the styles' own size does not matter to it
    small.settings = replace(problem.settings, style_scale=min(1.0, problem.settings.style_scale))
    largest = min(PROBE, max(plan.tile or PROBE, PROBE // 2))
    pixels, seconds = [], []
    for edge in (largest // 3, largest):
        height, width = _size(problem, edge)
        objective = small.objective(height, width, prepared=plan.prepared)
        theta = problem.engine.master.put(small.first(height, width).ravel())
        times = []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            objective(theta)
            times.append(time.perf_counter() - begin)
        pixels.append(height * width)
        seconds.append(min(times))
    per_pixel = (seconds[1] - seconds[0]) / (pixels[1] - pixels[0])
    return max(0.0, seconds[0] - per_pixel * pixels[0]), per_pixel


def _search_seconds(problem: StyleProblem, sizes: Sequence[tuple[int, int]]) -> float:
    """Time a search for neighbours of a few places, and scale it to all of them at these sizes."""
    shapes = problem.vgg.network(*sizes[0]).shapes
    some = np.ones((4 * BLOCK, sum(shapes[layer][-1] for layer in problem.style_layers)), np.float32)
    put = problem.engine.master.put(some)
    begin = time.perf_counter()
    ops().nearest_rows(put, put[:BLOCK])
    each = (time.perf_counter() - begin) / (len(some) * BLOCK)
    content_and_styles = [problem.places(*size) for size in sizes]
    return each * sum(content * sum(styles) for content, *styles in content_and_styles)


def _size(problem: StyleProblem, long_edge: int) -> tuple[int, int]:
    """Height and width of the content at this size, but at least `LEAST_EDGE`."""
    height, width = problem.content.shape[:2]
    ((height, width),) = scale_sizes(height, width, long_edge, 1)
    return max(height, LEAST_EDGE), max(width, LEAST_EDGE)


def _seen(problem: StyleProblem, size: tuple[int, int], tile: int | None) -> tuple[int, int]:
    """Number of tiles of a picture of this size, and of the pixels in them with their halos."""
    tiles = cut_into_tiles(*size, tile, halo_field(problem.vgg.network(*size)))
    areas = [(rows.stop - rows.start) * (columns.stop - columns.start) for _, (rows, columns) in tiles]
    return len(tiles), sum(areas)


def largest_size(problem: StyleProblem) -> int:
    """Long edge of the largest picture that has a plan."""

    def too_large(long_edge: int) -> bool:
        try:
            make_plan(problem, *_size(problem, long_edge))
        except InputError:
            return True
        return False

    edges = range(LEAST_EDGE, LARGEST_EDGE + 1)
    return edges[bisect.bisect_left(edges, True, key=too_large) - 1]
