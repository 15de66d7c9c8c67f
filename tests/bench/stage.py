"""A club of thousands on real parts, whose campaign is ready to be delivered into any mail server."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deployments.local.postgres import PostgresServer, embedded_postgres
from deployments.local.stripe_standin.launch import running_stand_in
from deployments.local.temporary_home import temporary_home
from tasks.campaigns.batches import plan_batches
from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import Batch, Campaign, CampaignOptions
from tasks.refresh.sweep import sweep
from tests.support.big_club import BigClub
from tests.support.harness import Inbox, open_pipeline, settings_for
from tests.support.small_club import CUP

NO_MAIL = Inbox("smtp://127.0.0.1:1", Path())
"""Nobody listens there: each measurement says where its mail goes."""

MOST = 100_000
"""Messages that a run may send: no brake for a benchmark."""


@dataclass(frozen=True)
class Stage:
    """The club, and what it runs on."""

    club: BigClub
    postgres: PostgresServer
    _sequence: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def given(self, mail_port: int, **more: str) -> dict[str, str]:
        """Return the settings of a worker that mails to this port."""
        return {**self.club.pipeline.environment, "SMTP_URL": f"smtp://127.0.0.1:{mail_port}", **more}

    def new_campaign(self) -> tuple[Campaign, list[Batch]]:
        """Queue a notice to everybody; all links were looked at a moment ago."""
        services = self.club.pipeline.services
        self.club.sql("DELETE FROM tournament_fees.campaigns WHERE state <> 'sending'")
        campaign = open_campaign(services, CUP, "fee_notice", CampaignOptions(sequence=next(self._sequence)))
        batches = plan_batches(services, campaign, MOST)
        sweep(services, campaign)
        return campaign, batches

    def database_cpu(self) -> float:
        """Return the processor seconds that PostgreSQL has taken so far."""
        server = psutil.Process(self.postgres.pid)
        spent = server.cpu_times()
        total = spent.user + spent.system + spent.children_user + spent.children_system
        for child in server.children():
            with suppress(psutil.NoSuchProcess):  # it has just ended, and counts among the server's next time
                times = child.cpu_times()
                total += times.user + times.system
        return total


@contextmanager
def stage(families: int, settings: Mapping[str, object] | None = None) -> Iterator[Stage]:
    """Set up a club with so many families, each with a child, an order and a session that its own system made."""
    with temporary_home() as folder, ExitStack() as parts:
        postgres = parts.enter_context(embedded_postgres(folder / "data", databases=("club",)))
        server = parts.enter_context(running_stand_in(folder / "stripe.sqlite3"))
        stand_in = parts.enter_context(server.control())
        with_defaults = {"stripe_calls_per_second": 1000.0, "batch_size": 50, **(settings or {})}
        chosen = settings_for(postgres.url("club"), stand_in, NO_MAIL).model_copy(update=with_defaults)
        club = BigClub.on(parts.enter_context(open_pipeline(chosen, stand_in, NO_MAIL)))
        club.made_by_the_club(club.people(families), (6, 1))
        club.refresh()
        club.sql("ANALYZE")
        yield Stage(club, postgres)
