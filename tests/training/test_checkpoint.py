"""A run that stops anywhere and goes on: the same bits as one that never stopped, or a refusal that says why."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sfumato import (
    AdamW,
    BinaryCrossEntropy,
    Dense,
    FileError,
    FitResult,
    InputError,
    Loss,
    MeanSquaredError,
    Model,
    Network,
    Optimizer,
    RunOptions,
    Tanh,
    fit,
    multilayer_perceptron,
)
from sfumato.data import Examples, Scaling
from sfumato.engine import as_engine
from sfumato.layers.base import Activation
from sfumato.optimizers import OPTIMIZERS, make_optimizer
from sfumato.optimizers.schedules import make_schedule
from sfumato.storage import load_tensors, save_tensors

STEPS_AN_EPOCH = 4  # 50 examples in batches of 16, the last one of 2


def examples(n: int, seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 2))
    return Examples(x, (x.sum(axis=1) + rng.standard_normal(n) > 0).astype(int))


def run(path: Path | None = None, *, stop: Callable[[], bool] | None = None, **changes: Any) -> FitResult:
    """Train on 50 examples with everything on that has a state: dropout, validation, a schedule, early stopping."""
    engine = f"numpy/{changes.pop('precision', 'float32')}"
    how = {"resume": changes.pop("resume", False), "engine": changes.pop("engine", engine)}
    schedule, decay = changes.pop("schedule", "inverse-time"), changes.pop("decay", None)
    settings: dict[str, Any] = {
        "network": multilayer_perceptron(2, [6], 1, dropout=0.3),
        "loss": BinaryCrossEntropy(),
        "train": examples(50),
        "validation": examples(20, seed=1),
        "l2": 0.1,
        "batch_size": 16,
        "epochs": 4,
        "early_stopping": 50,
        "seed": 3,
        **changes,
    }
    network, loss, train = (settings.pop(name) for name in ("network", "loss", "train"))
    optimizer = settings.setdefault("optimizer", make_optimizer("adam"))
    rate = settings.get("learning_rate", optimizer.learning_rate)
    settings["learning_rate"] = make_schedule(schedule, rate, epochs=settings["epochs"], decay=decay)
    return fit(network, loss, train, run=RunOptions(checkpoint=path, stop=stop, **how), **settings)


def options_for(optimizer: Optimizer[Any]) -> dict[str, Any]:
    alone = {"network": multilayer_perceptron(2, [6], 1, activation="tanh"), "batch_size": "full", "epochs": 16}
    return {"optimizer": optimizer, **(alone if optimizer.full_batch else {})}


def after(steps: int) -> Callable[[], bool]:
    """Says stop before step number `steps`, counted from 0."""
    asked: Iterator[bool] = iter([False] * steps + [True])
    return lambda: next(asked)


def assert_same(result: FitResult, expected: FitResult) -> None:
    np.testing.assert_array_equal(result.theta, expected.theta)
    assert result.theta.dtype == expected.theta.dtype
    assert (result.stopped, result.steps, result.best_epoch) == (expected.stopped, expected.steps, expected.best_epoch)
    histories = [[dataclasses.replace(record, seconds=0) for record in r.history] for r in (result, expected)]
    assert histories[0] == histories[1]


@pytest.mark.parametrize("steps", [0, 1, 4, 6, 11, 15])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_stopped_run_goes_on_to_the_same_bits(name: str, steps: int, tmp_path: Path) -> None:
    options = options_for(make_optimizer(name))
    path = tmp_path / "run.safetensors"
    stopped = run(path, stop=after(steps), **options)
    assert (stopped.stopped, stopped.steps) == ("interrupted", steps)
    assert_same(run(path, resume=True, **options), run(**options))


@pytest.mark.parametrize("name", ["numpy/float64", "numba", "torch:cpu"])
def test_a_run_goes_on_with_the_engine_that_it_began_with(name: str, tmp_path: Path) -> None:
    """Whatever is installed since, and would be chosen for a run that begins now."""
    path = tmp_path / "run.safetensors"
    pytest.importorskip(name.partition("/")[0].partition(":")[0])
    run(path, stop=after(6), engine=name)
    resumed = run(path, resume=True, engine=None)
    assert_same(resumed, run(engine=name))
    assert resumed.settings["backend"] == as_engine(name).backend
    with pytest.raises(InputError, match="this run began with backend"):
        run(path, resume=True, engine="numpy" if name != "numpy/float64" else "torch:cpu")


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", ["adam", "lbfgs"])
def test_a_run_may_stop_after_every_single_step(name: str, precision: str, tmp_path: Path) -> None:
    options = {**options_for(make_optimizer(name)), "precision": precision}
    path = tmp_path / "run.safetensors"
    result = run(path, stop=after(1), **options)
    sittings = 1
    while result.stopped == "interrupted":
        result = run(path, stop=after(1), resume=True, **options)
        sittings += 1
    assert sittings == 4 * STEPS_AN_EPOCH
    assert_same(result, run(**options))


def test_a_crash_loses_no_more_than_what_came_after_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10**6))
    monkeypatch.setattr("sfumato.minimize.time", SimpleNamespace(perf_counter=lambda: float(next(clock))))
    asked = iter([False] * 10)  # StopIteration at the eleventh
    path = tmp_path / "run.safetensors"
    with pytest.raises(StopIteration):
        run(path, stop=lambda: next(asked))
    steps_again = 0

    def count() -> bool:
        nonlocal steps_again
        steps_again += 1
        return False

    assert_same(run(path, resume=True, stop=count), run())
    assert 6 <= steps_again < 4 * STEPS_AN_EPOCH


def test_early_stopping_and_its_best_weights_survive_a_stop(tmp_path: Path) -> None:
    options: dict[str, Any] = {"early_stopping": 3, "epochs": 200, "validation": examples(20, seed=9), "l2": 0.0}
    expected = run(**options)
    assert expected.stopped == "early"
    path = tmp_path / "run.safetensors"
    run(path, stop=after(expected.steps - 2 * STEPS_AN_EPOCH - 1), **options)
    assert_same(run(path, resume=True, **options), expected)
    assert_same(run(path, resume=True, **options), expected)


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    first = run(path)
    assert_same(run(path, resume=True, stop=lambda: pytest.fail("a step was about to be taken")), first)


def test_the_time_of_all_sittings_is_added_up(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    slow, stop = 0.2, after(6)

    def stop_slowly() -> bool:
        stopped = stop()
        if stopped:
            time.sleep(slow)
        return stopped

    assert run(path, stop=stop_slowly).seconds >= slow
    assert run(path, resume=True).seconds >= slow, "the second sitting alone, which waits for nothing, is shorter"


def test_more_epochs_may_be_asked_for_than_at_first(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    assert len(run(path, epochs=2).history) == 2
    assert_same(run(path, epochs=5, resume=True), run(epochs=5))


def test_fewer_epochs_than_are_done_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    run(path, epochs=3)
    with pytest.raises(InputError, match="this run has 3 epochs already; ask for as many or more"):
        run(path, epochs=2, resume=True)


def test_cosine_depends_on_the_number_of_epochs_and_so_refuses_more(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    run(path, schedule="cosine", epochs=2)
    with pytest.raises(InputError, match="this run began with schedule cosine over 2 epochs, not cosine ov"):
        run(path, schedule="cosine", epochs=5, resume=True)


NARROW = Scaling(np.zeros(()), np.full((), 0.5))


@pytest.mark.parametrize(
    ("named", "change"),
    [
        ("network", {"network": multilayer_perceptron(2, [7], 1, dropout=0.3)}),
        ("network", {"network": multilayer_perceptron(2, [6], 1, dropout=0.2)}),
        ("optimizer", {"optimizer": make_optimizer("momentum")}),
        ("optimizer", {"optimizer": make_optimizer("adamw", weight_decay=0.02)}),
        ("optimizer", {"optimizer": AdamW(decays=np.arange(25) < 12)}),
        ("learning rate", {"learning_rate": 0.02}),
        ("schedule", {"schedule": "constant"}),
        ("schedule", {"decay": 0.5}),
        ("l2", {"l2": 0.2}),
        ("batch size", {"batch_size": 10}),
        ("early stopping", {"early_stopping": 51}),
        ("seed", {"seed": 4}),
        ("precision", {"precision": "float64"}),
        ("data", {"train": examples(50, seed=5)}),
        ("data", {"train": Examples(*examples(50)[:2], np.linspace(1, 2, 50))}),
        ("data", {"validation": examples(20, seed=5)}),
        ("scaling", {"scaling": NARROW}),
        ("loss", {"loss": MeanSquaredError()}),
    ],
)
def test_going_on_with_other_settings_is_refused_naming_the_setting(
    named: str, change: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    run(path, stop=after(6), optimizer=AdamW())
    with pytest.raises(InputError, match=rf"this run began with ({named} .*, not |other {named};)"):
        run(path, resume=True, **{"optimizer": AdamW(), **change})


def test_a_network_of_networks_goes_on_when_it_is_made_anew(tmp_path: Path) -> None:
    def network() -> Network:
        return Network([Network([Dense(6), Tanh()], 2), Dense(1)], 2)

    path, first = tmp_path / "run.safetensors", network()
    run(path, stop=after(6), network=first)
    assert_same(run(path, resume=True, network=network()), run(network=first))


class OwnLayer(Activation):
    """A layer of a user's own that is no dataclass, and so has no description of its own."""

    forward = Tanh.forward


