"""What the painting process tells of its steps, and how much of its time that takes."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sfumato.studio.painter import PREVIEW, RECORD, Reporter
from sfumato.style.result import StepRecord

RECORDED = StepRecord(
    *(1, 2, 1, 50, 64, 48),
    *(4.0, 1.0, 2.0, 1.0),
    seconds=10.0,
    done=0.25,
    pixels=np.zeros((48, 64, 3)),
    finish=lambda pixels: pixels,
)


@pytest.mark.parametrize(("cost", "most"), [(0.001, 20), (0.1, 3)], ids=["cheap", "dear"])
def test_previews_come_twice_a_second_at_most_and_take_a_fiftieth_of_the_time(
    cost: float, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    sent: list[tuple[bytes, bytes]] = []

    def encode(*_: object) -> bytes:
        nonlocal now
        now += cost
        return b"preview"

    monkeypatch.setattr("sfumato.studio.painter.time.perf_counter", lambda: now)
    monkeypatch.setattr("sfumato.studio.painter.encoded", encode)
    reporter = Reporter(lambda kind, content: sent.append((kind, content)))
    for step in range(1, 101):
        now += 0.1
        reporter.after_step(replace(RECORDED, step=step))
    previews = [kind for kind, _ in sent if kind == PREVIEW]
    assert 2 <= len(previews) <= most
    assert (len(previews) - 1) * cost <= 0.02 * now
    records = [json.loads(content) for kind, content in sent if kind == RECORD]
    assert [record["step"] for record in records] == list(range(1, 101))
    assert (records[0]["left"], records[0]["loss"]) == (30.0, 4.0)
