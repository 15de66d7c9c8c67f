"""Learns what Stripe says about many sessions by list calls, a hundred each, and notes it for whoever acts on it."""

from collections.abc import Callable, Sequence
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

    def look_for(self, order_ids: Sequence[int], *, mailing: bool) -> int:
        """Find the sessions of these orders that are not known, where pages cost less than reads; return how many are.

        What was seen a while ago is known well enough, unless a link is about to be mailed.

        What is not found is read by whoever needs it. The hunt says what this costs at most.
        """
        rows = self.sightings.database.fetch(
            "sessions_to_verify",
            order_ids=list(order_ids),
            most_seconds=FRESH_SECONDS if mailing else GOOD_SECONDS,
        )
        hunt = Hunt.of({row.session_id: row.created for row in rows})
        wanted = hunt.left
        while (want := hunt.next()) is not None:
            page = self._page(until=want.until, after=want.after)
            hunt.saw([Seen(session.id, session.created) for session in page.sessions], more=page.more)
        return wanted - hunt.left

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
