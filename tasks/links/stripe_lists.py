"""Learns what Stripe says about many sessions by list calls, a hundred each, and notes it for whoever acts on it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce

from tasks.links import queries
from tasks.links.list_search import ListSearch, Seen
from tasks.links.model import LinkKind
from tasks.links.payment_link_lists import PaymentLinkLists
from tasks.links.queries import SessionToVerify
from tasks.links.seen_sessions import FRESH_SECONDS, GOOD_SECONDS, Noted, SeenSessions
from tasks.links.stripe_api import StripeLinks

LONGEST_LIFE = timedelta(hours=24)
"""A session completes within this long of its creation, or never."""

FIRST_SWEEP = timedelta(days=30)
"""How far back the very first sweep looks for payments that nobody knows of."""

CLOCK_MARGIN = timedelta(minutes=10)

LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""When a payment link was made that the ledger does not know: its like have no date at Stripe."""


@dataclass(frozen=True)
class StripeLists:
    """List calls over an account; what they show is kept page by page, so memory does not grow with the account."""

    stripe: StripeLinks
    seen_sessions: SeenSessions
    links: PaymentLinkLists
    account: str
    clock: Callable[[], datetime]

    def sweep(self) -> Noted:
        """List all open sessions, and all completed since the last sweep; return what is noted of orders.

        Open ones first: one that is paid meanwhile is among the completed. A page for each hundred of the account's
        open sessions, of those completed since, and of its active payment links, whoever made them. A link is noted as
        of when the completed ones were begun with, since it may have been paid through since.
        """
        began = self.clock()
        with self.seen_sessions.database.transaction() as connection:
            queries.forget_seen_sessions(connection)
        noted = reduce(Noted.plus, self._pages(status="open"))
        seen_at = self.seen_sessions.now()
        noted = reduce(Noted.plus, self._completed(began), noted)
        queries.record_sweep(self.seen_sessions.database, account=self.account, now=began)
        return noted.plus(self.links.note_all(seen_at))

    def _completed(self, now: datetime) -> Iterator[Noted]:
        """List what was completed since the last sweep, and yield what each page has noted."""
        swept_at = queries.find_sweep(self.seen_sessions.database, account=self.account)
        since = (swept_at or now - FIRST_SWEEP) - LONGEST_LIFE - CLOCK_MARGIN
        yield from self._pages(status="complete", since=since)

    def look_for(self, order_ids: Sequence[int], *, mailing: bool) -> None:
        """Find the sessions of these orders that are not known, where pages cost less than reads."""
        for _ in self.in_turn(order_ids, mailing=mailing):
            pass

    def in_turn(self, order_ids: Sequence[int], *, mailing: bool) -> Iterator[int]:
        """Yield these orders, each as soon as a page has shown its sessions: so the next page is asked for meanwhile.

        What was seen a while ago is known well enough, unless a link is about to be mailed. What no page has shown
        comes last, to be read by whoever needs it; `ListSearch` says what this costs at most.
        """
        rows = queries.list_sessions_to_verify(
            self.seen_sessions.database,
            order_ids=order_ids,
            most_seconds=FRESH_SECONDS if mailing else GOOD_SECONDS,
        )
        missing = Counter(order_id for row in rows for order_id in row.order_ids)
        yield from (order_id for order_id in order_ids if order_id not in missing)
        wanted = {row.session_id: row.order_ids for row in rows}
        for session_id in self._shown(rows):
            for order_id in wanted.pop(session_id, ()):
                missing[order_id] -= 1
                if not missing[order_id]:
                    yield order_id
        yield from (order_id for order_id, sessions in missing.items() if sessions)

    def _shown(self, rows: Sequence[SessionToVerify]) -> Iterator[str]:
        """Yield the ids of what lists have shown: sessions that a page had, and payment links."""
        links = [row for row in rows if LinkKind.of(row.session_id) is LinkKind.PAYMENT_LINK]
        by_age = sorted(links, key=lambda row: row.created or LONG_AGO, reverse=True)
        yield from self.links.look_for([row.session_id for row in by_age], self._completed(self.clock()))
        sessions = {row.session_id: row.created for row in rows}
        search = ListSearch.of(
            {session_id: sessions[session_id] for session_id in sessions.keys() - {row.session_id for row in links}}
        )
        while (want := search.next()) is not None:
            seen_at = self.seen_sessions.now()
            page = self.stripe.sessions.page(until=want.until, after=want.after)
            self.seen_sessions.note(page.sessions, seen_at)
            search.saw(
                [Seen(session.id, session.created) for session in page.sessions if session.created], more=page.more
            )
            yield from (session.id for session in page.sessions)

    def _pages(self, *, status: str, since: datetime | None = None) -> Iterator[Noted]:
        """Ask for page after page, and yield what each has noted."""
        after = None
        while True:
            seen_at = self.seen_sessions.now()
            page = self.stripe.sessions.page(status=status, since=since, after=after)
            yield self.seen_sessions.note(page.sessions, seen_at)
            if not page.more or not page.sessions:
                return
            after = page.sessions[-1].id
