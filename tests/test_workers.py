"""Several processes get what one gets: training, evaluation and painting, with even and uneven shares."""

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from sfumato import InputError
from sfumato.workers import ALONE, Share, Workers, join_workers

Together = Callable[..., Any]

FILTERS = (4, 5, 6, 7, 8)
"""Those of the VGG that paints: few, as what is told of sums over processes holds for any."""

JOB = """
import json, sys
import numpy as np
from sfumato import LBFGS, CategoricalCrossEntropy, Momentum, convolutional_network, fit, multilayer_perceptron
from sfumato.arrays import to_numpy
from sfumato.engine import NUMPY_DOUBLE
from sfumato.data import Examples
from sfumato.workers import ALONE, join_workers, leave_workers
from sfumato.style.problem import StyleProblem
from sfumato.style.vgg import architecture
from sfumato.minimize import RunOptions
from sfumato.style.transfer import StyleTransfer

workers = join_workers()
architecture.FILTERS = FILTERS
rng = np.random.default_rng(0)

def train(network, shape, optimizer, backend, **options):
    x, y = rng.standard_normal((33, *shape)), rng.integers(3, size=33)
    examples = Examples(x, y, rng.random(33))
    result = fit(network, CategoricalCrossEntropy(), examples, validation=Examples(x[:7] + 0.1, y[:7]), epochs=3,
        optimizer=optimizer, l2=0.3, run=RunOptions(engine=f"{backend}/float64", workers=workers), **options)
    last = result.history[-1]
    return [*result.theta, last.train_loss, last.train_accuracy, last.validation_loss, last.validation_accuracy]

dense = multilayer_perceptron(5, (8, 4), 3, dropout=0.3, activation="tanh")
convnet = convolutional_network((8, 8, 2), 3, filters=(3, 4), hidden=(5,))
smooth = multilayer_perceptron(5, (4,), 3, activation="tanh")
found = {
    "mini-batches, dropout": train(dense, (5,), Momentum(), "numpy", batch_size=10),
    "the same on torch": train(dense, (5,), Momentum(), "torch", batch_size=10),
    "convolutions": train(convnet, (8, 8, 2), Momentum(), "numpy", batch_size=9),
    "L-BFGS": train(smooth, (5,), LBFGS(), "numpy", batch_size="full"),
}
layers = {"content_layers": {"conv3_1": 1.0}, "style_layers": {"conv1_1": 1.0, "conv2_1": 1.0, "conv3_1": 2.0},
    "vgg_weights": "narrow.h5"}
content, style = rng.random((40, 56, 3)), rng.random((32, 48, 3))
mask = np.zeros((40, 56, 3)); mask[:, 25:] = 1.0
for tile in (None, 16, 32):  # one tile, which most processes have no part in; twelve; and four
    for loss in ("gram", "wasserstein", "neighbours"):
        settings = StyleTransfer(style_loss=loss, tv_weight=0.1, content_mask=mask, **layers)
        styles, how = [style, style[::-1].copy()], {"engine": NUMPY_DOUBLE, "workers": workers}
        problem = StyleProblem(settings, content, styles, [(mask, 1)], **how)
        objective = problem.objective(40, 56, tile=tile, painted=content[::-1].copy())
        evaluation = objective(content.ravel())
        value = objective.value(content.ravel())
        normalized = [term.weight for term in objective.with_normalized_gradients(content.ravel()).terms]
        found[f"style, {loss}, {tile}"] = [evaluation.loss, value, *normalized, *evaluation.gradient]
# At a second scale rounding may choose another neighbour that is as near. And Adam divides by the gradient's size:
# where the gradient is rounding, its sign decides.
for loss, scales, optimizer in (("gram", 2, "adam"), ("neighbours", 1, "lbfgs")):
    found[f"painted, {loss}"] = StyleTransfer(
        size=96, steps=4, scales=scales, optimizer=optimizer, style_loss=loss, **layers).run(
        (255 * content).astype(np.uint8), (255 * style).astype(np.uint8), run=RunOptions(workers=workers)
    ).picture.ravel().tolist()
small = StyleTransfer(size=40, steps=12, scales=1, **layers).run(  # too small for two tiles, by L-BFGS
    (255 * content).astype(np.uint8), (255 * style).astype(np.uint8), run=RunOptions(workers=workers))
found["a small picture"] = list(small.history[:4])
with open(f"{sys.argv[1]}.{workers.rank}", "w") as file:
    json.dump(found, file)
leave_workers()
"""
"""What each process of a job does; it writes all numbers that come out."""


