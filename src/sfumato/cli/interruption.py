"""Ctrl-C in the middle of long work."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def interruptible(begin: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Ctrl-C is noted instead of raised, for the run to end between two steps; pressed again, it interrupts.

    Yields what a run asks before each step, whether to stop. It is noted from the first time on that the run asks, when
    `begin` is called too. Before that, a run loads or fetches what it needs: there is nothing to keep, and nobody asks
    for a long time, so Ctrl-C interrupts at once.
    """
    begun = False
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def note(*_: Any) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    def stop() -> bool:
        nonlocal begun
        if not begun:
            begun = True
            begin()
            signal.signal(signal.SIGINT, note)
        return asked.is_set()

    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
