"""A campaign's queue, brought up to date with the club's committed players. Nothing is sent here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from tasks.campaigns import queries
from tasks.campaigns.recipients import RecipientFilter
from tasks.club import queries as club_queries
from tasks.club.model import CommittedPlayer
from tasks.club.players import ROWS_AT_A_TIME
from tasks.core.email_address import family_of, mailbox_of, parse_address, wire_address


@dataclass(frozen=True)
class Queue:
    """The unsent messages of one campaign, in a transaction that has locked the campaign's row."""

    connection: Connection
    campaign_id: int
    kind: str
    domain: str
    """Of our own address: the Message-IDs carry it."""
    now: datetime

    def update(self) -> None:
        """Queue a message for each mailbox that is owed one; what was skipped for a cause that is mended comes back."""
        self._prepare(from_sent=True)
        self._fill(only=None)
        self._recognise()
        self._update_unsent("queued", "skipped")

    def readdress(self) -> None:
        """Follow corrected addresses and suppressions only: nobody joins, and what was skipped stays so."""
        moved = self._prepare(from_sent=False)
        if moved:
            self._fill(only=moved)
        self._recognise()
        self._update_unsent("queued")

    def _prepare(self, *, from_sent: bool) -> Sequence[int]:
        """Take lost workers' messages back, and orders off what is not theirs any more; return those orders."""
        queries.return_expired_claims(self.connection, campaign_id=self.campaign_id, now=self.now)
        queries.mark_lost_sendings_uncertain(self.connection, campaign_id=self.campaign_id, now=self.now)
        queries.lock_queue(self.connection, campaign_id=self.campaign_id)
        return queries.detach_orders(self.connection, campaign_id=self.campaign_id, from_sent=from_sent)

    def _fill(self, only: Sequence[int] | None) -> None:
        queries.queue_messages(
            self.connection,
            campaign_id=self.campaign_id,
            kind=self.kind,
            domain=self.domain,
            order_ids=only,
            now=self.now,
        )
        queries.assign_orders(self.connection, campaign_id=self.campaign_id, order_ids=only)

    def _recognise(self) -> None:
        """Call sent what the mail server's log has: the ledger was restored, and had forgotten it."""
        ids = [message.id for message in queries.list_messages_in_log(self.connection, campaign_id=self.campaign_id)]
        if ids:
            queries.mark_messages_sent(self.connection, message_ids=ids, reason="found_in_log", now=self.now)

    def _update_unsent(self, *statuses: Literal["queued", "skipped"]) -> None:
        queries.update_unsent_messages(self.connection, campaign_id=self.campaign_id, statuses=statuses, now=self.now)


@dataclass(frozen=True)
class Snapshot:
    """Whom a snapshot has: how many rows of committed players, and whom of those that the run is about has no order."""

    players: int
    without_order: tuple[int, ...]
    """Ids of players."""


def take_snapshot(
    connection: Connection, tournament_id: int, *, merge: bool, recipients: RecipientFilter | None = None
) -> Snapshot:
    """Copy the recipients, each with its mailbox, to where SQL can compare them with a queue.

    With `merge`, families that share a mailbox are one. Whom the run is not about is there too, marked so.
    """
    recipients = recipients or RecipientFilter()
    count, without_order = 0, []
    queries.create_snapshot(connection)
    for players in club_queries.stream_committed_players(connection, tournament_id=tournament_id, size=ROWS_AT_A_TIME):
        rows = [_recipient(player, merge=merge, chosen=recipients.takes(player)) for player in players]
        queries.fill_snapshot(connection, recipients=rows)
        count += len(players)
        without_order += [row.player_id for row in rows if row.chosen and row.order_id is None]
    queries.index_snapshot(connection)
    queries.analyze_snapshot(connection)
    return Snapshot(count, tuple(without_order))


def _recipient(player: CommittedPlayer, *, merge: bool, chosen: bool) -> queries.Recipient:
    parsed = parse_address(player.email)
    problem = None
    if parsed is None:
        problem = "invalid_address" if (player.email or "").strip() else "no_address"
    return queries.Recipient(
        order_id=player.order_id,
        order_status=player.order_status,
        player_id=player.player_id,
        parent_id=player.parent_id,
        mailbox=mailbox_of(parsed) if parsed else f"parent:{player.parent_id}",
        family="" if merge and parsed else family_of(player.parent_surname),
        address=wire_address(parsed) if parsed else player.email,
        problem=problem,
        chosen=chosen,
    )
