"""`fit`: what it trains on and in which order, what it records, and when it stops."""

import gc
import math
import signal
import weakref
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tests.training.numbered import SMALL, fit_numbered, numbered

from sfumato import (
    LBFGS,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Dense,
    Dropout,
    FitResult,
    Flatten,
    GradientDescent,
    InputError,
    MeanSquaredError,
    Network,
    NetworkObjective,
    Normal,
    RunOptions,
    Tanh,
    Zeros,
    convolutional_network,
    fit,
    multilayer_perceptron,
)
from sfumato.arrays import Array
from sfumato.data import Examples, Scaling, spiral
from sfumato.engine import NUMPY_DOUBLE
from sfumato.layers import Needs
from sfumato.layers.base import Backward
from sfumato.optimizers.schedules import exponential
from sfumato.training.batches import MemoryBatches, make_batches
from sfumato.training.fitting import default_batch_size, default_epochs, evaluate, is_long
from sfumato.training.history import EpochRecord

DOUBLE = RunOptions(engine="numpy/float64")


def test_an_epoch_is_one_pass_over_all_examples_with_the_last_partial_batch() -> None:
    result, recorder = fit_numbered()
    assert [len(batch) for batch in recorder.batches] == [4, 4, 2] * 3
    for epoch in range(3):
        assert sorted(chain(*recorder.batches[3 * epoch : 3 * epoch + 3])) == list(range(10))
    assert result.steps == 9


def test_examples_are_put_into_new_batches_every_epoch() -> None:
    _, recorder = fit_numbered(epochs=20)
    epochs = [recorder.batches[start : start + 3] for start in range(0, 60, 3)]
    assert len({str(epoch) for epoch in epochs}) == 20
    together = {frozenset(batch) for epoch in epochs for batch in epoch}
    assert len(together) > 20, "batches are new sets of examples, not the same sets in another order"


@pytest.mark.parametrize("batch_size", ["full", 10, 1000])
def test_the_full_batch_is_never_shuffled(batch_size: Any) -> None:
    _, recorder = fit_numbered(batch_size=batch_size)
    assert recorder.batches == [list(range(10))] * 3


def test_the_recorded_loss_is_the_epochs_mean_and_every_step_the_textbooks() -> None:
    """By hand: w = w - alpha dJ/dw batch by batch, and the losses of all examples before the step that used each."""
    result, recorder = fit_numbered(l2=0.3, seed=4)
    x, y, _ = numbered()
    theta, batches = SMALL.initialize(4, np.float64), iter(recorder.batches)
    for record in result.history:
        losses: list[float] = []
        for _ in range(3):
            rows = next(batches)
            of_batch = (SMALL.apply(theta, x[rows])[:, 0] - y[rows]) ** 2
            losses += of_batch.tolist()
            objective = NetworkObjective(SMALL, MeanSquaredError(), x[rows], y[rows], l2=0.3, data_size=10)
            theta = theta - 0.01 * objective(theta).gradient
        assert record.train_loss == pytest.approx(np.mean(losses), rel=1e-12)
        assert record.train_loss != pytest.approx(of_batch.mean(), rel=1e-3), "not the last batch's"
    np.testing.assert_allclose(result.theta, theta, rtol=1e-12)


def test_accuracy_is_the_share_classified_rightly_over_the_epoch() -> None:
    x, y = np.array([[-3.0], [-3.0], [-3.0], [3.0], [3.0]]), np.array([0, 0, 1, 1, 1])
    network = Network([Dense(1, Normal(1e-9))], 1)
    result = fit(network, BinaryCrossEntropy(), Examples(x, y), batch_size="full", learning_rate=1.0, epochs=30)
    assert result.history[-1].train_accuracy == 0.8
    assert evaluate(network, BinaryCrossEntropy(), result.theta, Examples(x, y))[1] == 0.8


def test_regression_has_no_accuracy() -> None:
    result, _ = fit_numbered(validation=numbered(5))
    assert math.isnan(result.history[-1].train_accuracy)
    assert math.isnan(result.history[-1].validation_accuracy)


def test_validation_examples_are_never_trained_on() -> None:
    without, _ = fit_numbered()
    result, recorder = fit_numbered(validation=numbered(5, first=100))
    np.testing.assert_array_equal(result.theta, without.theta)
    assert max(chain(*recorder.batches)) == 9


