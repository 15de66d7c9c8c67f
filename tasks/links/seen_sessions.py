"""What list calls have shown of the orders' sessions, kept in the ledger until somebody acts on it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from tasks.core import queries as core_queries
from tasks.core.database import Database
from tasks.links import queries
from tasks.links.model import LinkKind, StripeLink
from tasks.links.queries import SeenSession
from tasks.links.stripe_params import ORDER_KEY, own_reference

FRESH_SECONDS = 60
"""A link is mailed on what was seen so recently; `sending` is entered within 120 seconds of that, or not at all."""

GOOD_SECONDS = 3600
"""Where nothing is mailed, what was seen so long ago does too.

Stripe refuses to expire what is not open, and an end is for good.
"""

BARE = "{order}"


@dataclass(frozen=True)
class Shown:
    """An order's sessions as lists have shown them: `fresh` can be relied on, `ids` has those to be read again too."""

    fresh: Mapping[str, StripeLink] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()
    seen_at: datetime | None = None
    """When the oldest of the fresh ones was asked for, by PostgreSQL's clock."""

    strangers: tuple[StripeLink, ...] = ()
    """Sessions that merely name the order: another system on the account may count its own things with such numbers."""

    def of_others(self, link_id: str) -> bool:
        """Return True if lists have shown more than this session; a closed payment link may be on again."""
        known = {link_id} if LinkKind.of(link_id) is LinkKind.CHECKOUT_SESSION else set()
        return bool(self.ids - known)

    def again(self) -> "Shown":
        """Return what is left of it once something was done: the sessions' ids, to be read."""
        return Shown(ids=self.ids)


class Noted(NamedTuple):
    """How many sessions were noted, and how many more are open that merely name an order."""

    sessions: int
    open_strangers: int

    def plus(self, other: "Noted") -> "Noted":
        """Count two pages together."""
        return Noted(self.sessions + other.sessions, self.open_strangers + other.open_strangers)


@dataclass(frozen=True)
class SeenSessions:
    """Reads and writes of what list calls have shown.

    `reference` is how the club's own system writes an order's id in its sessions; None: nobody has said, then a bare
    number may be it.
    """

    database: Database
    reference: str | None

    def now(self) -> datetime:
        """Return PostgreSQL's time, to be noted with what Stripe is asked next."""
        return core_queries.read_clock(self.database)

    def note(self, sessions: Iterable[StripeLink], seen_at: datetime) -> Noted:
        """Keep those that may be an order's."""
        listed = [session for session in sessions if not is_of_our_link(session)]
        noted = queries.note_seen_sessions(
            self.database,
            sessions=listed,
            order_ids=[self.order_of(session) for session in listed],
            seen_at=seen_at,
        )
        open_ones = {session.id for session in listed if session.status == "open" and not self._is_claimed(session)}
        strangers = sum(row.session_id in open_ones and not row.known for row in noted)
        return Noted(len(noted) - strangers, strangers)

    def take(self, order_id: int, *, mailing: bool) -> Shown:
        """Return what was seen of an order's sessions; what is done next makes it out of date.

        Until the ledger drops it, a later call returns their ids, to be read again.
        """
        seen = queries.take_seen_sessions(self.database, order_id=order_id, most_seconds=_most_seconds(mailing=mailing))
        return self._shown(seen)

    def look(self, order_id: int) -> Shown:
        """Return what was seen of an order's sessions, where nothing will be done about it."""
        return self.look_at([order_id], mailing=False).get(order_id, Shown())

    def look_at(self, order_ids: Sequence[int], *, mailing: bool) -> dict[int, Shown]:
        """Return what was seen of orders' sessions, by order, and leave it where it is."""
        most_seconds = _most_seconds(mailing=mailing)
        seen = queries.list_seen_sessions(self.database, order_ids=order_ids, most_seconds=most_seconds)
        return {order_id: self._shown(list(own)) for order_id, own in groupby(seen, key=lambda one: one.order_id)}

    def order_of(self, session: StripeLink) -> int | None:
        """Return the order that a session says it is for: by our metadata, else by the club system's reference."""
        said = session.metadata.get(ORDER_KEY) or own_reference(session.reference)
        if said is None and session.mode == "payment":
            said = _between(BARE if self.reference is None else self.reference, session.reference)
        return int(said) if said and said.isascii() and said.isdigit() and len(said) < 19 else None  # noqa: PLR2004  bigint

    def is_anothers(self, session: StripeLink, order_id: int) -> bool:
        """Return True if a session surely is not this order's, whichever order stores it.

        A payment link without our metadata can be used by anybody, again and again: it is nobody's, and neither is what
        was paid through it where that does not name the order.
        """
        order = self.order_of(session)
        if session.kind is LinkKind.PAYMENT_LINK or session.payment_link is not None:
            return order != order_id
        return self._is_claimed(session) and order not in {None, order_id}

    def _is_claimed(self, session: StripeLink) -> bool:
        """Return True if a session surely is what it says: our metadata, or the club's own way to name orders."""
        return ORDER_KEY in session.metadata or bool(self.reference)

    def _shown(self, seen: Sequence[SeenSession]) -> Shown:
        strangers = tuple(one.session for one in seen if not (one.known or self._is_claimed(one.session)))
        own = [one for one in seen if one.session not in strangers]
        return Shown(
            fresh={one.session.id: one.session for one in own if one.fresh},
            ids=frozenset(one.session.id for one in own),
            seen_at=min((one.seen_at for one in own if one.fresh), default=None),
            strangers=strangers,
        )


def _most_seconds(*, mailing: bool) -> int:
    return FRESH_SECONDS if mailing else GOOD_SECONDS


def is_of_our_link(session: StripeLink) -> bool:
    """Return True if it merely shows that a parent has opened a payment link of ours, and goes with that."""
    return session.payment_link is not None and ORDER_KEY in session.metadata and session.status != "complete"


def _between(template: str, reference: str | None) -> str | None:
    """Return what stands in a reference for the order's id, where it has the template's form."""
    before, _, after = template.partition("{order}")
    if not template or reference is None or len(reference) < len(before) + len(after):
        return None
    if not (reference.startswith(before) and reference.endswith(after)):
        return None
    return reference[len(before) : len(reference) - len(after)]
