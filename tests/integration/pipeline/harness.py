"""The pipeline's steps over real parts, as the integration tests drive them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, text

from deployments.local.demo_club import TOURNAMENT
from deployments.local.mail_catcher.mailbox import message_file, numbers
from deployments.local.stripe_standin.control import StandInControl
from tasks.campaign import CampaignOptions
from tasks.services import Services
from tasks.steps.check_ready import check_ready
from tasks.steps.deliver_batch import deliver_batch
from tasks.steps.open_campaign import open_campaign
from tasks.steps.plan_batches import plan_batches
from tasks.steps.summarize import Summary, summarize


@dataclass(frozen=True)
class Inbox:
    """What a mail server has caught since `before`."""

    url: str
    folder: Path
    before: int

    def messages(self) -> list[EmailMessage]:
        files = [message_file(self.folder, number) for number in numbers(self.folder) if number > self.before]
        return [message_from_bytes(file.read_bytes(), EmailMessage, policy=default) for file in files]

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.messages() if message["X-Envelope-To"] == address]


@dataclass
class MovableClock:
    """Business time: real time, and what was added."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Pipeline:
    """The pipeline's steps over real parts, run without Prefect, with business time that can be moved."""

    services: Services
    stand_in: StandInControl
    inbox: Inbox
    clock: MovableClock

    def later(self, delta: timedelta) -> None:
        """Let time pass, here and at Stripe."""
        self.clock.ahead += delta
        self.stand_in.advance_clock(delta.total_seconds())

    def run(self, tournament: str = TOURNAMENT, sequence: str = "1") -> Summary:
        """Run the campaign from end to end, as the flow does."""
        run_id = uuid4()
        check_ready(self.services)
        campaign = open_campaign(self.services, tournament, "fee_notice", CampaignOptions(sequence=sequence))
        for batch in plan_batches(self.services, campaign):
            deliver_batch(self.services, campaign, batch, run_id)
        return summarize(self.services, campaign, run_id)

    def sql(self, statement: str, **values: object) -> list[Row[Any]]:
        """Look at, or change, the database as its owner would."""
        with self.services.database.transaction() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def order_of(self, player: str) -> Row[Any]:
        """The order of a player with one order, as the club's table has it."""
        (row,) = self.sql(
            "SELECT o.* FROM orders o JOIN players p ON p.id = o.player_id "
            "WHERE concat_ws(' ', p.first_name, p.last_name) = :player",
            player=player,
        )
        return row

    def message_to(self, surname: str) -> Row[Any]:
        """The ledger's one message to the parents of this surname."""
        (row,) = self.sql("SELECT * FROM tournament_fees.messages WHERE family = :family", family=surname.casefold())
        return row

    def sessions_of(self, player: str) -> list[dict[str, Any]]:
        """All sessions that Stripe has of a player's order, newest first."""
        order = self.order_of(player)
        references = {str(order.id), f"order-{order.id}"}
        return [session for session in self.stand_in.sessions() if session["client_reference_id"] in references]
