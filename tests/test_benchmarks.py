"""What the benchmark makes of its measurements, and the processes in which it takes them; without any peer."""

import os

import numpy as np
import pytest
from benchmarks.contest import OURS, DisagreementError, Program, Row, check
from benchmarks.table import (
    Goals,
    best_peer,
    job_table,
    leanest_peer,
    markdown,
    seconds_as_text,
    tensor_verdicts,
    verdict,
)
from benchmarks.workers import ProgramError, Worker


def program(library: str, setting: str, kind: str = "", precision: str = "float32") -> Program:
    return Program(library, setting, dict, (), kind=kind, precision=precision)


ROWS = [
    Row(program(OURS, "fit"), [1.0, 2.0, 3.0], 100_000_000, final=True),
    Row(program("Slow", "as it comes"), [9.0], 50_000_000, final=True),
    Row(program("Peer", "eager"), [1.0], 400_000_000, final=False),
    Row(program("Peer", "compiled"), [3.0, 3.0, 5.0], 500_000_000, final=True),
    Row(program("Peer", "in half", precision="bfloat16"), [0.5], 30_000_000, final=True),
    Row(program("Absent", ""), [], 0, final=False, failure="ModuleNotFoundError: No module named 'absent'"),
]


def test_the_best_peer_is_the_fastest_of_those_that_ran_in_turns() -> None:
    best = best_peer(ROWS)
    assert best is not None
    assert (best.program.library, best.program.setting) == ("Peer", "compiled")
    assert best_peer(ROWS[:1]) is None


def test_the_leanest_peer_is_one_of_all_settings() -> None:
    leanest = leanest_peer(ROWS)
    assert leanest is not None
    assert leanest.program.library == "Slow"


def test_a_jobs_table_has_medians_and_ratios_to_ours() -> None:
    lines = job_table(ROWS).splitlines()
    assert len(lines) == 2 + len(ROWS)
    assert lines[2].split(" | ")[1:4] == ["**2.00 s**", "1.00 s to 3.00 s", "**1.00**"]
    assert lines[5].split(" | ")[1:4] == ["**3.00 s**", "3.00 s to 5.00 s", "**1.50**"]
    assert lines[5].endswith("| 500 MB | 5.00 |")
    assert "left out: ModuleNotFoundError" in lines[7]


def test_a_verdict_compares_with_the_goals() -> None:
    line = verdict("a job", ROWS, Goals(1.2, 0.5))
    assert line[3:5] == ["**1.50**", "1.2"]
    assert line[6:] == ["**2.00**", "0.5"]
    assert verdict("a job", ROWS[:1], Goals(1.2, 0.5))[2] == "none"


def test_ours_on_tensors_is_compared_with_eager_pytorch_in_the_same_precision_round_by_round() -> None:
    rows = [
        Row(program(OURS, "fit"), [4.0, 4.0], 1, final=True),
        Row(program(OURS, "torch float32", "torch"), [2.0, 4.0], 1, final=True),
        Row(program(OURS, "torch bfloat16", "torch", "bfloat16"), [1.0, 1.0], 1, final=True),
        Row(program("PyTorch", "eager", "eager"), [3.0, 8.0], 1, final=True),
        Row(program("PyTorch", "compiled", "compiled"), [1.0, 1.0], 1, final=True),
    ]
    first, second = tensor_verdicts("a job", rows)
    assert first == ["a job", "torch float32: 3.00 s", "1.33", "eager: 5.50 s", "**1.75**", "1.50"]
    assert second == ["a job", "torch bfloat16: 1.00 s", "4.00", "none", "", ""]


def test_tables_are_markdown() -> None:
    assert markdown(["a", "b"], [["x", 1]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(123.4, "123 s"), (12.34, "12.3 s"), (1.234, "1.23 s"), (0.1234, "123 ms"), (0.01234, "12.3 ms")],
)
def test_times_have_three_digits(seconds: float, text: str) -> None:
    assert seconds_as_text(seconds) == text


def test_another_result_is_refused() -> None:
    ours = {"loss": np.array(1.0), "gradient": np.ones(4)}
    check("peer", {"loss": np.array(1.00001), "gradient": np.ones(4)}, ours, {"loss": 1e-4, "gradient": 1e-3})
    with pytest.raises(DisagreementError, match="peer: gradient differs"):
        check("peer", {"loss": np.array(1.0), "gradient": -np.ones(4)}, ours, {"loss": 1e-4, "gradient": 1e-3})
    with pytest.raises(DisagreementError):
        check("peer", {"loss": np.array(np.nan)}, ours, {"loss": 1e-4})


class Counter:
    """What a worker can hold."""

    def __init__(self, start: int) -> None:
        self.count = start
        self.memory = b""

    def run(self) -> None:
        self.count += 1

    def answer(self) -> tuple[int, int]:
        return self.count, os.getpid()

    def take(self, size: int) -> None:
        self.memory = b"x" * size


def test_a_worker_lives_in_a_process_of_its_own() -> None:
    with Worker(Counter, 5) as worker:
        assert worker.seconds() >= 0
        count, process = worker.call("answer")
        assert count == 6
        assert process != os.getpid()
        before = worker.peak_memory()
        worker.call("take", 80_000_000)
        assert worker.peak_memory() > before + 70_000_000


def test_a_workers_peak_is_its_own() -> None:
    memory = b"x" * 300_000_000  # held here
    with Worker(Counter, 0) as worker:
        assert worker.peak_memory() < len(memory)


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(ProgramError, match="TypeError"):
        Worker(Counter)
    with Worker(Counter, 0) as worker, pytest.raises(ProgramError, match="AttributeError"):
        worker.call("unknown")
