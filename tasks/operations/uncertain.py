"""Settle messages that nobody can know about: show what is known of them, and record what a person has found out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tasks.club import queries as club_queries
from tasks.club.players import find_tournament
from tasks.core.email_address import mask, mask_in
from tasks.operations import queries
from tasks.operations.chosen_messages import Choice, choose
from tasks.operations.options import SettleChoice
from tasks.services import Services

ANY_STATE = frozenset({"draft", "awaiting_approval", "sending", "stopped", "done"})


@dataclass(frozen=True)
class Evidence:
    """What is known of an uncertain message, its address masked; the mail server's log knows more by its Message-ID."""

    id: int
    tournament: str
    campaign: str
    message_id: str
    address: str
    sent_at: datetime | None
    phase: str
    reply: str
    run_id: UUID | None


def show_uncertain(services: Services, choice: SettleChoice) -> list[Evidence]:
    """Return what is known of each uncertain message that is meant; nothing is changed."""
    rows = queries.list_uncertain_messages(
        services.database,
        tournament_id=_tournament(services, choice),
        message_ids=list(choice.message_ids) or None,
    )
    names = {row.tournament_id: "" for row in rows}
    names = {id_: club_queries.find_tournament(services.database, tournament_id=id_).name for id_ in names}
    return [
        Evidence(
            row.id,
            names[row.tournament_id],
            f"{row.kind} {row.sequence} ({row.campaign_state})",
            row.message_id,
            mask(row.address),
            row.sent_at,
            row.phase or "",
            mask_in(" ".join(str(part) for part in (row.smtp_code, row.reply) if part)),
            row.run_id,
        )
        for row in rows
    ]


def mark_sent(services: Services, choice: SettleChoice) -> int:
    """Call the uncertain messages that are meant sent, and return how many.

    Raises a ConfigurationError, with nothing done, where another number than the given count is found, or an id that is
    not uncertain.
    """
    choice.check()
    wanted = Choice(("uncertain",), _tournament(services, choice), choice.message_ids, ANY_STATE)
    with services.database.transaction() as connection:
        chosen = choose(connection, wanted, choice.count, by=choice.by, now=services.clock())
        chosen.mark_sent()
        return len(chosen.rows)


def evidence_rows(evidence: Sequence[Evidence]) -> list[tuple[str, ...]]:
    """Return the evidence as the cells of a table, under EVIDENCE_HEAD."""
    return [
        (
            str(one.id),
            one.tournament,
            one.campaign,
            one.address,
            f"{one.sent_at:%Y-%m-%d %H:%M:%S} UTC" if one.sent_at else "",
            one.phase,
            one.reply,
            one.message_id,
            str(one.run_id or ""),
        )
        for one in evidence
    ]


EVIDENCE_HEAD = ("Message", "Tournament", "Campaign", "Address", "Sent at", "Phase", "Reply", "Message-ID", "Run")


def _tournament(services: Services, choice: SettleChoice) -> int | None:
    return find_tournament(services.database, choice.tournament).id if choice.tournament else None
