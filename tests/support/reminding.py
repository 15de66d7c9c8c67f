"""A club whose parents are reminded, on a clock that can be moved to any hour of its day."""

from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from tasks.campaigns.batches import plan_batches
from tasks.campaigns.options import Campaign
from tasks.campaigns.reminders import ReminderOptions, open_reminders, tournaments_to_remind
from tasks.campaigns.summary import Summary, summarize
from tasks.delivery.deliver_batch import deliver_batch
from tasks.refresh.sweep import sweep
from tests.support.harness import Pipeline
from tests.support.small_club import SmallClub

ZONE = ZoneInfo("America/Denver")


def club_in_denver(pipeline: Pipeline, hour: int = 12) -> SmallClub:
    """A small club whose tournament is 30 days away and payable for 20, at this hour of its day."""
    club = SmallClub.on(pipeline)
    go_to(club, hour)
    set_days(club, deadline=20, event=30)
    club.sql("UPDATE tournaments SET time_zone = 'America/Denver'")
    return club


def local_time(club: SmallClub) -> datetime:
    return club.pipeline.clock().astimezone(ZONE)


def go_to(club: SmallClub, hour: int, days: int = 0) -> None:
    """Let time pass until this hour of the club's day comes, and then so many days."""
    now = local_time(club)
    then = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    while then <= now:
        then = (then.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=ZONE)
    then = (then.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=ZONE)
    club.pipeline.later(timedelta(seconds=then.timestamp() - now.timestamp()))


def set_days(club: SmallClub, *, deadline: int | None, event: int | None, tournament: int = 1) -> None:
    """Say in how many days the tournament's last day to pay, and the tournament itself, are."""
    today = local_time(club).date()
    days = [None if days is None else today + timedelta(days=days) for days in (deadline, event)]
    club.sql(
        "UPDATE tournaments SET payment_deadline = :deadline, event_date = :event WHERE id = :id",
        deadline=days[0],
        event=days[1],
        id=tournament,
    )


def second_tournament(club: SmallClub, name: str = "Fall Cup") -> None:
    """Let the team play in another tournament too, at another fee."""
    club.sql("INSERT INTO products (id, name, amount) VALUES (2, 'Fall entry', 4000)")
    club.sql("INSERT INTO tournaments (id, name, time_zone) VALUES (2, :name, 'America/Denver')", name=name)
    club.sql("INSERT INTO tournament_products VALUES (2, 1, 2)")
    set_days(club, deadline=20, event=30, tournament=2)


def order_fall_cup(club: SmallClub) -> None:
    """Make every player's order for the second tournament."""
    club.sql("INSERT INTO orders (player_id, product_id, amount) SELECT id, 2, 4000 FROM players")


def opened(club: SmallClub, tournament: int = 1, **options: object) -> Campaign | None:
    return open_reminders(club.pipeline.services, tournament, ReminderOptions.model_validate(options))


def remind(club: SmallClub, **options: object) -> list[Summary]:
    """Send reminders as the flow remind-unpaid does; what is said of those tournaments that had somebody to remind."""
    services, run_id = club.pipeline.services, uuid4()
    chosen = ReminderOptions.model_validate(options)
    summaries = []
    for tournament in tournaments_to_remind(services, chosen):
        campaign = open_reminders(services, tournament.id, chosen)
        if campaign is not None:
            sweep(services, campaign)
            for batch in plan_batches(services, campaign, chosen.at_most):
                deliver_batch(services, campaign, batch, run_id)
            summaries.append(summarize(services, campaign, run_id))
    return summaries


def reminded(club: SmallClub, **options: object) -> int:
    """Send reminders, and count them."""
    return sum(summary.sent for summary in remind(club, **options))
