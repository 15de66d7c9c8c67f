"""A letter from what the club's tables say and how each link stands."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from tasks.campaigns.message import RENEWED_LINK
from tasks.club.model import CommittedPlayer, Tournament
from tasks.links.decision import GREATEST_AMOUNT
from tasks.links.model import LinkKind, LinkOutcome, LinkResult
from tasks.mail.letter import DEFAULT_BRAND, FeeLine, Letter, LinkState
from tasks.mail.renderer import Renderer
from tasks.mail.sample_letters import SOME_LINK

LINE_STATES = {
    LinkOutcome.KEPT: LinkState.PAYABLE,
    LinkOutcome.BACKFILLED: LinkState.PAYABLE,
    LinkOutcome.MADE: LinkState.PAYABLE,
    LinkOutcome.RENEWED: LinkState.PAYABLE,
    LinkOutcome.FOUND_PAID: LinkState.PAID,
    LinkOutcome.ALREADY_PAID: LinkState.PAID,
    LinkOutcome.PROCESSING: LinkState.PROCESSING,
    LinkOutcome.SET_ASIDE: LinkState.WITHHELD,
    LinkOutcome.UNDER_REVIEW: LinkState.WITHHELD,
}
"""What a parent is told; an order that nobody has to pay any more is not mentioned."""
PAYABLE = frozenset(outcome for outcome, state in LINE_STATES.items() if state is LinkState.PAYABLE)


def compose(
    kind: str,
    tournament: Tournament,
    players: Mapping[int, CommittedPlayer],
    links: Sequence[LinkResult],
    note: str = "",
) -> Letter:
    """Return the letter about these links, to the first player's parent; `players` are by order id."""
    first = players[next(link.order_id for link in links if link.order_id in players)]
    return Letter(
        kind=kind,
        parent=first.parent_name,
        tournament=tournament.name,
        event_date=tournament.event_date,
        payment_deadline=tournament.payment_deadline,
        time_zone=tournament.time_zone or None,
        language=first.language or None,
        lines=tuple(
            _line(players[link.order_id], link)
            for link in links
            if link.order_id in players and link.outcome in LINE_STATES
        ),
        note=note,
    )


def skip_reason(links: Sequence[LinkResult]) -> str:
    """Say why a message without any payable link is skipped; what a person should look at comes first."""
    outcomes = {link.outcome for link in links}
    if LinkOutcome.SET_ASIDE in outcomes:
        return "link_under_review"
    if LinkOutcome.PROCESSING in outcomes:
        return "processing"
    if LinkOutcome.FOUND_PAID in outcomes or any(link.order_status in {"paid", "waived"} for link in links):
        return "paid"
    if any(link.order_status in {"cancelled", "refunded"} for link in links):
        return "not_owed"
    return "not_committed" if any(link.order_status == "pending" for link in links) else "no_order"


def template_digests(renderer: Renderer, kind: str, note: str) -> dict[str, str]:
    """Return the SHA-256 of the words that a campaign of this kind is written with, by the kind of message.

    They are those of the templates and of the note. Raises ConfigurationError for a broken template.
    """
    return {
        name: hashlib.sha256(f"{renderer.digest(name)} {note}".encode()).hexdigest() for name in (kind, RENEWED_LINK)
    }


def sample_link(player: CommittedPlayer) -> LinkResult:
    """Return a link as a live one looks, to render a letter before any session is touched."""
    return LinkResult(
        player.order_id or 0,
        player.order_status or "pending",
        LinkOutcome.KEPT,
        url=SOME_LINK,
        expires_at=datetime(2000, 1, 1, tzinfo=UTC),
    )


def whole(amount: Decimal | None) -> int:
    """Return an amount as a letter can show it; one that is no number belongs to an order that is under review."""
    sensible = amount is not None and amount.is_finite() and abs(amount) <= GREATEST_AMOUNT
    return int(amount) if amount is not None and sensible else 0


def _line(player: CommittedPlayer, link: LinkResult) -> FeeLine:
    return FeeLine(
        player=player.player_name,
        team=player.team,
        amount=whole(player.amount) if link.amount is None else link.amount,
        currency=link.currency or player.currency or "",
        due_date=player.due_date,
        state=LINE_STATES[link.outcome],
        url=link.url,
        link_expires_at=link.expires_at,
        lasting=link.kind is LinkKind.PAYMENT_LINK,
        brand=player.brand or DEFAULT_BRAND,
    )
