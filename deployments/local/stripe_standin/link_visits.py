"""What payers do with a payment link: each visit opens a session of its own, and the link counts those completed."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.local.stripe_standin import link_objects
from deployments.local.stripe_standin.link_table import LinkTable
from deployments.local.stripe_standin.objects import Json
from deployments.local.stripe_standin.session_table import SessionTable

_USED_UP = "This payment link has been used as often as it may be."
_SWITCHED_OFF = "This payment link has been switched off."


class LinkClosedError(Exception):
    """The link opens no more sessions."""


@dataclass(frozen=True)
class LinkVisits:
    """Open sessions of links from outside the API, and say whether they can still be paid.

    A link that was switched off leaves its open sessions payable; one whose limit is reached does so only where the
    setting `two_tabs` says that. A session counts once it is complete, so a slow payment does before the money comes.
    """

    links: LinkTable
    sessions: SessionTable

    def open(self, id_: str, reference: str | None = None) -> Json:
        """Make a session as a browser does that opens the link; `reference` is the URL's client_reference_id.

        Raises KeyError for an unknown link, LinkClosedError for one that is used up or switched off.
        """
        with self.links.store.transaction():
            link = self.links.stored(id_)
            if problem := self.problem_of_link(link):
                raise LinkClosedError(problem)
            items = self.links.line_items(id_)
            session = link_objects.session_of(link, items, reference, now=self.sessions.clock.epoch())
            self.sessions.add(session, link_objects.own_items(items), link["payment_intent_data"] or {})
            return session

    def problem_of_link(self, link: Json) -> str | None:
        """Say why a link opens no session; None where it does."""
        if self.links.used_up(link["id"]):
            return _USED_UP
        return None if link["active"] else _SWITCHED_OFF

    def problem_of(self, session: Json) -> str | None:
        """Say why its link keeps an open session from being paid; None where nothing does."""
        link_id = session["payment_link"]
        if link_id is None or self.links.limits.settings.two_tabs or not self.links.used_up(link_id):
            return None
        return _USED_UP

    def completed(self, session: Json) -> None:
        """Count a session that has been completed, within the transaction that completes it."""
        if session["payment_link"]:
            self.links.count(session["payment_link"], 1)

    def payment_failed(self, session: Json) -> None:
        """Take note of a completed session whose slow payment failed, within the transaction that says so."""
        if session["payment_link"] and self.links.limits.settings.failed_frees:
            self.links.count(session["payment_link"], -1)
