"""A club of any size on real parts: PostgreSQL, the stand-in for Stripe, and a mail server that only counts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from deployments.local.postgres import embedded_postgres
from deployments.local.stripe_standin.control import StandInControl
from deployments.local.stripe_standin.launch import running_stand_in
from tasks.campaign import Campaign
from tests.integration.pipeline.harness import Inbox, Pipeline, fresh_database, open_pipeline, settings_for
from tests.integration.pipeline.test_stripe_calls import BigClub

STAGED_AT_ONCE = 20_000
HOURS_AGO = (2.0, 1.0)
"""When the sessions were made: their links live on for most of a day."""


@dataclass(frozen=True)
class Servers:
    """What a table's clubs share."""

    database_url: str
    stand_in: StandInControl
    folder: Path


@contextmanager
def servers() -> Iterator[Servers]:
    """Run PostgreSQL, with a durable commit as it comes, and the stand-in."""
    with (
        TemporaryDirectory(prefix="tournament-fees-", ignore_cleanup_errors=True) as folder,
        embedded_postgres(Path(folder) / "data", databases=("club",)) as postgres,
        running_stand_in(Path(folder) / "stripe.sqlite3") as stripe,
        StandInControl(stripe.base_url) as stand_in,
    ):
        yield Servers(postgres.url("club"), stand_in, Path(folder))


@contextmanager
def club_of(size: int, on: Servers, smtp_url: str, **settings: object) -> Iterator[BigClub]:
    """Make a club of so many families, each with a child and an order whose link lives."""
    on.stand_in.reset()
    nowhere = Inbox(smtp_url, on.folder)
    with fresh_database(on.database_url) as url:
        chosen = settings_for(url, on.stand_in, nowhere).model_copy(update={"batch_size": 50, **settings})
        with open_pipeline(chosen, on.stand_in, nowhere) as pipeline:
            club = BigClub.on(pipeline)
            orders = club.people(size)
            for start in range(0, size, STAGED_AT_ONCE):
                club.made_by_the_club(orders[start : start + STAGED_AT_ONCE], HOURS_AGO)
            club.sql("ANALYZE")
            yield club


def begin_campaign(club: BigClub, sequence: int) -> tuple[Campaign, Sequence[int]]:
    """Queue another campaign to everybody, and return it with its messages."""
    campaign = club.open_campaign(str(sequence))
    club.begin(campaign)
    rows = club.sql("SELECT id FROM tournament_fees.messages WHERE campaign_id = :id ORDER BY id", id=campaign.id)
    return campaign, [row.id for row in rows]


def through(pipeline: Pipeline, smtp_url: str) -> Pipeline:
    """Return the same pipeline with another mail server."""
    return pipeline.under(smtp_url=SecretStr(smtp_url))
