"""A campaign to many families with a crew of workers on it; each chaos test breaks it in its own way."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from deployments.local.stripe_standin.launch import running_stand_in
from tasks.campaigns import queries as campaigns_queries
from tasks.delivery.outbox import CLAIM_SECONDS
from tasks.links.ledger import LEASE_SECONDS
from tests.chaos.crew import Crew
from tests.chaos.ledger import Told, check, told
from tests.chaos.mail_server import IN_HAND, Chaos, ChaoticTalk
from tests.chaos.network import reached
from tests.support.harness import Inbox, open_pipeline, settings_for
from tests.support.small_club import SmallClub
from tests.support.smtp_server import server

OUTAGE_SECONDS = 60
"""A restart of the database takes our own connections too, and is over long before."""

LEASE_HERE_SECONDS = 3
"""Who has not renewed a lease for so long is taken to be dead; in the field that takes minutes."""

FAMILIES = """
WITH families AS (
    INSERT INTO parents (first_name, last_name, email)
    SELECT 'Jo', 'Family' || n, CASE WHEN n % 50 = 0 THEN 'gone' ELSE 'jo' END || n || '@example.com'
    FROM generate_series(1, :size) AS n RETURNING id, last_name
), children AS (
    INSERT INTO players (parent_id, first_name, last_name) SELECT id, 'Max', last_name FROM families RETURNING id
), teams AS (
    INSERT INTO player_teams SELECT id, 1, 'committed' FROM children
)
INSERT INTO orders (player_id, product_id, status, amount) SELECT id, 1, 'pending', 5500 FROM children
"""

TIME_PASSES = """
UPDATE tournament_fees.messages SET lease_expires_at = clock_timestamp() - interval '1 second'
WHERE status = 'claimed' AND lease_expires_at < clock_timestamp() + make_interval(secs => :claims_before)
   OR status = 'sending' AND id IN (
        SELECT a.message_id FROM tournament_fees.delivery_attempts AS a
        WHERE a.outcome = 'sending' AND a.attempt = messages.attempts AND a.run_id = ANY(:dead)
   )
"""
ORDERS_TIME_PASSES = """
UPDATE tournament_fees.order_leases SET expires_at = clock_timestamp() - interval '1 second'
WHERE expires_at < clock_timestamp() + make_interval(secs => :orders_before)
"""
DONE = "SELECT count(*) FROM tournament_fees.messages WHERE status NOT IN ('queued', 'claimed', 'sending')"


@dataclass
class CrewedCampaign:
    """A campaign on its way, those who work on it, and the mail server that they meet."""

    club: SmallClub
    crew: Crew
    mail: Chaos
    size: int

    def done(self) -> int:
        """How many messages have come to an end."""
        return int(self.club.pipeline.owner.retry_while_down(lambda: self.club.one(DONE), OUTAGE_SECONDS))

    def let_time_pass(self) -> None:
        """Let dead workers' leases expire and what is due later become due; take back what was held."""
        self.club.pipeline.owner.retry_while_down(self._let_time_pass, OUTAGE_SECONDS)

    def _let_time_pass(self) -> None:
        club, now = self.club, self.club.pipeline.clock()
        club.sql(TIME_PASSES, claims_before=CLAIM_SECONDS - LEASE_HERE_SECONDS, dead=list(self.crew.dead))
        club.sql(ORDERS_TIME_PASSES, orders_before=LEASE_SECONDS - LEASE_HERE_SECONDS)
        club.sql("UPDATE tournament_fees.messages SET next_attempt_at = created_at WHERE status = 'queued'")
        database = club.pipeline.services.database
        campaigns_queries.return_expired_claims(database, campaign_id=None, now=now)
        campaigns_queries.mark_lost_sendings_uncertain(database, campaign_id=None, now=now)

    def end(self) -> Sequence[Told]:
        """Send the crew home, and return what the ledger tells."""
        self.crew.dismiss()
        self.let_time_pass()
        return told(self.club)

    def check(self, messages: Sequence[Told]) -> None:
        """Assert that every message has come to its end, that none went twice, and that no more failed than had to."""
        cut = sum(self.mail.cuts[point] for point in IN_HAND)
        check(messages, self.mail.taken(), cut=cut, killed=self.crew.killed().total())
        assert len(messages) == self.size
        assert statuses(messages)["failed"] == self.size // 50, "just those whose mailbox is gone"


@contextmanager
def crewed_campaign(
    folder: Path,
    database_url: str,
    mail: Chaos,
    size: int,
    workers: int,
    places: Sequence[str] = ("",),
    **changed: str,
) -> Iterator[CrewedCampaign]:
    """Set up a campaign with its servers and workers on a database; `changed` are settings of the workers alone."""
    with (
        running_stand_in(folder / "stripe.sqlite3") as stripe,
        stripe.control() as stand_in,
        server(mail, ChaoticTalk) as port,
        ExitStack() as parts,
    ):
        nowhere = Inbox(f"smtp://127.0.0.1:{port}", folder)
        settings = settings_for(database_url, stand_in, nowhere)
        club = SmallClub.on(parts.enter_context(open_pipeline(settings, stand_in, nowhere)))
        club.sql(FAMILIES, size=size)
        campaign = club.open_campaign()
        club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
        for place in filter(None, places):
            for one in (port, urlsplit(stripe.base_url).port or 0):
                parts.enter_context(reached(one, place))
        given = {name.upper(): as_text(value) for name, value in settings if value is not None}
        crew = Crew({**given, **changed}, campaign, port, workers, places)
        parts.callback(crew.dismiss)
        yield CrewedCampaign(club, crew, mail, size)


def as_text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def statuses(messages: Sequence[Told]) -> Counter[str]:
    return Counter(message.status for message in messages)


def say(capsys: pytest.CaptureFixture[str], words: str) -> None:
    with capsys.disabled():
        print(f"\nchaos: {words}", end="")  # noqa: T201  the seed is told whatever becomes of the test
