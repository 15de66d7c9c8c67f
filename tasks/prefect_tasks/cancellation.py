"""A flow run's wish to stop, heard by its batches between two messages.

Prefect ends a cancelled run's main thread, but lets task runs that were mapped go on to their end: they have to look
for themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event

# Prefect copies the context of a flow run into the threads of its task runs, so that all of them see one event.
_stop: ContextVar[Event | None] = ContextVar("stop", default=None)


@contextmanager
def cancellable() -> Iterator[None]:
    """Tell the batches begun in this block to stop where it is left by a cancellation, a signal or an error."""
    stop = Event()
    token = _stop.set(stop)
    try:
        yield
    except BaseException:
        stop.set()
        raise
    finally:
        _stop.reset(token)


def is_cancelled() -> bool:
    """Return True if the run that this thread works for wants to stop."""
    stop = _stop.get()
    return stop is not None and stop.is_set()
