"""A fixed share of the fuzzing: damaged files of every kind are read, or refused in one line; and faults are found."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from scripts.fuzz.__main__ import fuzz, plan
from scripts.fuzz.kinds import KINDS
from scripts.fuzz.seeds import Seeds, make_files
from scripts.fuzz.workers import READ, REFUSED, Input, Outcome, content_of, outcome_of, outcomes

from sfumato import data

HERE = [kind for kind in KINDS if kind not in ("h5", "keras")]
"""Kinds that are read in this process."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def seeds(folder: Path) -> Seeds:
    return make_files(folder)


def came_of(inputs: list[Input], seeds: Seeds, folder: Path, place: Path) -> list[Outcome]:
    return [outcome_of(one, content_of(one, 0, seeds), folder, place) for one in inputs]


def findings(found: list[Outcome]) -> list[Outcome]:
    return [outcome for outcome in found if outcome.outcome not in (READ, REFUSED)]


@pytest.mark.parametrize("kind", HERE)
def test_whole_files_are_read(kind: str, seeds: Seeds, folder: Path, tmp_path: Path) -> None:
    assert outcome_of(Input(kind, 0, False), seeds[kind][0], folder, tmp_path).outcome == READ


def test_damaged_files_are_read_or_refused_in_one_line(seeds: Seeds, folder: Path, tmp_path: Path) -> None:
    found = came_of(plan(HERE, 300, 0), seeds, folder, tmp_path)
    assert not findings(found)
    assert {outcome.input.kind for outcome in found} == {*HERE}
    assert min(sum(outcome.outcome == what for outcome in found) for what in (READ, REFUSED)) > 30


def test_an_input_is_the_same_whatever_ran_before_it(seeds: Seeds) -> None:
    one = plan(["model"], 20, 0)[7]
    assert one == plan(["model"], 1, 0, first=7)[0]
    assert content_of(one, 0, seeds) == content_of(one, 0, seeds) != content_of(one, 1, seeds)


def test_as_many_inputs_as_asked_for_go_through_the_program() -> None:
    planned = plan(list(KINDS), 1000, 30)
    assert sum(one.program for one in planned) == 30
    assert {one.kind for one in planned if one.program} == {*KINDS}
    assert len({*planned}) == len(planned)


@pytest.mark.parametrize(("fault", "name"), [(ValueError, "ValueError"), (MemoryError, "MemoryError")])
def test_a_planted_fault_is_found(
    fault: type[Exception], name: str, seeds: Seeds, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = data.load

    def faulty(path: Path) -> Any:
        if b"nan" in path.read_bytes():
            raise fault("planted")
        return load(path)

    monkeypatch.setattr(data, "load", faulty)
    found = findings(came_of(plan(["csv"], 80, 0), seeds, folder, tmp_path))
    assert 0 < len(found) < 50
    assert {outcome.outcome for outcome in found} == {name}
    assert "planted" in found[0].details


def test_a_worker_that_dies_is_a_finding(seeds: Seeds, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = plan(["csv"], 1, 0)
    monkeypatch.setattr("scripts.fuzz.workers._work", itertools.chain)  # takes anything, and ends
    assert [*outcomes(inputs, 0, seeds, folder, 1)] == [Outcome(one, "died with 0") for one in inputs]


def test_a_file_that_keeps_its_worker_is_a_finding_and_another_worker_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scripts.fuzz.workers.PATIENCE", -100.0)
    monkeypatch.setattr("scripts.fuzz.workers.ASKING", 0.0)
    assert not fuzz(plan(["pth"], 2, 0), 0, 1, tmp_path)
    said = capsys.readouterr().out
    assert said.count("hang: ") == 2
    assert said.startswith(f'hang: {tmp_path / "pth-0-0.pth"}; again: --only "pth" --seed 0 --first 0 --inputs 1')
    assert (tmp_path / "pth-0-0.pth").is_file()
    assert (tmp_path / "pth-0-0.pth.txt").read_text() == "hang\n"
