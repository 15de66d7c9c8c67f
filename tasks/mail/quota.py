"""How many messages an hour and a day may bring the mail server, counted in the ledger for all workers together."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from tasks.mail import queries


@dataclass(frozen=True)
class Quota:
    """The most messages in any hour and in any day; None: no such limit.

    A message counts from the moment its body goes out, whatever the server then says: providers count like that.
    """

    per_hour: int | None = None
    per_day: int | None = None

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self.per_hour is not None or self.per_day is not None

    def due(self, connection: Connection, now: datetime) -> datetime | None:
        """Say when another message may go out, after those that wait already; None: now."""
        if not self.limited:
            return None
        return queries.find_next_sending(connection, per_hour=self.per_hour, per_day=self.per_day, now=now)

    def take(self, connection: Connection, now: datetime) -> bool:
        """Return True if a message may go out now; until the transaction ends nobody else is told so.

        The caller's transaction must write the message's `sending` attempt: that is what counts.
        """
        if self.limited:
            queries.lock_quota(connection)
        return self.due(connection, now) is None


UNLIMITED = Quota()
