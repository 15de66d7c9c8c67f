"""How the messages of a batch end: one that meets a bug costs no other its own, and the ledger holds no line up."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future

from tasks.campaigns.message import Message
from tasks.core.errors import ConfigurationError, TransientError
from tasks.delivery.outbox import Claim
from tasks.mail.transport import Delivery

HANDED_OVER = "handed over"
"""No status: what the mail server said is being written down, and counts when it is."""


class Results:
    """What has become of the messages so far.

    What the mail server said is written down by `recorder`, at once, while the next message is introduced: over a long
    line that takes as long as the ledger does. `finish_recording` is to be called before the next body goes out, so
    that never more than one message of a worker may have been sent without the ledger knowing.
    """

    def __init__(self, claim: Claim, recorder: Executor) -> None:
        self._claim = claim
        self._recorder = recorder
        self._recording: Future[None] | None = None
        self._statuses: list[str] = []
        self._bugs: list[Exception] = []

    def note(self, message_id: int, work: Callable[[], str]) -> None:
        """Do what brings a message to a status, and count that; what goes wrong with it alone is a bug, and fails it.

        Raises TransientError and ConfigurationError: those are about every message alike.
        """
        try:
            status = work()
        except (ConfigurationError, TransientError):
            raise
        except Exception as bug:  # noqa: BLE001  raised by `statuses`: one odd row costs no other family its message
            status = self._claim.defer(message_id, "failed", "bug", error=f"{type(bug).__name__}, see the run's log")
            self._bugs.append(bug)
        if status != HANDED_OVER:
            self._statuses.append(status)

    def record(self, message: Message, delivery: Delivery) -> str:
        """Have it written down what the mail server said of a message, after what it said of the last one."""
        self.finish_recording()
        self._recording = self._recorder.submit(self.note, message.id, lambda: self._claim.record(message, delivery))
        return HANDED_OVER

    def finish_recording(self) -> None:
        """Wait until what the mail server said last is written down; raises, once, what kept it from being."""
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.result()

    def statuses(self) -> Counter[str]:
        """Return how many came to which status; raises the first bug that there was."""
        if self._bugs:
            raise self._bugs[0]
        return Counter(self._statuses)
