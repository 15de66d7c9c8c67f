"""A whole campaign by the pipeline's steps, as the flow takes them, but without Prefect."""

import multiprocessing
import re
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import NamedTuple
from uuid import uuid4

from flows.tournament_fees import BATCHES_AT_ONCE
from tasks.campaigns.batches import plan_batches
from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import Batch, CampaignOptions
from tasks.campaigns.summary import summarize
from tasks.core.settings_source import load_settings
from tasks.delivery.deliver_batch import deliver_batch
from tasks.operations.health_checks import check_ready
from tasks.refresh.sweep import sweep
from tasks.services import open_services
from tests.bench.stage import MOST
from tests.support.small_club import CUP


class Campaigned(NamedTuple):
    """What a whole campaign has taken."""

    seconds: float
    delivery_seconds: float
    peak_memory: int
    """Bytes of the process that did it."""


def whole_campaign(given: Mapping[str, str], sequence: int = 1) -> Campaigned:
    """Open, sweep, plan, deliver and report; raises where not all were sent."""
    settings, run_id, began = load_settings(given), uuid4(), monotonic()
    with open_services(settings) as services:
        check_ready(services)
        campaign = open_campaign(services, CUP, "fee_notice", CampaignOptions(sequence=sequence))
        sweep(services, campaign)
        batches = plan_batches(services, campaign, MOST)

        def deliver_one(batch: Batch) -> Counter[str]:
            with open_services(settings) as own:
                return deliver_batch(own, campaign, batch, run_id)

        before = monotonic()
        with ThreadPoolExecutor(BATCHES_AT_ONCE) as pool:
            statuses: Counter[str] = sum(pool.map(deliver_one, batches), Counter())
        delivered = monotonic() - before
        summarize(services, campaign, run_id)
    if statuses.keys() != {"sent"}:
        raise RuntimeError(f"not all were sent: {statuses}")
    return Campaigned(monotonic() - began, delivered, peak_memory())


def peak_memory() -> int:
    """Return the most bytes that this process had in memory: getrusage's figure begins with those of its parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return 1024 * int(kilobytes)


def apart(work: Callable[[Mapping[str, str]], Campaigned], given: Mapping[str, str]) -> Campaigned:
    """Do it in a process of its own, whose memory is the work's alone."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(work, given).result()
