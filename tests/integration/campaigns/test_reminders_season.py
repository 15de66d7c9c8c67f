"""A month of reminders, day by day, while parents pay and the club changes its mind: the limits hold at every mail."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

import pytest

from tasks.core.email_address import mailbox_of, parse_address
from tests.support.harness import Pipeline, links_in
from tests.support.reminding import (
    ZONE,
    club_in_denver,
    local_time,
    order_fall_cup,
    remind,
    second_tournament,
    set_days,
)
from tests.support.small_club import CUP, SmallClub

DAYS = 30
HOURS = [2, 7, 8, 9, 10, 12, 14, 16, 18, 19, 20, 23]
GAP, MOST, PROMISED = timedelta(hours=48), 3, timedelta(hours=12)
MORNING, EVENING = time(8), time(20)
FAMILIES = {
    "Abbott": ("karen.abbott@example.com", 1),
    "Barrera": ("luis@example.org", 2),
    "Ek": ("Jo.Ek@gmail.com", 1),
    "EK ": ("joek+hoops@googlemail.com", 1),
    "Berg": ("team.mailbox@example.com", 1),
    "Lund": ("Team.Mailbox@example.com", 1),
    "Castell": ("mina.castell@example.org", 1),
    "Draper": ("noel.draper@example.com", 2),
}


@dataclass(frozen=True)
class Mail:
    """A mail as its parent got it."""

    at: datetime
    mailbox: str
    greeting: str
    reminder: bool
    tournament: str
    links: tuple[str, ...]


@dataclass
class Season:
    """The club, what happens to it, and what its parents got: kept beside the pipeline, to judge it by."""

    club: SmallClub
    dice: Random
    began: date
    mails: list[Mail] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)
    suppressed: set[str] = field(default_factory=set)
    waited: Counter[str] = field(default_factory=Counter)
    payable: list[dict[str, Any]] = field(default_factory=list)

    def now(self) -> datetime:
        return self.club.pipeline.clock()

    def until(self, day: int, at: time) -> None:
        """Let time pass until this time of a day of the season."""
        then = datetime.combine(self.began + timedelta(days=day), at, ZONE)
        self.club.pipeline.later(timedelta(seconds=then.timestamp() - self.now().timestamp()))

    def watch(self, work: Callable[[], object]) -> None:
        """Do something, and judge every mail that came of it."""
        seen = len(self.club.pipeline.inbox.messages())
        before = self.now()
        work()
        self.payable = self.club.pipeline.stand_in.sessions()
        for message in self.club.pipeline.inbox.messages()[seen:]:
            address = parse_address(str(message["X-Envelope-To"]))
            assert address is not None
            subject = str(message["Subject"])
            body = message.get_body(("plain",))
            assert body is not None
            mail = Mail(
                before,
                mailbox_of(address),
                body.get_content().split(",")[0],
                subject.startswith("Reminder"),
                "Fall Cup" if "Fall Cup" in subject else CUP,
                tuple(links_in(message)),
            )
            self.judge(mail)
            self.mails.append(mail)
        for row in self.club.sql("SELECT reason FROM tournament_fees.messages WHERE status = 'queued'"):
            self.waited[row.reason] += 1

    def session(self, link: str) -> dict[str, Any]:
        (session,) = [one for one in self.payable if one["id"] in link]
        return session

    def judge(self, mail: Mail) -> None:
        """Assert what no mail may break."""
        assert mail.links
        orders = {int(self.session(link)["client_reference_id"].removeprefix("order-")) for link in mail.links}
        assert not orders & self.settled, "nobody is asked for what they do not owe"
        assert mail.mailbox not in self.suppressed
        for link in mail.links:
            assert self.session(link)["url"] == link, "it can be paid through"
            assert self.session(link)["expires_at"] >= (mail.at + PROMISED).timestamp()
        if mail.reminder:
            self.judge_reminder(mail)

    def judge_reminder(self, mail: Mail) -> None:
        """Assert what no reminder may break."""
        local = mail.at.astimezone(ZONE)
        assert MORNING <= local.time() < EVENING, "nobody is reminded at night"
        assert not [m for m in self.mails if m.mailbox == mail.mailbox and m.at > mail.at - GAP]
        own = (mail.mailbox, mail.greeting.casefold(), mail.tournament)
        before = [m for m in self.mails if m.reminder and (m.mailbox, m.greeting.casefold(), m.tournament) == own]
        assert len(before) < MOST
        deadline = self.club.one("SELECT payment_deadline FROM tournaments WHERE name = :name", name=mail.tournament)
        assert local.date() <= deadline

    def judge_links(self) -> None:
        """Assert that who was mailed within the promised hours, and owes, can pay now by a link from a mail."""
        self.payable = self.club.pipeline.stand_in.sessions()
        live = {one["url"]: one["client_reference_id"] for one in self.payable if one["status"] == "open"}
        mailed = {live[link] for mail in self.mails for link in mail.links if link in live}
        promised = [mail for mail in self.mails if mail.at + PROMISED > self.now()]
        for link in (link for mail in promised for link in mail.links):
            reference = self.session(link)["client_reference_id"]
            order = int(reference.removeprefix("order-"))
            assert order in self.settled or reference in mailed

    def something_happens(self) -> None:
        """Let a parent or the club do something, or nothing."""
        owed = [row.id for row in self.club.sql("SELECT id FROM orders WHERE status = 'pending' ORDER BY id")]
        unsettled = sorted(set(owed) - self.settled)
        if not unsettled or self.dice.random() < 0.8:
            return
        order = self.dice.choice(unsettled)
        self.dice.choice(
            [self.pays, self.pays, self.pays_in_cash, self.cancels, self.withdraws, self.asks_for_no_more]
        )(order)

    def pays(self, order: int) -> None:
        """Pay by the mailed link, if it lives; the club's system hears nothing of it."""
        live = self.club.payable(order)
        if live:
            self.club.pipeline.stand_in.pay(live[0])
            self.settled.add(order)

    def pays_in_cash(self, order: int) -> None:
        self.club.set_order(order, status="paid", payment_method="cash")
        self.settled.add(order)

    def cancels(self, order: int) -> None:
        self.club.set_order(order, status="cancelled")
        self.settled.add(order)

    def withdraws(self, order: int) -> None:
        player = self.club.one("SELECT player_id FROM orders WHERE id = :id", id=order)
        self.club.sql("UPDATE player_teams SET commitment = 'withdrawn' WHERE player_id = :id", id=player)
        self.settled |= {r.id for r in self.club.sql("SELECT id FROM orders WHERE player_id = :id", id=player)}

    def asks_for_no_more(self, order: int) -> None:
        email = self.club.one(
            "SELECT email FROM parents JOIN players ON parent_id = parents.id JOIN orders ON player_id = players.id"
            " WHERE orders.id = :id",
            id=order,
        )
        address = parse_address(email)
        assert address is not None
        mailbox = mailbox_of(address)
        self.club.sql(
            "INSERT INTO tournament_fees.suppressions (mailbox, address, reason, source, since, by_whom)"
            " VALUES (:mailbox, :mailbox, 'asked', 'hand', now(), 'Ann') ON CONFLICT DO NOTHING",
            mailbox=mailbox,
        )
        self.suppressed.add(mailbox)

    def forgotten(self) -> list[int]:
        """Orders that were owed to the end, by parents who may be mailed, and of which no reminder spoke."""
        spoken = {
            self.session(link)["client_reference_id"] for mail in self.mails if mail.reminder for link in mail.links
        }
        owed = self.club.sql(
            "SELECT orders.id, email FROM orders JOIN players ON player_id = players.id"
            " JOIN parents ON parent_id = parents.id WHERE status = 'pending' ORDER BY orders.id"
        )
        mailable = {row.id for row in owed if mailbox_of(parse_address(row.email)) not in self.suppressed}  # type: ignore[arg-type] # all are addresses
        return sorted(order for order in mailable - self.settled if f"order-{order}" not in spoken)


