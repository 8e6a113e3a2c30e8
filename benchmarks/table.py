"""From what was timed to tables in Markdown, with ratios to ours."""

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
    """Our row."""
    return next(row for row in rows if row.library == OURS)


def best_peer(rows: Iterable[Row]) -> Row | None:
    """The fastest of the others that ran to the end; None if there is none."""
    return min((row for row in rows if row.final and row.library != OURS), key=lambda row: row.median, default=None)


def leanest_peer(rows: Iterable[Row]) -> Row | None:
    """Of all settings of all others, the one that took the least memory."""
    return min((row for row in rows if row.peak and row.library != OURS), key=lambda row: row.peak, default=None)


def job_table(rows: Sequence[Row]) -> str:
    """A line for each setting; in bold those that ran in turns to the end, each the fastest of its library."""
    own = ours(rows)
    lines = []
    for row in rows:
        name = f"{row.library}, {row.setting}"
        if row.failure:
            lines.append([name, "", "", f"failed: {row.failure}", "", ""])
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
        name = f"{best.library}, {best.setting}: {seconds_as_text(best.median)}"
        line += [name, f"**{best.median / own.median:.2f}**", f"{goals.ahead:g}"]
    if goals.memory is None or leanest is None:
        return [*line, "", "", ""]
    name = f"{own.peak / 1e6:.0f} MB; {leanest.library}, {leanest.setting}: {leanest.peak / 1e6:.0f} MB"
    return [*line, name, f"**{own.peak / leanest.peak:.2f}**", f"{goals.memory:g}"]


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
