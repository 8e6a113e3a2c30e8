"""Ctrl-C in the middle of long work."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from sfumato.cli.processes import processes_wanted
from sfumato.errors import WorkerError


@contextlib.contextmanager
def interruptible(begin: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C instead of raising it, for the run to end between two steps; pressed again, it interrupts.

    Yields what a run asks before each step, whether to stop. It is noted from the first time on that the run asks, when
    `begin` is called too. Before that, a run loads or fetches what it needs: there is nothing to keep, and nobody asks
    for a long time, so Ctrl-C interrupts at once.
    """
    begun = False
    asked = threading.Event()
    # torchrun ends the processes of a job by SIGTERM when one of them has died; there is time to keep what is done
    signals = [signal.SIGINT, *([signal.SIGTERM] if processes_wanted() > 1 else [])]
    before = {number: signal.getsignal(number) for number in signals}

    def note(number: int, _: Any) -> None:
        asked.set()
        signal.signal(number, before[signal.Signals(number)])

    def stop() -> bool:
        nonlocal begun
        if not begun:
            begun = True
            begin()
            for number in signals:
                signal.signal(number, note)
        return asked.is_set()

    try:
        yield stop
    except WorkerError:  # the end is near anyway, and what happened shall still be said
        before[signal.SIGTERM] = signal.SIG_IGN
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