def write_narrow_vgg(path: Path) -> None:
    """Weights of VGG19 with those filters, as Keras's releases have them."""
    rng, channels = np.random.default_rng(0), 3
    with h5py.File(path, "w") as file:
        for block, (filters, count) in enumerate(zip(FILTERS, (2, 2, 4, 4, 4), strict=True), start=1):
            for number in range(1, count + 1):
                name, W = f"block{block}_conv{number}", rng.standard_normal((3, 3, channels, filters))
                file[f"{name}/{name}_W_1:0"] = (W * np.sqrt(2 / (9 * channels))).astype(np.float32)
                file[f"{name}/{name}_b_1:0"] = (0.1 * rng.standard_normal(filters)).astype(np.float32)
                channels = filters


def outcome(together: Together, path: Path, count: int) -> list[dict[str, Any]]:
    """What each of so many processes has found."""
    (path / "job.py").write_text(f"FILTERS = {FILTERS}\n{JOB}")
    write_narrow_vgg(path / "narrow.h5")
    for done in together(count, [sys.executable, "job.py", "found"], path):
        assert done.returncode == 0, done.stderr
    return [json.loads((path / f"found.{rank}").read_text()) for rank in range(count)]


@pytest.fixture(scope="module")
def alone(together: Together, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    (found,) = outcome(together, tmp_path_factory.mktemp("alone"), 1)
    return found


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_any_number_of_processes_finds_what_one_finds(
    count: int, together: Together, alone: dict[str, Any], tmp_path: Path
) -> None:
    found = outcome(together, tmp_path, count)
    for name, expected in alone.items():
        for rank in range(count):
            here = found[rank][name]
            assert here == found[0][name], f"{name}: all processes go on with the same bytes"
            if name == "a small picture":  # in float32
                np.testing.assert_allclose(here, expected, rtol=1e-3)
            elif name.startswith("painted"):  # in float32: a pixel may be rounded to the other side
                assert np.abs(np.subtract(here, expected)).max() <= 1
            else:
                np.testing.assert_allclose(here, expected, rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("count", range(1, 9))
@pytest.mark.parametrize("whole", [0, 1, 5, 8, 1000])
def test_shares_are_everything_once_and_differ_by_one_at_most(count: int, whole: int) -> None:
    shares = [Workers(rank, count).share(whole) for rank in range(count)]
    assert [shares[0].start, shares[-1].stop] == [0, whole]
    assert all(before.stop == after.start for before, after in pairwise(shares))
    sizes = [share.stop - share.start for share in shares]
    assert max(sizes) - min(sizes) <= 1


def test_one_process_needs_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join_workers() == ALONE == Workers(0, 1)
    assert ALONE.share(7) == Share(0, 7, 7)
    numbers = np.arange(3.0)
    assert ALONE.sum(numbers) is numbers
    assert ALONE.any(True)
    assert not ALONE.any(False)


def test_processes_that_cannot_meet_are_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MASTER_PORT", raising=False)
    with pytest.raises(InputError, match=r"the processes of this job cannot meet \(.*MASTER_PORT") as error:
        join_workers()
    assert "\n" not in str(error.value)


DIFFERENT = """
import numpy as np
from sfumato import InputError, join_workers
from sfumato.workers import leave_workers

workers = join_workers()
settings, theta = {"seed": 1, "device": f"cuda:{workers.rank}"}, np.ones(3)
workers.check_same(settings, theta)
try:
    workers.check_same(settings, theta + workers.rank)
except InputError as error:
    print(error)
try:
    workers.check_same({**settings, "seed": workers.rank}, theta)
except InputError as error:
    print(error)
leave_workers()
"""


def test_processes_that_begin_with_different_things_are_refused(together: Together, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(DIFFERENT)
    for done in together(2, [sys.executable, "job.py"], tmp_path):
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("the processes begin with different data, options or checkpoints") == 2