def test_the_validation_loss_is_measured_after_the_epoch_without_dropout() -> None:
    network = Network([Dense(20), Tanh(), Dropout(0.5), Dense(1)], 1)
    held_out = numbered(5, first=3)
    result = fit(network, MeanSquaredError(), numbered(), validation=held_out, epochs=4, run=DOUBLE)
    expected = np.mean((network.apply(result.theta, held_out.x)[:, 0] - held_out.y) ** 2)
    assert result.history[-1].validation_loss == pytest.approx(expected, rel=1e-12)
    assert result.history[result.best_epoch - 1].validation_loss == min(r.validation_loss for r in result.history)


drawn: list[float] = []


class NotedDraw(Dropout):
    """Dropout, noting the first number of each step's generator."""

    def forward(
        self, params: Any, x: Array, needs: Needs, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward[Any]]:
        if rng is not None:
            drawn.append(rng.random())
        return super().forward(params, x, needs, rng)


@pytest.mark.parametrize("batch_size", [4, "full"])
def test_dropout_draws_anew_at_every_step_of_every_epoch(batch_size: Any) -> None:
    drawn.clear()
    network = Network([NotedDraw(0.5), Dense(1)], 1)
    result = fit(network, MeanSquaredError(), numbered(), validation=numbered(), batch_size=batch_size, epochs=5)
    assert len(set(drawn)) == len(drawn) == result.steps


def noise(n: int, seed: int) -> Examples:
    """Classes that have nothing to do with the inputs: whatever is learned is wrong on other examples."""
    rng = np.random.default_rng(seed)
    return Examples(rng.standard_normal((n, 5)), rng.integers(2, size=n))


def fit_noise(**options: Any) -> FitResult:
    network = multilayer_perceptron(5, [30], 1)
    return fit(network, BinaryCrossEntropy(), noise(60, 0), validation=noise(60, 1), run=DOUBLE, **options)


def test_early_stopping_returns_the_best_weights_once_patience_is_over() -> None:
    result = fit_noise(early_stopping=5, epochs=500)
    losses = [record.validation_loss for record in result.history]
    assert result.stopped == "early"
    assert result.best_epoch == int(np.argmin(losses)) + 1 == len(losses) - 5
    network = multilayer_perceptron(5, [30], 1)
    assert evaluate(network, BinaryCrossEntropy(), result.theta, noise(60, 1))[0] == min(losses)


def test_without_early_stopping_the_last_weights_are_returned() -> None:
    result = fit_noise(epochs=30)
    assert (result.stopped, len(result.history)) == ("finished", 30)
    assert result.best_epoch < 30
    network = multilayer_perceptron(5, [30], 1)
    last = evaluate(network, BinaryCrossEntropy(), result.theta, noise(60, 1))[0]
    assert last == result.history[-1].validation_loss