class OwnLoss(Loss):
    """The same for a loss."""

    check = MeanSquaredError.check
    forward = MeanSquaredError.forward
    predict = MeanSquaredError.predict


@pytest.mark.parametrize("own", ["layer", "loss"])
def test_parts_of_ones_own_go_on_when_they_are_made_anew(own: str, tmp_path: Path) -> None:
    def parts() -> dict[str, Any]:
        if own == "loss":
            return {"loss": OwnLoss()}
        return {"network": Network([Dense(6), OwnLayer(), Dense(1)], 2)}

    path, first = tmp_path / "run.safetensors", parts()
    run(path, stop=after(6), validation=None, early_stopping=None, **first)
    resumed = run(path, resume=True, validation=None, early_stopping=None, **parts())
    uninterrupted = run(validation=None, early_stopping=None, **first)
    np.testing.assert_array_equal(resumed.theta, uninterrupted.theta)


def test_without_a_file_a_resumed_run_begins_and_without_resume_it_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    assert_same(run(path, resume=True), run())
    assert_same(run(path, seed=8), run(seed=8))


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    network = multilayer_perceptron(2, [6], 1, dropout=0.3)
    Model(network, network.initialize(), BinaryCrossEntropy(), Scaling.none(), ("a", "b")).save(path)
    with pytest.raises(FileError, match="not a checkpoint of this version of Sfumato"):
        run(path, resume=True)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(FileError, match="not a whole safetensors file"):
        run(path, resume=True)


