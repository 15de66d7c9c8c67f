"""Links of one Stripe account, of either kind: a link's id or its request tells which."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tasks.links.model import PAYMENT_LINK_PREFIX, LinkKind, StripeLink
from tasks.links.stripe_api.calls import Calls, NotAllowedError, NotOpenError, UnknownSessionError
from tasks.links.stripe_api.payment_links import PaymentLinks
from tasks.links.stripe_api.rate_limit import StripeRateLimit
from tasks.links.stripe_api.sessions import Sessions


class StripeLinks:
    """Makes, reads and closes them."""

    def __init__(self, api_key: str, base: str, rate_limit: StripeRateLimit) -> None:
        self._calls = Calls(api_key, base, rate_limit)
        self.sessions = Sessions(self._calls)
        self.payment_links = PaymentLinks(self._calls, self.sessions)

    def check(self) -> None:
        """Raise unless Stripe answers to this key."""
        self.clock()

    def clock(self) -> datetime | None:
        """Return Stripe's time, as its answers are dated; None where they are not."""
        with self._calls.classed():
            answer = self._calls.client.v1.checkout.sessions.list({"limit": 1}).last_response
        headers = getattr(answer, "headers", None) or {}
        return parsedate_to_datetime(headers["date"]) if "date" in headers else None

    def check_may_write(self) -> None:
        """Raise a ConfigurationError unless the key may make and close sessions; nothing is made or closed.

        Stripe looks at a key's permissions before it looks for the session, and there is none of this name.
        """
        with suppress(UnknownSessionError, NotOpenError):
            self.sessions.expire("cs_test_of_nobody")

    def why_no_payment_links(self) -> str:
        """Say why this key makes no payment links, or nothing where it may; nothing is made or changed."""
        try:
            with suppress(UnknownSessionError), self._calls.classed():
                self._calls.client.v1.payment_links.update(f"{PAYMENT_LINK_PREFIX}of_nobody", {"active": False})
            self.payment_links.page(active=True)
        except NotAllowedError as error:
            return str(error)
        return ""

    def create(self, request: Mapping[str, Any], idempotency_key: str) -> StripeLink:
        """Make a link, or get again the one that this key made within the last 24 hours, as it was then.

        Raises RefusedError where Stripe is known to have made none, LostReplyError where nobody knows, and
        ServerFailedError where the same key will go on giving the same failure although one may exist.
        """
        kind = self.sessions if "mode" in request else self.payment_links
        return kind.create(request, idempotency_key)

    def find(self, link_id: str) -> tuple[StripeLink, ...]:
        """Read a session, or a payment link and those of its sessions that were completed.

        Raises UnknownSessionError.
        """
        if LinkKind.of(link_id) is LinkKind.PAYMENT_LINK:
            return self.payment_links.find(link_id)
        return (self.sessions.retrieve(link_id),)

    def expire(self, link: StripeLink) -> StripeLink:
        """Let nobody pay through an open link any more; raises NotOpenError where that may have just happened."""
        if link.kind is LinkKind.PAYMENT_LINK:
            return self.payment_links.switch_off(link)
        return self.sessions.expire(link.id)
