"""The record of a run: as a table, and what it says."""

import csv
import dataclasses
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfumato.arrays import Array
from sfumato.training.diagnosis import diagnose
from sfumato.training.history import EpochRecord, to_csv


def history(losses: Array, validation: Array | None = None) -> list[EpochRecord]:
    held_out = np.full(len(losses), np.nan) if validation is None else validation
    pairs = zip(losses.tolist(), held_out.tolist(), strict=True)
    return [EpochRecord(epoch, 0.1, train, 0.5, val, 0.5, epoch) for epoch, (train, val) in enumerate(pairs, start=1)]


NUMBERS = st.floats() | st.just(math.nan)


@given(st.lists(st.builds(EpochRecord, st.integers(1, 10**6), *[NUMBERS] * 6)))
def test_the_table_gives_back_every_record_to_the_last_digit(records: list[EpochRecord]) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(records))))
    read = [
        EpochRecord(int(row.pop("epoch")), **{name: float(text or "nan") for name, text in row.items()}) for row in rows
    ]
    assert repr(read) == repr(records)


def test_the_table_has_a_line_of_names_and_leaves_what_is_not_known_empty() -> None:
    lines = to_csv(history(np.array([0.5]))).splitlines()
    assert lines[0] == "epoch,learning_rate,train_loss,train_accuracy,validation_loss,validation_accuracy,seconds"
    assert lines[1] == "1,0.1,0.5,0.5,,0.5,1"
    assert len(lines[0].split(",")) == len(dataclasses.fields(EpochRecord))


EPOCHS = np.arange(40)
FALLING = 2 * 0.95**EPOCHS
SETTLED = 0.3 + 2 * 0.6**EPOCHS


@pytest.mark.parametrize(
    ("losses", "finding"),
    [
        (0.1 * 1.1**EPOCHS, "rose"),
        (np.where(EPOCHS < 25, 0.5, 0.5 + 0.1 * (EPOCHS - 25)), "rose"),
        (0.5 + 0.3 * (-1.0) ** EPOCHS, "oscillates"),
        (FALLING, "still falling"),
    ],
)
def test_a_curve_that_is_not_well_says_what_to_do(losses: Array, finding: str) -> None:
    advice = {"rose": "smaller learning rate", "oscillates": "learning rate decay", "still falling": "more epochs"}
    (found,) = diagnose(history(losses))
    assert finding in found
    assert advice[finding] in found


@pytest.mark.parametrize(
    "losses",
    [
        SETTLED,
        np.full(40, 0.3),
        np.zeros(40),
        SETTLED + 0.002 * np.sin(7 * EPOCHS),
        FALLING[:3],
        np.array([]),
    ],
    ids=["settled", "constant", "zero", "settled with a little noise", "too short to tell", "nothing"],
)
def test_a_flat_end_or_a_short_run_says_nothing(losses: Array) -> None:
    assert diagnose(history(losses)) == []


def test_a_validation_loss_that_has_turned_is_reported_with_where_it_was_lowest() -> None:
    validation = 0.4 + 0.001 * (EPOCHS - 12.0) ** 2
    (found,) = diagnose(history(SETTLED, validation))
    assert "lowest at epoch 13 (0.4)" in found
    assert f"risen to {validation[-1]:.4g}" in found
    assert "stop there (early_stopping=...), or" in found
    (stopped,) = diagnose(history(SETTLED, validation), early_stopping=True)
    assert stopped.endswith("since: regularise (l2=..., dropout=...).")


@pytest.mark.parametrize(
    "validation", [SETTLED, SETTLED + 0.001 * EPOCHS, 2 * SETTLED], ids=["same", "hardly", "level"]
)
def test_a_validation_loss_that_has_not_turned_is_no_finding(validation: Array) -> None:
    assert diagnose(history(SETTLED, validation)) == []


@pytest.mark.parametrize(("risen", "overfits"), [(1.05, False), (1.15, True)])
def test_overfitting_is_a_validation_loss_a_tenth_above_its_lowest(risen: float, overfits: bool) -> None:
    validation = np.where(EPOCHS < 20, 0.8 - 0.02 * EPOCHS, 0.4 + 0.4 * (risen - 1) * (EPOCHS - 19) / 20)
    assert validation[-1] == pytest.approx(risen * validation.min(), rel=0.01)
    assert [("has risen" in finding) for finding in diagnose(history(SETTLED, validation))] == [True] * overfits
