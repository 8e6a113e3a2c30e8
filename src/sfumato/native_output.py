"""Output that C libraries print themselves: caught, since each error is one line, and that line is ours."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator

_LOCK = threading.Lock()  # of two at a time, one would put back what the other had put in place


@contextlib.contextmanager
def caught_output() -> Iterator[Callable[[], str]]:
    """Catch what is written to the process's standard error within, below Python.

    Yields:
        A function that returns what has been written so far.
    """
    with _LOCK, contextlib.ExitStack() as stack:
        try:
            before = os.dup(2)
        except OSError:  # a process without standard error, as a service may be
            yield lambda: ""
            return
        stack.callback(os.close, before)
        caught = stack.enter_context(tempfile.TemporaryFile())
        os.dup2(caught.fileno(), 2)
        stack.callback(os.dup2, before, 2)

        def written() -> str:
            caught.seek(0)
            return caught.read().decode(errors="replace")

        yield written
