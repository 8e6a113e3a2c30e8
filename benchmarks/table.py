"""From what was timed to tables in Markdown, with ratios to ours."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from benchmarks.contest import OURS, Row


class Goals(NamedTuple):
    """What we want of a job.

    Attributes:
        ahead: The best peer takes so many times as long.
        memory: Our part of the leanest peer's memory, at most; None where memory is no matter.
    """

    ahead: float
    memory: float | None = None


def markdown(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; numbers stand to the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def ours(rows: Iterable[Row]) -> Row:
    """Our first row, which all are compared with: on NumPy's arrays, by compiled loops where Numba is installed."""
    return next(row for row in rows if row.program.library == OURS)


def best_peer(rows: Iterable[Row]) -> Row | None:
    """The fastest of the others that ran to the end; None if there is none."""
    return min((row for row in _peers(rows) if row.final), key=lambda row: row.median, default=None)


def leanest_peer(rows: Iterable[Row]) -> Row | None:
    """Of all settings of all others, the one that took the least memory."""
    return min((row for row in _peers(rows) if row.peak), key=lambda row: row.peak, default=None)


def _peers(rows: Iterable[Row]) -> list[Row]:
    """Those who do the same as NumPy does: in float32 and on the processor."""
    programs = [(row, row.program) for row in rows if row.program.library != OURS]
    return [row for row, program in programs if (program.precision, program.device) == ("float32", "cpu")]


def job_table(rows: Sequence[Row]) -> str:
    """A line for each setting; in bold those that ran in turns to the end, each the fastest of its kind."""
    own = ours(rows)
    lines = []
    for row in rows:
        name = f"{row.program.library}, {row.program.setting}"
        if row.failure:
            lines.append([name, "", f"left out: {row.failure}", "", "", ""])
            continue
        median, factor = seconds_as_text(row.median), f"{row.median / own.median:.2f}"
        spread = f"{seconds_as_text(min(row.seconds))} to {seconds_as_text(max(row.seconds))}"
        shown = [f"**{median}**", spread, f"**{factor}**"] if row.final else [median, spread, factor]
        lines.append([name, *shown, f"{row.peak / 1e6:.0f} MB", f"{row.peak / own.peak:.2f}"])
    return markdown(["program", "median", "runs", "times ours", "peak memory", "times ours"], lines)


def verdict(job: str, rows: Sequence[Row], goals: Goals) -> list[str]:
    """The job's line in the table of goals."""
    own, best, leanest = ours(rows), best_peer(rows), leanest_peer(rows)
    line = [job, seconds_as_text(own.median)]
    if best is None:
        line += ["none", "", f"{goals.ahead:g}"]
    else:
        name = f"{best.program.library}, {best.program.setting}: {seconds_as_text(best.median)}"
        line += [name, f"**{best.median / own.median:.2f}**", f"{goals.ahead:g}"]
    if goals.memory is None or leanest is None:
        return [*line, "", "", ""]
    name = f"{own.peak / 1e6:.0f} MB; {leanest.program.library}, {leanest.program.setting}: {leanest.peak / 1e6:.0f} MB"
    return [*line, name, f"**{own.peak / leanest.peak:.2f}**", f"{goals.memory:g}"]


def tensor_verdicts(job: str, rows: Sequence[Row]) -> list[list[str]]:
    """For each of ours on PyTorch's tensors, a line beside PyTorch's eager autograd in the same precision."""
    lines, own = [], ours(rows)
    final = {row.program.contestant: row for row in rows if row.final}
    for row in final.values():
        if row.program.library != OURS or row is own or row.program.kind in ("numba", "numpy"):
            continue
        name = f"{row.program.setting}: {seconds_as_text(row.median)}"
        line = [job, name, f"{own.median / row.median:.2f}"]
        same = row.program.precision, row.program.device
        eager = [
            other
            for other in final.values()
            if (other.program.precision, other.program.device) == same and other.program.kind.startswith("eager")
        ]
        peer = min(eager, key=lambda other: other.median, default=None)
        if peer is None:
            lines.append([*line, "none", "", ""])
            continue
        paired = statistics.median(theirs / mine for theirs, mine in zip(peer.seconds, row.seconds, strict=True))
        shown = f"{peer.program.setting}: {seconds_as_text(peer.median)}"
        lines.append([*line, shown, f"**{paired:.2f}**", f"{min(peer.seconds) / min(row.seconds):.2f}"])
    return lines


def tensor_table(lines: Iterable[Sequence[str]]) -> str:
    """How far ahead ours is on PyTorch's tensors: of ours in NumPy, and of PyTorch's eager autograd."""
    head = ["job", "Sfumato", "ahead of NumPy", "PyTorch, the same precision", "ahead by", "by the fastest runs"]
    return markdown(head, lines)


def verdict_table(lines: Iterable[Sequence[str]]) -> str:
    """What was wanted and what is."""
    head = ["job", "ours", "best peer", "ahead by", "goal", "memory, and the leanest peer's", "part of it", "goal"]
    return markdown(head, lines)


def seconds_as_text(seconds: float) -> str:
    """A time with three digits."""
    if seconds >= 100:
        return f"{seconds:.0f} s"
    if seconds >= 1:
        return f"{seconds:.{1 if seconds >= 10 else 2}f} s"
    return f"{1e3 * seconds:.{0 if seconds >= 0.1 else 1}f} ms"
