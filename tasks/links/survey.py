"""Learns what Stripe says about many sessions by list calls, a hundred each, and notes it for whoever acts on it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tasks.links.hunt import Hunt, Seen
from tasks.links.sightings import FRESH_SECONDS, GOOD_SECONDS, Noted, Sightings
from tasks.links.stripe_api import Page, StripeSessions

LONGEST_LIFE = timedelta(hours=24)
"""A session completes within this long of its creation, or never."""

FIRST_SWEEP = timedelta(days=30)
"""How far back the very first sweep looks for payments that nobody knows of."""

CLOCK_MARGIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Survey:
    """List calls over an account; what they show is kept page by page, so memory does not grow with the account."""

    stripe: StripeSessions
    sightings: Sightings
    account: str
    clock: Callable[[], datetime]

    def sweep(self) -> Noted:
        """List all open sessions, and all completed since the last sweep; return what is noted of orders.

        Open ones first: one that is paid meanwhile is among the completed. A page for each hundred of the account's
        open sessions, and of those completed since, whoever made them.
        """
        began = self.clock()
        self.sightings.database.fetch("forget_sightings")
        swept = self.sightings.database.fetch("swept_at", account=self.account)
        since = (swept[0].swept_at if swept else began - FIRST_SWEEP) - LONGEST_LIFE - CLOCK_MARGIN
        noted = self._all(status="open").plus(self._all(status="complete", since=since))
        self.sightings.database.fetch("record_sweep", account=self.account, now=began)
        return noted

    def look_for(self, order_ids: Sequence[int], *, mailing: bool) -> None:
        """Find the sessions of these orders that are not known, where pages cost less than reads."""
        for _ in self.in_turn(order_ids, mailing=mailing):
            pass

    def in_turn(self, order_ids: Sequence[int], *, mailing: bool) -> Iterator[int]:
        """Yield these orders, each as soon as a page has shown its sessions: so the next page is asked for meanwhile.

        What was seen a while ago is known well enough, unless a link is about to be mailed. What no page has shown
        comes last, to be read by whoever needs it; the hunt says what this costs at most.
        """
        rows = self.sightings.database.fetch(
            "sessions_to_verify",
            order_ids=list(order_ids),
            most_seconds=FRESH_SECONDS if mailing else GOOD_SECONDS,
        )
        hunt = Hunt.of({row.session_id: row.created for row in rows})
        wanted = {row.session_id: row.order_ids for row in rows}
        missing = Counter(order_id for row in rows for order_id in row.order_ids)
        yield from (order_id for order_id in order_ids if order_id not in missing)
        while (want := hunt.next()) is not None:
            page = self._page(until=want.until, after=want.after)
            hunt.saw([Seen(session.id, session.created) for session in page.sessions], more=page.more)
            for order_id in (order_id for session in page.sessions for order_id in wanted.pop(session.id, ())):
                missing[order_id] -= 1
                if not missing[order_id]:
                    yield order_id
        yield from (order_id for order_id, sessions in missing.items() if sessions)

    def _all(self, *, status: str, since: datetime | None = None) -> Noted:
        noted, after = Noted(0, 0), None
        while True:
            seen_at = self.sightings.now()
            page = self.stripe.page(status=status, since=since, after=after)
            noted = noted.plus(self.sightings.note(page.sessions, seen_at))
            if not page.more or not page.sessions:
                return noted
            after = page.sessions[-1].id

    def _page(self, *, until: datetime | None, after: str | None) -> Page:
        seen_at = self.sightings.now()
        page = self.stripe.page(until=until, after=after)
        self.sightings.note(page.sessions, seen_at)
        return page
