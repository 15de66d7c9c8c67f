"""The ways to mail links that are compared, and what the club does in each of them, and when."""

import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from email.message import EmailMessage
from typing import Literal
from urllib.parse import urlsplit

from tasks.campaigns.options import CampaignOptions
from tasks.refresh.options import RefreshOptions
from tests.bench.simulation.season import DAYS_TO_PAY, FIRST_DAY, FIRST_MAIL, Season
from tests.support.reminding import ZONE, remind
from tests.support.small_club import CUP

REMINDER_HOUR = 10
REFRESH_HOURS = range(7, 22, 3)
"""Fewer than the schedule has, which is hourly: that finds a payment sooner, and changes nothing of what is told."""


@dataclass(frozen=True)
class OldWay:
    """As it was before the pipeline: each order's session is made once, and mailed so long after."""

    name: str
    at_line: str
    mailed_after: timedelta

    def plan(self, season: Season) -> None:
        """Put on the agenda what the club does."""
        links: list[str] = []
        season.agenda.add(FIRST_MAIL - self.mailed_after, lambda: links.extend(_mint(season)))
        season.office(FIRST_MAIL, lambda: _mail(season, links))


@dataclass(frozen=True)
class PipelineWay:
    """A campaign, refreshes by day, and reminders or not."""

    name: str
    at_line: str
    link_kind: Literal["checkout_session", "payment_link"]
    reminders: bool

    def plan(self, season: Season) -> None:
        """Put on the agenda what the club does."""
        options, refresh = CampaignOptions(link_kind=self.link_kind), RefreshOptions(link_kind=self.link_kind)
        season.office(FIRST_MAIL, lambda: season.club.pipeline.run(CUP, options=options))
        for day in range(DAYS_TO_PAY + 5):
            for hour in (hour for hour in REFRESH_HOURS if day or hour > FIRST_MAIL.hour):
                season.office(_at(day, hour, 5), lambda: season.club.refresh(refresh))
            if self.reminders and day:
                season.office(_at(day, REMINDER_HOUR), lambda: remind(season.club))


Way = OldWay | PipelineWay
WAYS: Sequence[Way] = (
    OldWay("Made once, mailed three days later", "made once, mailed 3 days later", timedelta(days=3)),
    OldWay("Made once, mailed the next morning", "made once, mailed next morning", timedelta(hours=16)),
    OldWay("Made once, mailed at once", "made once, mailed at once", timedelta()),
    PipelineWay("Sessions, checked before sending", "sessions", "checkout_session", reminders=False),
    PipelineWay("Sessions, with reminders", "sessions, reminders", "checkout_session", reminders=True),
    PipelineWay("Payment links", "payment links", "payment_link", reminders=False),
    PipelineWay("Payment links, with reminders", "payment links, reminders", "payment_link", reminders=True),
)


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(FIRST_DAY + timedelta(days=day), time(hour, minute), ZONE)


def _mint(season: Season) -> list[str]:
    """Make a session an order, and store it."""
    for order in season.orders.values():
        season.club.own_session(order)
    return [season.club.order_now(order).stripe_checkout_url for order in season.orders.values()]


def _mail(season: Season, links: Sequence[str]) -> None:
    """Mail each parent the link that was stored, without another look at it."""
    server = urlsplit(season.club.pipeline.inbox.url)
    with smtplib.SMTP(server.hostname or "", server.port or 0) as smtp:
        for parent, link in zip(season.parents, links, strict=True):
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = "fees@example.org", parent.address, f"{CUP}: your fee"
            message.set_content(f"Please pay here:\n\n{link}\n")
            message.add_alternative(f'<p><a href="{link}">Please pay here</a></p>', subtype="html")
            smtp.send_message(message)
