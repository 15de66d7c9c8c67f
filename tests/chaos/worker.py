"""A worker as a process of its own: it delivers what is owed, batch by batch, until it is killed."""

import random
import threading
from collections.abc import Mapping
from uuid import UUID

from tasks.campaigns import queries as campaigns_queries
from tasks.campaigns.options import Batch, Campaign
from tasks.core.errors import TransientError
from tasks.core.settings_source import load_settings
from tasks.delivery.deliver_batch import deliver_batch
from tasks.services import Services, open_services
from tests.chaos.network import enter

BATCH = 6


def work(given: Mapping[str, str], campaign: Campaign, run_id: UUID, place: str = "") -> None:
    """Deliver for ever; a server that is away is asked again, as Prefect retries a batch."""
    if place:
        enter(place)
    with open_services(load_settings(given)) as services:
        while True:
            try:
                deliver_some(services, campaign, run_id)
            except TransientError:
                threading.Event().wait(0.1)


def deliver_some(services: Services, campaign: Campaign, run_id: UUID) -> None:
    owed = campaigns_queries.list_owed_ids(services.database, campaign_id=campaign.id, now=services.clock())
    ids = list(owed.free)
    random.shuffle(ids)  # so that workers meet, but not at every message
    if not ids:
        threading.Event().wait(0.1)
    for start in range(0, len(ids), BATCH):
        deliver_batch(services, campaign, Batch(1, tuple(ids[start : start + BATCH])), run_id)