def season_of(pipeline: Pipeline, seed: int) -> Season:
    """A club of two tournaments, under a sending limit that no morning's reminders fit into."""
    club = club_in_denver(pipeline.under(send_limit_per_hour=4), hour=9)
    second_tournament(club)
    for surname, (email, children) in FAMILIES.items():
        club.family(surname, email, children)
    order_fall_cup(club)
    set_days(club, deadline=24, event=28)
    set_days(club, deadline=17, event=None, tournament=2)
    return Season(club, Random(seed), local_time(club).date())  # noqa: S311  dice


@pytest.mark.only_long
@pytest.mark.parametrize("seed", range(1, 10))
def test_a_month_of_reminders_stays_within_its_limits(small_club: Pipeline, seed: int) -> None:
    season = season_of(small_club, seed)
    club = season.club
    for day in range(DAYS):
        hours = sorted(season.dice.sample(HOURS, 3)) if day else [10, 14, 18]
        for hour in hours:
            season.until(day, time(hour, season.dice.randrange(60)))
            season.something_happens()
            season.judge_links()
            if day == 0:
                season.watch(lambda: club.pipeline.run(CUP))
            if day == 3 and hour == hours[0]:
                season.watch(lambda: club.pipeline.run("Fall Cup"))
            at_night = not MORNING <= time(hour) < EVENING
            tries = at_night or season.dice.random() < 0.7  # at night always: that is when nothing may come of it
            season.watch(lambda: remind(club) if tries else club.pipeline.retry())  # noqa: B023  called here
    reminders = [mail for mail in season.mails if mail.reminder]
    each = Counter((mail.mailbox, mail.greeting.casefold(), mail.tournament) for mail in reminders)
    assert max(each.values()) == MOST, "somebody was reminded as often as may be"
    assert season.forgotten() == [], "who owed to the end was reminded"
    assert season.waited["quiet_hours"], "something waited for a morning"
    assert season.waited["quota"], "something waited for the sending limit"
    assert season.settled, "somebody settled something meanwhile"
