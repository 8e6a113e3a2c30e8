"""Estimates of the memory for a picture, and plans of tiles that fit into the memory allowed.

The plan follows from the pictures' sizes, the settings and the memory that is allowed, and not from what happens to be
free or from the number of threads: the same command gives the same bytes.
"""

import bisect
import copy
import math
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import NamedTuple

from sfumato.arrays import Array, Shape
from sfumato.checks import bytes_as_text
from sfumato.engine import allowed_memory
from sfumato.errors import InputError
from sfumato.kernels.neighbours import BLOCK
from sfumato.pictures.opening import PROGRAM, READING
from sfumato.style.control.colour import COLOURS
from sfumato.style.problem import StyleProblem
from sfumato.style.settings import StyleSettings
from sfumato.style.tiles.tiling import cut_into_tiles, halo_field, largest_tile

TENSORS, GPU = 190_000_000, 600_000_000
"""Bytes of PyTorch beside Python's, and of a GPU before any picture is on it."""

NUMBA = 180_000_000
"""Bytes of Numba, of what it has compiled, and of the compilation in a first run."""

SHARED, SCRATCH = 50_000_000, 11_000_000
"""Bytes of work space for all threads, and for each of them, where layers have 512 channels: transformed filters, Gram
matrices, tiles of features."""

SPARE, MOST_SPARE = 0.55, 170_000_000
"""Memory lost to gaps between arrays: as a part of the memory of arrays, and in bytes at most, as large arrays leave no
gaps. Measured, as the program's own and the threads' are, by scripts/measure_style_memory.py."""

EXPECTED_SPARE = 0.5
"""Expected part of `SPARE` and of `READING`; a plan counts on all of both."""

PREPARED, PREPARED_PIXELS = 3.5, 768 * 768
"""Memory of NumPy's transformed filters, as a multiple of the network's bytes, and pixels up to which filters are kept
where memory allows: larger pictures take so long that to transform them anew hardly counts."""

FLOAT = 4
"""Bytes of a number of a picture."""

INDEX = 8
"""Bytes of the number of a pooling window's winner, as PyTorch keeps it."""

LEAST_TILE, GOOD_TILE = 64, 512
"""Edge of a tile's own pixels, at least and preferably: smaller tiles waste time on halos, larger ones gain little."""

HISTORIES = range(10, 2, -1)
"""Pairs that L-BFGS keeps: ten as usual, and down to three where more would leave too little memory for good tiles."""

FIRST_ORDER, LINE_SEARCH, TOTAL_VARIATION = 6, 8, 3
"""Pictures in memory while the network computes: by other optimizers, by L-BFGS beside its pairs, and by total
variation."""


class Plan(NamedTuple):
    """A way to paint a picture in the memory allowed.

    Attributes:
        tile: Pixels that a tile owns each way, at most; None for pictures in one.
        history: Pairs of L-BFGS.
        prepared: Whether the network's transformed filters are kept.
    """

    tile: int | None
    history: int
    prepared: bool = False


