"""Deliver a batch: for each message make its links live, render, send and record, one after the other."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

from tasks.campaigns import queries as campaigns_queries
from tasks.campaigns.letters import template_digests
from tasks.campaigns.options import Batch, Campaign
from tasks.campaigns.reminders import REMINDER, ReminderLimits
from tasks.club import queries as club_queries
from tasks.core.rate_limit import RateLimit
from tasks.delivery.outbox import Outbox
from tasks.delivery.read_ahead import ReadAhead
from tasks.delivery.results import Results
from tasks.delivery.sender import MessageSender
from tasks.services import Services


def deliver_batch(
    services: Services,
    campaign: Campaign,
    batch: Batch,
    run_id: UUID | None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Counter[str]:
    """Deliver those of the messages that are due and nobody else holds; return how many came to which status.

    `is_cancelled` is asked between messages; what is left then is given back.

    Raises TransientError where Stripe, the mail server or the database is out of reach: what was not begun is queued
    again and a later call takes it up. Raises ConfigurationError where going on would fail every message alike.
    Anything else that goes wrong with one message is a bug: that one is failed, and the error raised after the others.
    """
    outbox = Outbox(
        services.database,
        campaign.id,
        services.clock,
        services.settings.max_attempts,
        services.settings.smtp_reply_timeout_seconds,
        run_id,
        services.quota,
        digests=template_digests(services.renderer, campaign.kind, campaign.note),
        reminders=ReminderLimits.of(services.settings) if campaign.kind == REMINDER else None,
    )
    tournament = club_queries.find_tournament(services.database, tournament_id=campaign.tournament_id)
    with (
        outbox.claim(batch.message_ids) as claim,
        services.mailer() as mailer,
        ThreadPoolExecutor(1, thread_name_prefix="writer") as writer,
        ThreadPoolExecutor(1, thread_name_prefix="recorder") as recorder,
    ):
        orders = campaigns_queries.list_message_orders(services.database, message_ids=claim.ids)
        services.stripe_lists.look_for([row.order_id for row in orders], mailing=True)
        results = Results(claim, recorder)
        sender = MessageSender(
            services, campaign, claim, ReadAhead(services, campaign, tournament, claim, writer), mailer, results
        )
        for message_id in _in_turn(claim.ids, services.sending, is_cancelled):
            results.note(message_id, partial(sender.deliver, message_id))
        results.finish_recording()
    return results.statuses()


def _in_turn(
    message_ids: Iterable[int], rate_limit: RateLimit | None, is_cancelled: Callable[[], bool]
) -> Iterator[int]:
    """Yield one after the other when it may go to the mail server, until a stop is wanted."""
    for message_id in message_ids:
        if rate_limit is not None and not is_cancelled():
            rate_limit.wait(is_cancelled)
        if is_cancelled():
            return
        yield message_id
