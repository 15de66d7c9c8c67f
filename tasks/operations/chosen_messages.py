"""What people decide about messages that went wrong: carried out whole or not at all, and kept with who and when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection

from tasks.campaigns import queries as campaigns_queries
from tasks.core.errors import ConfigurationError
from tasks.operations import queries
from tasks.operations.queries import Action, CampaignMessage, ChosenMessage

GOES_ON = frozenset({"sending", "done"})
"""The states of campaigns whose messages can be sent again: not one that waits for an approval or was stopped."""

MOST_NAMED = 20


@dataclass(frozen=True)
class Chosen:
    """Messages that something is decided about, locked until the transaction ends; by whom, and when."""

    connection: Connection
    rows: Sequence[CampaignMessage]
    by: str
    now: datetime

    def mark_sent(self, reason: str = "confirmed_by_hand") -> None:
        """Call them sent: the mail server took them, as a person has found or its log says."""
        self.keep("mark_sent")
        campaigns_queries.mark_messages_sent(self.connection, message_ids=_ids(self.rows), reason=reason, now=self.now)
        for campaign_id in sorted({row.campaign_id for row in self.rows}):
            campaigns_queries.close_campaign(self.connection, campaign_id=campaign_id, now=self.now)

    def put_back(self) -> None:
        """Queue what a restore held: the mail server never took it."""
        self.keep("put_back")
        queries.put_back_messages(self.connection, message_ids=_ids(self.rows), now=self.now)
        self.reopen_campaigns()

    def reopen_campaigns(self) -> None:
        """Let those of their campaigns that are done go on."""
        campaigns = sorted({row.campaign_id for row in self.rows})
        queries.reopen_campaigns(self.connection, campaign_ids=campaigns, now=self.now)

    def keep(self, action: Action) -> None:
        """Keep who did it to them, and when."""
        rows = sorted(self.rows, key=lambda row: row.campaign_id)
        for campaign_id, group in groupby(rows, lambda row: row.campaign_id):
            queries.record_action(
                self.connection,
                action=action,
                campaign_id=campaign_id,
                message_ids=_ids(group),
                by_whom=self.by.strip(),
                note=None,
                now=self.now,
            )


@dataclass(frozen=True)
class ChosenByStatus(Chosen):
    """The messages that a person means by their statuses."""

    rows: Sequence[ChosenMessage]

    def send_again(self) -> None:
        """Queue them; what was uncertain keeps its Message-ID only as long as its bytes are the same."""
        for status, rows in groupby(sorted(self.rows, key=lambda row: row.status), key=lambda row: row.status):
            chosen = replace(self, rows=list(rows))
            chosen.keep("resend" if status == "uncertain" else "retry")
            queries.requeue_messages(self.connection, message_ids=_ids(chosen.rows), now=self.now)
        self.reopen_campaigns()


@dataclass(frozen=True)
class Choice:
    """Which messages: those of these statuses and this tournament (None: any), all of them or those of these ids."""

    statuses: Sequence[str]
    tournament_id: int | None
    message_ids: Sequence[int]
    campaign_states: frozenset[str] = GOES_ON


def choose(connection: Connection, choice: Choice, count: int, *, by: str, now: datetime) -> ChosenByStatus:
    """Find and lock what a person means.

    Raises one ConfigurationError, with nothing done, where there is none, where an id is not of the kind that was
    meant, and where `count` (0: not given) is another number than was found.
    """
    rows = queries.lock_chosen_messages(
        connection,
        statuses=list(choice.statuses),
        campaign_states=sorted(choice.campaign_states),
        tournament_id=choice.tournament_id,
        message_ids=list(choice.message_ids) or None,
    )
    meant = [row for row in rows if row.fits]
    wrong = _wrong_ids(choice, rows)
    said = " or ".join(choice.statuses)
    if wrong:
        raise ConfigurationError(f"Not {said}: {'; '.join(wrong)}. Nothing was done")
    if not meant:
        raise ConfigurationError(f"There is no {said} message to be found: nothing was done")
    if count and count != len(meant):
        raise ConfigurationError(
            f"{len(meant)} {said} messages were found, not {count}: look at them again, nothing was done"
        )
    return ChosenByStatus(connection, meant, by, now)


def _wrong_ids(choice: Choice, rows: Sequence[ChosenMessage]) -> list[str]:
    """Say of each id that is not what was meant what it is."""
    found = {row.id: row for row in rows}
    wrong = []
    for message_id in sorted(set(choice.message_ids)):
        row = found.get(message_id)
        if row is None:
            wrong.append(f"there is no message {message_id}")
        elif not row.fits:
            wrong.append(
                f"message {message_id} is {row.status}, its campaign {row.campaign_state}{_elsewhere(choice, row)}"
            )
    return [*wrong[:MOST_NAMED], *([f"and {len(wrong) - MOST_NAMED} more"] if len(wrong) > MOST_NAMED else [])]


def _elsewhere(choice: Choice, row: ChosenMessage) -> str:
    other = choice.tournament_id is not None and row.tournament_id != choice.tournament_id
    return ", of another tournament" if other else ""


def _ids(rows: Iterable[CampaignMessage]) -> list[int]:
    return [row.id for row in rows]
