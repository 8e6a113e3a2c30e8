"""Ctrl-C in the middle of long work."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def interruptible(begin: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Within, Ctrl-C is noted instead of raised, for the run to end between two steps; pressed again, it interrupts.

    Yields what a run asks before each step, whether to stop; `begin` is called when it asks for the first time.
    """
    first = [begin]
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def note(*_: Any) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    def stop() -> bool:
        while first:
            first.pop()()
        return asked.is_set()

    signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