def make_plan(problem: StyleProblem, height: int, width: int) -> Plan:
    """The plan for a picture of this size at its last scale.

    Raises:
        InputError: if not even the smallest tiles fit into the memory allowed; the message says what would.
    """
    settings, allowed = problem.settings, allowed_memory(problem.settings.memory_bytes, problem.engine)

    def too_much(plan: Plan) -> bool:
        return planned_memory(problem, height, width, plan) > allowed

    if problem.workers.count > 1:
        return _shared_plan(problem, height, width, too_much)
    whole = Plan(None, HISTORIES[0])
    prepared = whole._replace(prepared=True)
    if _prepared_bytes(problem) and height * width <= PREPARED_PIXELS and not too_much(prepared):
        return prepared
    if not too_much(whole):
        return whole
    histories = _histories(settings)
    least = Plan(LEAST_TILE, histories[-1])
    if _fixed(problem) > allowed:
        raise InputError(
            f"{bytes_as_text(allowed)} of memory are allowed, and the program with its network and the pictures given "
            f"takes {bytes_as_text(_fixed(problem))}; allow more"
        )
    if too_much(least):
        needed = bytes_as_text(planned_memory(problem, height, width, least))
        choices = "a smaller size or style scale"
        choices += ", or optimizer='adam'" if len(histories) > 1 else ""
        choices += ", or style_loss='gram'" if problem.matches else ""
        raise InputError(
            f"{problem.content_name}: at {width} x {height} pixels it takes at least {needed} of memory, and "
            f"{bytes_as_text(allowed)} are allowed; allow more, or choose {choices}"
        )
    edges = range(LEAST_TILE, max(height, width) + LEAST_TILE, LEAST_TILE)
    good = min(GOOD_TILE, max(height, width) // 2)
    for history in histories:
        fitting = bisect.bisect_left(edges, True, key=lambda edge: too_much(Plan(edge, history)))
        if fitting and (edges[fitting - 1] >= good or history == histories[-1]):
            break
    return Plan(edges[fitting - 1], history)


def _histories(settings: StyleSettings) -> range:
    """Numbers of past steps that the optimizer may keep: fewer than usual only if that saves vectors."""
    optimizer = settings.chosen_optimizer()
    fewer = optimizer.remembering(HISTORIES[-1]).vectors < optimizer.vectors
    return HISTORIES if fewer else HISTORIES[:1]


def _shared_plan(problem: StyleProblem, height: int, width: int, too_much: Callable[[Plan], bool]) -> Plan:
    """A plan with a tile at least for every process, where the picture has that many.

    Raises:
        InputError: if not even the smallest tiles fit.
    """
    field = halo_field(problem.vgg.network(height, width))
    edges = range(LEAST_TILE, max(height, width) + LEAST_TILE, LEAST_TILE)
    counts = {edge: len(cut_into_tiles(height, width, edge, field)) for edge in edges}
    enough = min(problem.workers.count, counts[LEAST_TILE])
    for history in _histories(problem.settings):
        for edge in reversed(edges):
            if counts[edge] >= enough and not too_much(Plan(edge, history)):
                return Plan(edge, history)
    needed = bytes_as_text(planned_memory(problem, height, width, Plan(LEAST_TILE, HISTORIES[-1])))
    raise InputError(f"{problem.content_name}: each process takes at least {needed} of memory; allow it as much")


def smaller_plan(problem: StyleProblem, height: int, width: int, plan: Plan) -> str:
    """Advice where a plan exceeds the device's memory: allow half of it, and so smaller tiles."""
    half = planned_memory(problem, height, width, plan) // 2
    smaller = copy.copy(problem)
    smaller.settings = replace(problem.settings, memory=half)
    try:
        tile = make_plan(smaller, height, width).tile
    except InputError:
        return "choose a smaller size, or device='cpu'"
    return f"memory={half // 10**6}MB with overwrite=True works it in tiles of {tile} pixels; or choose a smaller size"


def check_plan(problem: StyleProblem, height: int, width: int, plan: Plan) -> None:
    """Refuse to resume with a plan that takes more memory than is allowed now.

    Raises:
        InputError: if the plan takes more memory than is allowed.
    """
    needed, asked = planned_memory(problem, height, width, plan), problem.settings.memory_bytes
    if asked is not None and needed > asked:
        raise InputError(
            f"{problem.content_name}: goes on by the plan that it began with, which takes {bytes_as_text(needed)}, and "
            f"{bytes_as_text(asked)} are allowed; allow as much, or begin anew"
        )


def planned_memory(problem: StyleProblem, height: int, width: int, plan: Plan, spare: float = 1.0) -> int:
    """Bytes of the whole process while it paints a picture of this size by a plan: at most, or expected."""
    settings = problem.settings
    content = [*problem.content_layers] if settings.content_weight else []
    style = [*problem.style_layers] if settings.style_weight else []
    passes = [_pass(problem, (height, width), plan.tile, [*content, *style])]
    for one in problem.styles:
        size = problem.style_size(one, height, width)
        held = COLOURS[settings.colour].pictures * 3 * FLOAT * math.prod(size)
        passes.append(_pass(problem, size, plan.tile, []) + held)
    asked = _painting(problem, height, width, plan) + max(passes)
    if problem.matches:
        asked = max(asked, _matching_peak(problem, height, width, plan))
    reading = 0 if _on_gpu(problem) else READING * max(picture.nbytes for picture in _given(problem))
    kept = _prepared_bytes(problem) if plan.prepared else 0
    return int(_fixed(problem) + kept + max(asked + spare * min(SPARE * asked, MOST_SPARE), spare * reading))


def _fixed(problem: StyleProblem) -> int:
    """Bytes that do not depend on the size: the program, the network, and the pictures as given."""
    theta = problem.vgg.theta.nbytes
    if _on_gpu(problem):
        return GPU + theta
    given = sum(picture.nbytes for picture in _given(problem))
    if problem.engine.on_tensors:
        given += TENSORS + theta * problem.engine.reduced // 2
    if problem.engine.backend == "numba":
        given += NUMBA
    channels = problem.vgg.network(LEAST_TILE, LEAST_TILE).output_shape[-1]
    work = (SHARED + SCRATCH * (os.cpu_count() or 1)) * channels // 512
    return PROGRAM + theta + work + given


def _prepared_bytes(problem: StyleProblem) -> int:
    """Bytes of the transformed filters; 0 where no kernel takes any."""
    theta, engine = problem.vgg.theta.nbytes, problem.engine
    if not engine.on_tensors:
        return int(PREPARED * theta)
    return theta if (engine.device, engine.precision) == ("cpu", "bfloat16") else 0  # twice, each half of float32's


def _on_gpu(problem: StyleProblem) -> bool:
    return problem.engine.device != "cpu"


def _given(problem: StyleProblem) -> list[Array]:
    pictures = [problem.content, problem.start, problem.content_mask, *(style.picture for style in problem.styles)]
    return [picture for picture in (*pictures, *(region.mask for region in problem.regions)) if picture is not None]


def _painting(problem: StyleProblem, height: int, width: int, plan: Plan) -> int:
    """Bytes for the picture as a whole: pixels, gradients, the optimizer's state, targets and masks."""
    shapes = problem.vgg.network(height, width).shapes
    style = sum(math.prod(shapes[layer]) for layer in problem.style_layers) if problem.matches else 0
    return _pictures(problem, height, width, plan) + _target_itemsize(problem, plan.tile) * style


def _pictures(problem: StyleProblem, height: int, width: int, plan: Plan) -> int:
    """Bytes of pixels, gradients, the optimizer's state, the content's targets and masks."""
    settings, shapes = problem.settings, problem.vgg.network(height, width).shapes
    optimizer = settings.chosen_optimizer().remembering(min(plan.history, settings.steps))
    pictures = LINE_SEARCH + optimizer.vectors if optimizer.full_batch else FIRST_ORDER
    numbers = 3 * (pictures + bool(settings.tv_weight) * TOTAL_VARIATION) * height * width
    content = sum(math.prod(shapes[layer]) for layer in problem.content_layers) if settings.content_weight else 0
    masks = [*(region.mask for region in problem.regions), problem.content_mask]
    masked = sum(mask is not None for mask in masks)
    sizes = {shape[:2] for shape in shapes.values()}
    numbers += masked * sum(rows * columns for rows, columns in sizes)
    return _target_itemsize(problem) * content + FLOAT * numbers


def _matching_peak(problem: StyleProblem, height: int, width: int, plan: Plan) -> int:
    """Bytes at the peak of finding neighbours and putting their features together, before a scale's first step.

    The pictures are counted in full: at a step up those of the scale before are there, and in a resumed run all.
    """
    shapes, number = problem.vgg.network(height, width).shapes, _target_itemsize(problem, plan.tile)
    places = problem.places(height, width)
    channels = sum(shapes[layer][-1] for layer in problem.style_layers)
    blocks = (1 if problem.engine.on_tensors else os.cpu_count() or 1) * BLOCK * max(places)
    peak = FLOAT * (channels * (sum(places) + 3 * max(places)) + blocks)
    styles = [problem.style_size(style, height, width) for style in problem.styles]
    size = max(styles, key=math.prod)
    masked = any(region.mask is not None for region in problem.regions)
    passing, of_style = _pass(problem, size, plan.tile, []), problem.vgg.network(*size).shapes
    targets = 0
    for layer in problem.style_layers:
        own = number * math.prod(shapes[layer])
        targets += own  # and the content's features, for places of no region
        peak = max(peak, targets + masked * own + number * math.prod(of_style[layer]) + passing)
    beside = FLOAT * 3 * sum(math.prod(each) for each in styles)
    return _pictures(problem, height, width, plan) + beside + peak


def _target_itemsize(problem: StyleProblem, tile: int | None = None) -> int:
    """Bytes of a number of a target; with `tile`, of neighbours' in tiles, which are float16."""
    return FLOAT // 2 if problem.engine.reduced or tile else FLOAT


def _pass(problem: StyleProblem, size: tuple[int, int], tile: int | None, heads: Collection[str]) -> int:
    """Bytes of the network's pass over a picture of this size; with a backward pass where there are heads."""
    seen = largest_tile(*size, tile, halo_field(problem.vgg.network(*size)))
    owned = 1.0 if tile is None else min(1.0, min(tile, size[0]) * min(tile, size[1]) / math.prod(seen))
    shapes = problem.vgg.network(*seen).shapes
    if problem.engine.on_tensors:
        number = FLOAT // 2 if problem.engine.reduced else FLOAT
        return tensor_pass_bytes(shapes, gradient=bool(heads), number=number)
    return pass_bytes(shapes, heads, gradient=bool(heads), owned=owned)


def pass_bytes(shapes: Mapping[str, Shape], heads: Collection[str], *, gradient: bool, owned: float = 1.0) -> int:
    """Bytes at the peak of one pass of VGG over an image, in float32.

    In the forward pass a layer's inputs and outputs are there together, and of what it made remain, for the backward
    pass, a byte for each output (its sign, or the winner of a pooling window) and the outputs that a head measures. In
    the backward pass two neighbouring gradients are there together; a head adds its own to one of them.

    Args:
        shapes: Shape of each layer's outputs, in order.
        heads: Layers that are measured.
        gradient: Whether there is a backward pass.
        owned: Part of the image that heads measure; of its features losses make copies, if it is not all.
    """
    counts = {name: math.prod(shape) for name, shape in shapes.items()}
    first = next(iter(counts))
    kept, peak = 0, 0.0
    copied = owned if owned < 1 else 0.0
    before = FLOAT * counts[first]
    for name, count in counts.items():
        z, sign = FLOAT * count, count if gradient and name != first else 0
        peak = max(peak, kept + before + z + max(sign, copied * z))
        kept += sign + (z if gradient and name in heads else 0)
        before = 0 if gradient and name in heads else z  # which is what is kept
    if not gradient:
        return int(peak)
    above = 0
    for name, count in reversed(counts.items()):
        z = FLOAT * count
        peak = max(peak, kept + above + z)  # the gradient of these outputs, beside that of the layer above
        kept -= z if name in heads else 0
        kept -= count if name != first else 0
        above = z
    return int(peak)


def tensor_pass_bytes(shapes: Mapping[str, Shape], *, gradient: bool, number: int) -> int:
    """Bytes at the peak of one pass of VGG on PyTorch, where each convolution's outputs remain for the backward pass.

    Args:
        shapes: Shape of each layer's outputs, in order.
        gradient: Whether there is a backward pass.
        number: Bytes of a number.
    """
    counts = {name: math.prod(shape) for name, shape in shapes.items()}
    first, *others = counts
    kept, peak, before = 0, 0, FLOAT * counts[first]
    keeps = {name: (INDEX if "pool" in name else number) * counts[name] for name in others}
    for name in others:
        z = number * counts[name]
        peak = max(peak, kept + before + z)
        kept += keeps[name] if gradient else 0
        before = 0 if gradient and "pool" not in name else z  # what is kept is counted
    above = 0
    for name in reversed(others) if gradient else ():
        dz = number * counts[name]
        peak = max(peak, kept + above + dz + (0 if "pool" in name else dz))  # beside it, what its sign lets through
        kept -= keeps[name]
        above = dz
    return peak
