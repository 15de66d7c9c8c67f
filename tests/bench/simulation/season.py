"""Three weeks of one club on simulated time: mail comes in, parents open it, click its link, and pay or not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from tasks.links.stripe_params import ORDER_KEY
from tests.bench.simulation.agenda import Agenda
from tests.bench.simulation.browser import Browser, Page
from tests.bench.simulation.parents import Opening, Parent
from tests.support.harness import links_in
from tests.support.link_club import LinkClub
from tests.support.reminding import ZONE

FIRST_DAY = date(2030, 1, 8)
"""A Tuesday, of whichever year the computer has: no clock is changed in the weeks after it."""

FIRST_MAIL = datetime.combine(FIRST_DAY, time(9), ZONE)
DAYS_TO_PAY = 21
DEADLINE = datetime.combine(FIRST_DAY + timedelta(days=DAYS_TO_PAY + 1), time(), ZONE)
"""The first moment at which it is over."""

END = DEADLINE + timedelta(days=4)
"""By then the slow payments have come in."""

SLOW = timedelta(days=3)


@dataclass(frozen=True)
class Click:
    """A parent followed the link of a mail."""

    parent: int
    at: datetime
    saw: Page
    owed: bool
    """Whether nobody had paid for the child before."""


@dataclass(frozen=True)
class Mail:
    """A mail came to a parent."""

    parent: int
    at: datetime
    owed: bool


@dataclass
class Reader:
    """Somebody who reads a mailbox: at each visit the newest mail that he has not opened, until he has paid."""

    openings: tuple[Opening, ...]
    unread: list[tuple[str, Opening]] = field(default_factory=list)
    has_paid: bool = False


@dataclass
class Season:
    """The club, its parents' mailboxes and browser, and what is noted of them, apart from what the pipeline notes."""

    club: LinkClub
    parents: tuple[Parent, ...]
    browser: Browser
    agenda: Agenda = field(default_factory=Agenda)
    orders: dict[int, int] = field(default_factory=dict)
    """Of each parent."""

    readers: dict[int, list[Reader]] = field(default_factory=dict)
    clicks: list[Click] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    paid: dict[int, datetime] = field(default_factory=dict)
    """Since when a parent has paid; a slow payment counts from its beginning."""

    def __post_init__(self) -> None:
        for parent in self.parents:
            (self.orders[parent.number],) = self.club.family(f"Family{parent.number}", parent.address)
            self.readers[parent.number] = [Reader(openings) for openings in parent.readers]

    def office(self, at: datetime, work: Callable[[], object]) -> None:
        """Put on the agenda what the club does; what it mails then has come at that moment."""
        self.agenda.add(at, lambda: self._mailing(at, work))

    def run(self, progress: Callable[[datetime], object]) -> None:
        """Let it all happen."""
        for at, work in self.agenda.until(END):
            pipeline = self.club.pipeline
            pipeline.much_later(max(timedelta(), at - pipeline.clock()))
            work()
            progress(at)

    def _mailing(self, at: datetime, work: Callable[[], object]) -> None:
        inbox = self.club.pipeline.inbox.from_now_on()
        work()
        numbers = {parent.address: parent.number for parent in self.parents}
        for message in inbox.messages():
            (link,) = links_in(message)
            self._mail_comes(numbers[str(message["X-Envelope-To"])], link, at)

    def _mail_comes(self, parent: int, link: str, at: datetime) -> None:
        before = sum(mail.parent == parent for mail in self.mails)
        self.mails.append(Mail(parent, at, owed=parent not in self.paid))
        for reader in self.readers[parent]:
            opening = reader.openings[before]
            reader.unread.append((link, opening))
            when = at + opening.after
            if when < DEADLINE:
                self.agenda.add(when, lambda reader=reader, when=when: self._visit(parent, reader, when))  # type: ignore[misc] # bound now

    def _visit(self, parent: int, reader: Reader, at: datetime) -> None:
        if reader.has_paid:
            return
        link, opening = reader.unread.pop()
        saw = self.browser.open(link)
        self.clicks.append(Click(parent, at, saw, owed=parent not in self.paid))
        if saw is Page.TO_PAY and opening.pays:
            session = self.browser.pay(slowly=opening.slowly)
            reader.has_paid = True
            self.paid.setdefault(parent, at)
            if opening.slowly:
                self.agenda.add(at + SLOW, lambda: self.club.pipeline.stand_in.settle(session))

    def at_stripe(self) -> dict[int, list[dict[str, Any]]]:
        """Stripe's sessions, by order."""
        found: dict[int, list[dict[str, Any]]] = {}
        for session in self.club.pipeline.stand_in.sessions():
            order = session["metadata"].get(ORDER_KEY) or session["client_reference_id"].removeprefix("order-")
            found.setdefault(int(order), []).append(session)
        return found
