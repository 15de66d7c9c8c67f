"""Learns what Stripe says about many payment links by few calls: its list knows no times, and a link not who paid."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.links.ledger import LinkLedger
from tasks.links.model import StripeLink
from tasks.links.seen_sessions import Noted, SeenSessions
from tasks.links.stripe_api import NotAllowedError, StripeLinks

MADE_AT_ONCE = 30
"""So many links that others of ours were made beside may stand out of their order in Stripe's list."""

READ_ONE_BY_ONE = 2
"""So few links are read by whoever needs them, with the sessions of each."""


@dataclass(frozen=True)
class PaymentLinkLists:
    """List calls for payment links; a link is noted where nothing was completed through it."""

    stripe: StripeLinks
    seen_sessions: SeenSessions
    ledger: LinkLedger

    def note_all(self, seen_at: datetime) -> Noted:
        """List the account's active links: one that the ledger has forgotten, or that is on again, is found so.

        A key that may not read payment links has made none.
        """
        noted, after = Noted(0, 0), None
        while True:
            try:
                page = self.stripe.payment_links.page(active=True, after=after)
            except NotAllowedError:
                if self.ledger.link_before(None):
                    raise
                return noted
            noted = noted.plus(self._note(page.sessions, seen_at))
            if not page.more or not page.sessions:
                return noted
            after = page.sessions[-1].id

    def look_for(self, link_ids: Sequence[str], completed: Iterable[Noted]) -> Iterator[str]:
        """Note these links, given newest first, where that costs less than to read each; yield those that were noted.

        What was paid through them is learnt first: by `completed`, a page a call of all that was completed in the
        account, or link by link where that has as many pages as there are links. Links of one batch were made at about
        the same time and stand together in the list, so a page shows many. At most four calls a link.
        """
        if len(link_ids) <= READ_ONE_BY_ONE:
            return
        seen_at = self.seen_sessions.now()
        if not _ends_within(len(link_ids), completed):
            for link_id in link_ids:
                paid = self.stripe.sessions.all_of(payment_link=link_id, status="complete")
                self.seen_sessions.note(paid, self.seen_sessions.now())
        yield from self._page_by_page(list(link_ids), seen_at)

    def _page_by_page(self, left: list[str], seen_at: datetime) -> Iterator[str]:
        """Ask for the page on which the newest stands, go on from there, and jump over stretches without any."""
        after, dry = self.ledger.link_after(left[0], beyond=MADE_AT_ONCE), 0
        while left and dry <= len(left):
            page = self.stripe.payment_links.page_after(after)
            self._note(page.sessions, seen_at)
            noted = {link.id for link in page.sessions if _is_untouched(link)} & set(left)
            yield from noted
            left = [link_id for link_id in left if link_id not in noted]
            if not page.more or not left:
                return
            after = page.sessions[-1].id
            if not noted:
                dry, left = dry + 1, left[1:]
                after = self.ledger.link_after(left[0], beyond=MADE_AT_ONCE) if left else None

    def _note(self, links: Iterable[StripeLink], seen_at: datetime) -> Noted:
        return self.seen_sessions.note([link for link in links if _is_untouched(link)], seen_at)


def _is_untouched(link: StripeLink) -> bool:
    """Return True if it can be paid and nobody has: what else there may be to it, its sessions tell."""
    return link.url is not None and not link.completions


def _ends_within(most: int, pages: Iterable[Noted]) -> bool:
    """Ask for pages until there is none, or there were too many."""
    return all(number < most for number, _ in enumerate(pages, start=1))