def test_an_example_of_weight_two_counts_as_two() -> None:
    x, y, _ = numbered()
    weight = np.array([2.0] + [1.0] * 9)
    weighted, _ = fit_numbered(train=Examples(x, y, weight), batch_size="full")
    twice, _ = fit_numbered(train=Examples(np.vstack([x[:1], x]), np.append(y[0], y)), batch_size="full")
    np.testing.assert_allclose(weighted.theta, twice.theta, rtol=1e-10)
    losses = [[record.train_loss for record in result.history] for result in (weighted, twice)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


def test_weights_that_are_all_alike_change_nothing() -> None:
    x, y, _ = numbered()
    np.testing.assert_array_equal(
        fit_numbered(train=Examples(x, y, np.full(10, 4.0)))[0].theta, fit_numbered()[0].theta
    )


def test_long_are_many_steps_of_any_network_few_of_a_large_one_and_fewer_still_with_convolutions() -> None:
    small, large = multilayer_perceptron(2, (100,), 3), multilayer_perceptron(784, (256, 128), 10)
    assert not is_long(small, 300, "full", 2000)
    assert not is_long(small, 300, 16, 200)
    assert is_long(small, 300, 16, 5000)
    assert not is_long(large, 60_000, 128, 2)
    assert is_long(large, 60_000, 128, 20)
    assert is_long(convolutional_network((28, 28, 1), 10), 60_000, 128, 2)


def test_bytes_stay_bytes_until_their_batch_is_used() -> None:
    rng = np.random.default_rng(0)
    images = Examples(rng.integers(256, size=(10, 4, 4, 1), dtype=np.uint8), np.arange(10) % 2)
    network = Network([Flatten(), Dense(1)], (4, 4, 1))
    scaling = Scaling(np.zeros(()), np.full((), 1 / 255))
    batches = make_batches(images, scaling, batch_size=4, engine=NUMPY_DOUBLE)
    assert isinstance(batches, MemoryBatches) and batches.x.dtype == np.uint8
    order = batches.epoch(0)
    assert [batches.batch(rows).x.dtype.name for rows in order] == ["float64"] * 3
    np.testing.assert_array_equal(batches.batch(order[2]).x, scaling(images.x[order[2]], np.float64))
    in_bytes = fit(network, BinaryCrossEntropy(), images, scaling=scaling, batch_size=4, epochs=2, run=DOUBLE)
    floats = images._replace(x=images.x / 255)
    in_floats = fit(network, BinaryCrossEntropy(), floats, batch_size=4, epochs=2, run=DOUBLE)
    np.testing.assert_allclose(in_bytes.theta, in_floats.theta, rtol=1e-12)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(precision: str) -> None:
    first, again, other = (fit_numbered(seed=seed, precision=precision)[0].theta for seed in (1, 1, 2))
    assert first.dtype == precision
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("init", [Normal(0.5), Zeros()])
def test_training_starts_from_the_networks_own_initialiser(init: Any) -> None:
    network = multilayer_perceptron(1, [3], 1, init=init)
    result = fit(network, MeanSquaredError(), numbered(), seed=3, run=RunOptions(stop=lambda: True))
    np.testing.assert_array_equal(result.theta, network.initialize(3))
    assert (result.stopped, result.steps, result.history) == ("interrupted", 0, ())


def test_stop_is_asked_before_every_step() -> None:
    asked = iter([False] * 7 + [True])
    result, recorder = fit_numbered(stop=lambda: next(asked))
    assert (result.stopped, result.steps, len(recorder.batches), len(result.history)) == ("interrupted", 7, 7, 2)


def test_each_epochs_record_is_handed_out_as_it_is_made() -> None:
    records: list[EpochRecord] = []
    result, _ = fit_numbered(callback=records.append, learning_rate=exponential(0.01, 0.5))
    assert tuple(records) == result.history
    assert [record.epoch for record in records] == [1, 2, 3]
    assert [record.learning_rate for record in records] == pytest.approx([0.01, 0.005, 0.0025])
    assert [record.seconds for record in records] == sorted(record.seconds for record in records)


def test_training_prints_nothing_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fit_numbered()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("l2", [0.1, 3.0])
def test_logistic_regression_by_lbfgs_reaches_scikit_learns_optimum(l2: float) -> None:
    """Our mean loss with lambda / 2N is scikit-learn's summed loss with 1 / 2C, C = 1 / lambda, divided by N."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    y = (x @ [1.0, -2.0, 0.5] + rng.logistic(size=200) > 0).astype(int)
    network = multilayer_perceptron(3, [], 1)
    result = fit(network, BinaryCrossEntropy(), Examples(x, y), optimizer=LBFGS(), l2=l2, epochs=200, run=DOUBLE)
    peer = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=1000).fit(x, y)
    np.testing.assert_allclose(result.theta, [*peer.coef_[0], peer.intercept_[0]], rtol=1e-5)
    assert result.stopped == "converged"


def test_evaluating_in_chunks_changes_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    theta = SMALL.initialize(0, np.float64)
    examples = numbered()._replace(sample_weight=np.linspace(1, 3, 10))
    whole = evaluate(SMALL, MeanSquaredError(), theta, examples)[0]
    monkeypatch.setattr("sfumato.training.batches.EVALUATION_CHUNK", 3)
    assert evaluate(SMALL, MeanSquaredError(), theta, examples)[0] == pytest.approx(whole, rel=1e-14)
    losses = (SMALL.apply(theta, examples.x)[:, 0] - examples.y) ** 2
    assert whole == pytest.approx(np.average(losses, weights=np.linspace(1, 3, 10)), rel=1e-12)


@pytest.mark.parametrize(("examples", "size", "epochs"), [(100, 16, 600), (5000, 100, 20), (60_000, 1000, 20)])
def test_defaults_grow_with_the_data_as_described(examples: int, size: int, epochs: int) -> None:
    assert default_batch_size(GradientDescent(), examples) == size
    assert default_batch_size(LBFGS(), examples) == "full"
    assert default_epochs(examples) == epochs


X, Y = numbered().x, numbered().y


def test_what_a_training_held_goes_with_it() -> None:
    """Nothing refers to itself in a circle, which would keep the data until Python looks for circles."""
    x, y = np.zeros((20, 3, 3, 1), np.uint8), np.arange(20) % 2  # bytes are held as they are
    alive = weakref.ref(x)
    gc.disable()
    try:
        fit(multilayer_perceptron((3, 3, 1), (3,), 2), CategoricalCrossEntropy(), Examples(x, y), epochs=1)
        del x
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("order", ["F", "turned"])
def test_bytes_in_any_order_in_memory_train_the_same(order: str) -> None:
    x, y = np.random.default_rng(0).integers(0, 256, (40, 4, 3, 1), np.uint8), np.arange(40) % 2
    other = np.asfortranarray(x) if order == "F" else np.ascontiguousarray(x[::-1])[::-1]
    one, two = (
        fit(multilayer_perceptron((4, 3, 1), (3,), 2), CategoricalCrossEntropy(), Examples(own, y), epochs=2).theta
        for own in (x, other)
    )
    np.testing.assert_array_equal(one, two)


def test_every_epoch_steps_with_the_rate_that_its_record_shows() -> None:
    """By hand, batch by batch, at rates that differ from epoch to epoch."""
    rates = [0.05, 0.001, 0.02, 0.004]
    for epochs in range(1, len(rates) + 1):
        result, recorder = fit_numbered(epochs=epochs, learning_rate=lambda epoch: [*rates, 1.0][epoch])
        assert [record.learning_rate for record in result.history] == rates[:epochs]
        theta, batches = SMALL.initialize(0, np.float64), iter(recorder.batches)
        for rate in rates[:epochs]:
            for _ in range(3):
                rows = next(batches)
                theta = theta - rate * NetworkObjective(SMALL, MeanSquaredError(), X[rows], Y[rows])(theta).gradient
        np.testing.assert_allclose(result.theta, theta, rtol=1e-12)


def test_a_callback_that_returns_true_ends_the_run() -> None:
    result, _ = fit_numbered(epochs=5, callback=lambda record: record.epoch == 2)
    assert (result.stopped, len(result.history), result.steps) == ("interrupted", 2, 6)


def test_ctrl_c_ends_the_run_between_two_steps_with_its_checkpoint(tmp_path: Path) -> None:
    whole, _ = fit_numbered(epochs=5)

    def press(record: EpochRecord) -> None:
        if record.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    kept = tmp_path / "kept"
    result, _ = fit_numbered(epochs=5, callback=press, checkpoint=kept)
    assert (result.stopped, len(result.history)) == ("interrupted", 2)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    np.testing.assert_array_equal(fit_numbered(epochs=5, checkpoint=kept, resume=True)[0].theta, whole.theta)


def test_ctrl_c_pressed_twice_interrupts_at_once() -> None:
    def press(record: EpochRecord) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit_numbered(callback=press)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_names_lists_and_data_sets_are_what_they_stand_for() -> None:
    data = spiral()
    x, y, _ = data.examples
    network = multilayer_perceptron(2, [4], 3)
    expected = fit(network, CategoricalCrossEntropy(), data.examples, validation=data.examples, epochs=2)
    for own in (data, (x, y), (x.tolist(), y.tolist())):
        found = fit(network, "cross-entropy", own, validation=own, optimizer="adam", epochs=2)
        np.testing.assert_array_equal(found.theta, expected.theta)
    with pytest.raises(InputError, match="data are"):
        fit(network, CategoricalCrossEntropy(), 7)
    with pytest.raises(InputError, match="no loss is called 'crossentropy'"):
        fit(network, "crossentropy", data)


def test_a_result_is_shown_in_a_line() -> None:
    result, _ = fit_numbered()
    assert repr(result).startswith("FitResult(finished after 3 epochs, training loss ")
    assert len(repr(result)) < 100
