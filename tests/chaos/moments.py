"""The moments of a worker at which a test lets it wait or kills it: each call to Stripe and each transaction.

They are seen through Python's audit events and SQLAlchemy's, so that product code needs no hooks.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine, event

from tasks.core.errors import PermanentError, TransientError

Watcher = Callable[[str, Any], None]
_thread = threading.local()
_engines: WeakSet[Engine] = WeakSet()
_everybody: Watcher | None = None
"""Of the threads that have no watcher of their own."""
PATIENCE_SECONDS = 60
_ENTER_SENDING = "-- Enter `sending`"


def _moment(kind: str, detail: object = None) -> None:
    watcher: Watcher | None = getattr(_thread, "watcher", _everybody)
    if watcher is not None and not getattr(_thread, "watching", False):
        _thread.watching = True  # what a watcher does itself is no moment
        try:
            watcher(kind, detail)
        finally:
            _thread.watching = False


def _audit(name: str, arguments: tuple[Any, ...]) -> None:
    if name == "http.client.send" and isinstance(arguments[1], bytes) and b" /v1/" in arguments[1][:80]:
        _moment("stripe", arguments[1].split(b" HTTP/", 1)[0].decode())


sys.addaudithook(_audit)


def _note_mail(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:  # noqa: ANN401
    if statement.startswith(_ENTER_SENDING):
        _thread.mail = values["message_id"]


def _ended() -> None:
    mail, _thread.mail = getattr(_thread, "mail", None), None
    _moment("end" if mail is None else "mail", mail)


def watch_engine(engine: Engine, *, inside: bool = False) -> None:
    """Make moments of each transaction's begin and end, and with `inside` of what happens between the two.

    A worker waits only outside: within, it would hold locks that others wait for. `mail` is the end of the transaction
    that lets a message's body go out, with the message's id. Workers of a process share an engine.
    """
    if engine in _engines:
        return
    _engines.add(engine)
    event.listen(engine, "begin", lambda *_: _moment("begin"))
    event.listen(engine, "before_cursor_execute", _note_mail)
    event.listen(engine, "checkin", lambda *_: _ended())
    if inside:
        event.listen(engine, "before_cursor_execute", lambda *_: _moment("statement"))
        event.listen(engine, "after_cursor_execute", lambda *_: _moment("done"))
        event.listen(engine, "commit", lambda *_: _moment("commit"))


def watched(watcher: Watcher, job: Callable[[], object]) -> None:
    """Run a job in this thread with every moment told to `watcher`; what is to be tried again later is no failure."""
    _thread.watcher = watcher
    try:
        with suppress(TransientError, PermanentError):
            job()
    finally:
        _thread.watcher = None


def all_watched(watcher: Watcher, job: Callable[[], object]) -> None:
    """Run a job with every moment of every thread told to `watcher`, one at a time, in whatever order they come."""
    global _everybody  # noqa: PLW0603  where a thread starts another, nothing of its own is handed on
    turn = threading.Lock()

    def in_turn(kind: str, detail: object) -> None:
        with turn:
            watcher(kind, detail)

    _everybody = in_turn
    try:
        watched(in_turn, job)
    finally:
        _everybody = None


class Worker:
    """A job in a thread of its own that goes on for as many moments as it is told to."""

    def __init__(self, job: Callable[[], object], watcher: Watcher) -> None:
        self.error: BaseException | None = None
        self._job, self._watcher = job, watcher
        self._left: int | None = None
        self._before: str | None = None
        self._waits = False
        self._go, self._resting = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def done(self) -> bool:
        return not self._thread.is_alive() and self._thread.ident is not None

    def go_on(self, moments: int | None = None, *, before: str | None = None) -> None:
        """Let it come to its n-th moment from now, to a call such as `POST /v1/…`, or to its end."""
        if self.done:
            return
        self.set_off(moments, before=before)
        assert self.rests(PATIENCE_SECONDS), "a worker hangs"

    def set_off(self, moments: int | None = None, *, before: str | None = None) -> None:
        """As `go_on`, without waiting for it."""
        self._left, self._before = moments, before
        self._resting.clear()
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._go.set()

    def rests(self, seconds: float) -> bool:
        """Return True if it has come to where it was to go, after so long at most."""
        rests = self._resting.wait(seconds)
        if rests and not self._waits:
            self._thread.join()
        return rests

    def _run(self) -> None:
        try:
            watched(self._at, self._job)
        except BaseException as error:  # noqa: BLE001  told to the test, which judges it
            self.error = error
        finally:
            self._resting.set()

    def _at(self, kind: str, detail: object) -> None:
        self._watcher(kind, detail)
        if self._left is not None:
            self._left -= 1
        if self._left == 0 or (self._before is not None and detail == self._before):
            self._waits = True
            self._resting.set()
            self._go.wait()
            self._go.clear()
            self._waits = False


def in_child(work: Callable[[int], None]) -> tuple[str, bool]:
    """Run `work` in a forked process, which it may kill.

    Returns what it wrote to the pipe that it was given, and whether it was killed.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            work(write)
        except BaseException as error:  # noqa: BLE001  a forked process must not go on as a second test
            with suppress(OSError):
                os.write(write, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        said = told.read()
    _, status = os.waitpid(child, 0)
    return said, os.WIFSIGNALED(status)