def test_a_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    run(path, stop=after(6))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FileError, match="not a whole safetensors file"):
        run(path, resume=True)


def test_a_checkpoint_that_cannot_be_written_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be written"):
        run(tmp_path / "no such folder" / "run.safetensors")


DAMAGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "more epochs": lambda header: header.update(progress=[2, 2, 6, 1.0, ""]),
    "more steps": lambda header: header.update(progress=[1, 5, 9, 1.0, ""]),
    "steps that are a list": lambda header: header.update(progress=[1, ["x"], 6, 1.0, ""]),
    "steps beyond counting": lambda header: header.update(progress=[1, 2, 10**40, 1.0, ""]),
    "no time": lambda header: header.update(progress=[1, 2, 6, None, ""]),
    "an end that there is not": lambda header: header.update(progress=[1, 2, 6, 1.0, "tired"]),
    "no progress": lambda header: header.pop("progress"),
    "a record with a list": lambda header: header["history"][0].__setitem__(3, [1]),
    "a record with a text": lambda header: header["history"][0].__setitem__(2, "0.5"),
    "a record with a number beyond all floats": lambda header: header["history"][0].__setitem__(4, 10**400),
    "a record of another epoch": lambda header: header["history"][0].__setitem__(0, None),
    "no history": lambda header: header.update(history={}),
    "a best epoch to come": lambda header: header["numbers"].update(best_epoch=3),
    "a best epoch that is a text": lambda header: header["numbers"].update(best_epoch="1"),
    "sums of no examples": lambda header: header["numbers"].update(sums=[0.5, 0, 0]),
    "sums that are no numbers": lambda header: header["numbers"].update(sums=[0.5, None, 32]),
    "sums in another number": lambda header: header["numbers"].update(sums=[0.5]),
    "an optimizer that counts in halves": lambda header: header["optimizer"].update(t=1.5),
    "an optimizer without a state": lambda header: header.update(optimizer=[]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_checkpoint_that_no_run_wrote_is_refused_in_one_line(
    damage: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    run(path, stop=after(6))
    tensors, header = load_tensors(path)
    assert header["progress"][:3] == [1, 2, 6]
    damage(header)
    save_tensors(path, tensors, header)
    with pytest.raises(
        FileError, match=r"the checkpoint in it is damaged .*; start anew with overwrite=True"
    ) as refused:
        run(path, resume=True)
    assert "\n" not in str(refused.value)
