"""What the ledger tells after a chaos run, message by message, and whether that can be true."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from tests.support.small_club import SmallClub

BEFORE_BODY = {"mail", "rcpt", "data"}
WITH_BODY = {
    ("sent", "after the dot"),
    ("deferred", "body"),
    ("deferred", "after the dot"),
    ("failed", "body"),
    ("failed", "after the dot"),
    ("uncertain", "after the dot"),
    ("uncertain", "body"),  # its worker was lost
}


@dataclass(frozen=True)
class Told:
    """A message and its attempts, each (number, outcome, phase)."""

    message_id: str
    address: str
    status: str
    attempts: int
    story: Sequence[tuple[int, str, str]]

    def check(self) -> None:
        """Assert that the attempts tell one whole story, which ends as the message stands."""
        tries = [(number, list(steps)) for number, steps in groupby(self.story, key=lambda step: step[0])]
        assert [number for number, _ in tries] == list(range(1, self.attempts + 1)), self
        for number, steps in tries:
            outcomes = [(outcome, phase) for _, outcome, phase in steps]
            if outcomes[0] == ("sending", "body"):
                assert len(outcomes) == 2, self
                assert outcomes[1] in WITH_BODY, self
            else:
                ((outcome, phase),) = outcomes
                assert outcome in {"deferred", "failed"}, self
                assert phase in BEFORE_BODY, self
            last = outcomes[-1][0]
            assert last == "deferred" if number < self.attempts else last == self.status, self


def told(club: SmallClub) -> list[Told]:
    """Read all messages and their attempts."""
    attempts = club.sql("SELECT * FROM tournament_fees.delivery_attempts ORDER BY message_id, id")
    stories = {
        message_id: [(row.attempt, row.outcome, row.phase) for row in rows]
        for message_id, rows in groupby(attempts, key=lambda row: row.message_id)
    }
    return [
        Told(row.message_id, row.address, row.status, row.attempts, stories.get(row.id, ()))
        for row in club.sql("SELECT * FROM tournament_fees.messages ORDER BY id")
    ]


def check(messages: Sequence[Told], taken: Mapping[str, int], *, cut: int, killed: int) -> None:
    """Hold the ledger against what the mail server has taken, and the uncertain against what can have made them so.

    `cut` connections were cut by the server with a message in hand, `killed` workers may have had one each.
    """
    assert set(taken) <= {message.message_id for message in messages}
    assert {count for count in taken.values() if count > 1} == set(), "mailed twice"
    for message in messages:
        message.check()
        if message.status == "sent":
            assert taken.get(message.message_id) == 1, message
        else:
            assert message.status in {"uncertain", "failed"}, message
        if message.status == "failed":
            assert message.message_id not in taken, message
    ends = Counter(message.story[-1][1:] for message in messages)
    assert ends["uncertain", "after the dot"] <= cut
    assert ends["uncertain", "body"] <= killed
