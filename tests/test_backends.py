"""NumPy's arrays and PyTorch's tensors under the same code: what is asked for and refused, and what becomes of it."""

import ast
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import sfumato
from sfumato import (
    CategoricalCrossEntropy,
    Convolution,
    Dense,
    InputError,
    Network,
    NetworkObjective,
    fit,
    multilayer_perceptron,
)
from sfumato.arrays import Array, to_numpy
from sfumato.data import Examples, Scaling
from sfumato.engine import NUMPY, Engine, choose_engine
from sfumato.errors import DeviceMemoryError
from sfumato.kernels.threads import run_in_threads
from sfumato.minimize import RunOptions
from sfumato.style.problem import StyleProblem
from sfumato.style.settings import StyleSettings
from sfumato.training.fitting import evaluate

SOURCE = Path(sfumato.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))

DIFFERENTIATION = {"autograd", "requires_grad", "requires_grad_", "retain_grad", "func", "optim", "Module", "backward"}
"""What PyTorch has of its own for gradients and their use."""


def dotted(node: ast.AST) -> str:
    """`torch.nn.functional` of an expression that says so; "" of any other."""
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_is_differentiated_by_pytorch_nor_trained_with_it(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    expressions = [dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    of_torch = [name for name in [*expressions, *imported(tree)] if name.startswith("torch.")]
    assert not [name for name in of_torch if DIFFERENTIATION & set(name.split("."))]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = {word.arg for call in calls for word in call.keywords}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not named & {"requires_grad"}
    assert not attributes & {"requires_grad", "requires_grad_", "backward", "autograd", "grad_fn"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_arrays_and_the_kernels_know_pytorch(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if path == SOURCE / "style" / "vgg" / "weights.py":  # calls the layout of a file so, named as PyTorch names tensors
        names -= {"torch"}
    modules = {name.split(".")[0] for name in imported(tree)} | {name.rpartition(".")[2] for name in imported(tree)}
    knows = {"torch", "_torch"} & (modules | names)
    knowing = [SOURCE / name for name in ("arrays.py", "engine.py", "workers.py")]
    assert not knows or path in knowing or path.parent == SOURCE / "kernels"


def test_while_computing_overflow_warns_of_nothing() -> None:
    with np.errstate(all="raise"), NUMPY.computing():
        assert np.isinf(np.float32(3e38) * np.float32(10))


def threads_used() -> int:
    """How many of four pieces of work, each waiting for another, run at the same time: 1 or 2."""
    barrier = threading.Barrier(2, timeout=1.0)

    def wait(number: int) -> int:
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait()
            return 2
        return 1

    return max(run_in_threads(lambda: wait, range(4)))


@pytest.mark.parametrize(
    ("network", "threads"),
    [(None, 2), (Network([Convolution(2)], (4, 4, 1)), 2), (Network([Dense(2)], 3), 1)],
    ids=["none", "convolution", "dense"],
)
def test_kernels_run_on_threads_where_a_network_asks_for_it(network: Network | None, threads: int) -> None:
    with threadpool_limits(2, user_api="blas"), NUMPY.computing(network):
        assert threads_used() == threads
    assert threads_used() == 1


@pytest.mark.parametrize(
    "text", ["MPS backend out of memory", "CUDNN_STATUS_ALLOC_FAILED", "CUDA out of memory. Tried to"], ids=str
)
def test_a_full_device_is_an_error_of_one_line_with_its_remedy(text: str) -> None:
    pytest.importorskip("torch")
    engine = Engine("torch", "cpu", "float32")
    remedy = "use a smaller picture"
    with pytest.raises(DeviceMemoryError, match=rf"^cpu is out of memory: {remedy}$"), engine.computing(remedy=remedy):
        raise RuntimeError(text)
    with pytest.raises(RuntimeError, match=r"^something else$"), engine.computing():
        raise RuntimeError("something else")


def cosine(one: Any, other: Any) -> float:
    a, b = (to_numpy(x).astype(np.float64).ravel() for x in (one, other))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Arrays this small gain nothing from threads, which on a busy machine wait for each other instead."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def reduced(one_thread: None) -> Engine:
    """PyTorch on the processor in bfloat16."""
    try:
        return choose_engine("torch", "cpu", "bfloat16")
    except InputError as error:
        pytest.skip(str(error))


def digits(n: int, seed: int) -> Examples:
    """Pictures of 8 x 8 of ten kinds: each a blurred pattern of its own, somewhat moved and noisy."""
    patterns = np.random.default_rng(0).random((10, 8, 8)) > 0.6
    rng = np.random.default_rng(seed)
    y = rng.integers(10, size=n)
    moved = np.stack([np.roll(patterns[c], rng.integers(-1, 2, size=2), axis=(0, 1)) for c in y])
    noisy = 0.8 * moved + 0.35 * rng.random(moved.shape) - 0.5
    return Examples(noisy.astype(np.float32)[..., np.newaxis], y)


CLASSIFIER = multilayer_perceptron((8, 8, 1), [48], 10)


def trained(engine: Engine) -> tuple[Any, float]:
    """A classifier of digits, and its accuracy on others, computed in float32."""
    run = RunOptions(engine=engine)
    result = fit(CLASSIFIER, CategoricalCrossEntropy(), digits(1500, 1), epochs=8, batch_size=32, run=run)
    return result, evaluate(CLASSIFIER, CategoricalCrossEntropy(), to_numpy(result.theta), digits(1000, 2))[1]


def test_training_in_bfloat16_reaches_the_accuracy_of_float32(reduced: Engine) -> None:
    (result, accuracy), (_, expected) = trained(reduced), trained(NUMPY)
    assert expected > 0.9
    assert accuracy > expected - 0.02
    assert to_numpy(result.theta).dtype == np.float32
    vectors = [to_numpy(vector) for vector in result.optimizer_state if hasattr(vector, "dtype")]
    assert [vector.dtype for vector in vectors] == [np.float32, np.float32], "what the optimizer remembers stays so too"


def test_a_gradient_from_bfloat16_is_float32s_but_for_rounding(reduced: Engine) -> None:
    x, y, _ = digits(200, 3)
    theta = CLASSIFIER.initialize(0)

    def evaluation(engine: Engine) -> Any:
        inputs, truth = engine.put(x), engine.put(y)
        with engine.computing(CLASSIFIER):
            objective = NetworkObjective(CLASSIFIER, CategoricalCrossEntropy(), inputs, truth)
            return objective(engine.master.put(theta.copy()))

    ours, expected = evaluation(reduced), evaluation(NUMPY)
    assert to_numpy(ours.gradient).dtype == np.float32
    assert str(ours.gradient.dtype) == "torch.float32"
    assert cosine(ours.gradient, expected.gradient) > 0.99
    assert ours.loss == pytest.approx(expected.loss, rel=0.01)


def blotches(seed: int) -> Array:
    coarse = np.random.default_rng(seed).random((12, 16, 3))
    return np.kron(coarse, np.ones((4, 4, 1))).astype(np.float32)


@pytest.mark.parametrize("style_loss", ["gram", "wasserstein"])
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_picture_is_pulled_the_same_way_in_sixteen_bits(
    precision: str, style_loss: Any, one_thread: None, request: pytest.FixtureRequest
) -> None:
    """Float16 is for GPUs, and refused on processors for its slowness: its arithmetic is the same here."""
    if precision == "bfloat16":
        request.getfixturevalue("reduced")
    problem = StyleProblem(StyleSettings(style_loss=style_loss, tv_weight=0.5), blotches(1), blotches(2))
    point = (0.8 * blotches(3) + 0.1).ravel()
    reduced = Engine("torch", "cpu", precision)
    with reduced.in_force():
        ours = problem.objective(48, 64, reduced)(reduced.master.put(point.copy()))
    expected = problem.objective(48, 64, NUMPY)(point)
    assert to_numpy(ours.gradient).dtype == np.float32
    assert str(ours.gradient.dtype) == "torch.float32"
    assert np.isfinite(to_numpy(ours.gradient)).all()
    assert cosine(ours.gradient, expected.gradient) > 0.99
    assert ours.loss == pytest.approx(expected.loss, rel=0.01)


def small_run(path: Path, backend: str, steps: int | None = None, **changes: Any) -> Any:
    """Train a network with dropout for three epochs, or so many steps of them, keeping the run in a file."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    calls = iter(range(1_000_000))
    stop = None if steps is None else lambda: next(calls) == steps
    network = multilayer_perceptron(3, [6], 2, dropout=0.3)
    engine = choose_engine(backend, "cpu", changes.pop("precision", None))
    how: Any = {"seed": 3, "batch_size": 16, "epochs": 3}
    truth = (x.sum(axis=1) > 0).astype(int)
    run = RunOptions(engine=engine, checkpoint=path, resume=True, stop=stop)
    return fit(network, CategoricalCrossEntropy(), Examples(x, truth), run=run, **how, **changes)


def test_a_run_on_pytorch_goes_on_from_its_checkpoint_to_the_same_bits(tmp_path: Path) -> None:
    expected = small_run(tmp_path / "whole", "torch")
    assert small_run(tmp_path / "parts", "torch", steps=5).stopped == "interrupted"
    result = small_run(tmp_path / "parts", "torch")
    assert (result.stopped, result.steps) == ("finished", expected.steps)
    np.testing.assert_array_equal(to_numpy(result.theta), to_numpy(expected.theta))


def test_both_backends_train_with_the_same_dropout(tmp_path: Path) -> None:
    ours, right = (small_run(tmp_path / name, name, precision="float64") for name in ("torch", "numpy"))
    np.testing.assert_allclose(to_numpy(ours.theta), to_numpy(right.theta), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("first", "then"), [("numpy", "torch"), ("torch", "numpy")])
def test_a_run_begun_on_one_backend_is_refused_on_the_other(first: str, then: str, tmp_path: Path) -> None:
    small_run(tmp_path / "run", first, steps=5)
    with pytest.raises(InputError, match=f"this run began with backend {first}, not {then}; resume with the same opt"):
        small_run(tmp_path / "run", then)


def test_arrays_go_there_and_back_unchanged(engine: Engine) -> None:
    x = np.random.default_rng(0).standard_normal((4, 5, 6)).astype(engine.numpy_dtype)
    frozen = x.copy()
    frozen.flags.writeable = False
    for array in (x, x[:, ::-1], x.transpose(2, 0, 1), x[:0], frozen, np.arange(6), x > 0, x[0, 0, 0:1]):
        there = to_numpy(engine.put(array))
        assert there.dtype == array.dtype
        np.testing.assert_array_equal(there, array)
    assert to_numpy(engine.put(x.astype(np.float32))).dtype == engine.numpy_dtype


@pytest.mark.parametrize("kind", ["uint8", "int16", ">i8", "int64"])
def test_class_numbers_of_any_type_are_learned_on_torch(kind: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 4)), rng.integers(3, size=30)
    results = [
        fit(
            multilayer_perceptron(4, (3,), 3),
            CategoricalCrossEntropy(),
            Examples(x, truth),
            epochs=2,
            run=RunOptions(engine="torch"),
        )
        for truth in (y, y.astype(kind))
    ]
    np.testing.assert_array_equal(results[0].theta, results[1].theta)


def test_bytes_are_scaled_on_torch_in_double_precision_where_that_is_asked_for() -> None:
    rng = np.random.default_rng(0)
    images, y = rng.integers(256, size=(12, 3, 3, 1), dtype=np.uint8), rng.integers(3, size=12)
    thetas = [
        fit(
            multilayer_perceptron((3, 3, 1), (3,), 3),
            CategoricalCrossEntropy(),
            Examples(images, y),
            scaling=Scaling.standard(images),
            epochs=2,
            run=RunOptions(engine=f"{backend}/float64"),
        ).theta
        for backend in ("numpy", "torch")
    ]
    np.testing.assert_allclose(thetas[0], thetas[1], rtol=1e-12)
