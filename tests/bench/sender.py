"""Deliver batches as a flow run does, in processes of their own, so that their time and memory are theirs alone."""

import multiprocessing
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from time import monotonic, process_time
from typing import NamedTuple
from uuid import uuid4

from tasks.campaigns.letters import template_digests
from tasks.campaigns.options import Batch, Campaign
from tasks.core.settings_source import load_settings
from tasks.delivery.deliver_batch import deliver_batch
from tasks.operations.health_checks import check_ready
from tasks.services import open_services


class Done(NamedTuple):
    """What a process has done."""

    sent: int
    cpu_seconds: float


class Delivered(NamedTuple):
    """What all of them have done together."""

    sent: int
    seconds: float
    cpu_seconds: float


def deliver(
    given: Mapping[str, str], campaign: Campaign, batches: Sequence[Batch], *, at_once: int, processes: int = 1
) -> Delivered:
    """Deliver all batches, so many at once, shared out among so many processes; raises where not all were sent."""
    spawn = multiprocessing.get_context("spawn")
    lines = []
    for number in range(processes):
        ours, theirs = spawn.Pipe()
        work = (theirs, dict(given), campaign, batches[number::processes], -(-at_once // processes))
        process = spawn.Process(target=_work, args=work)
        process.start()
        theirs.close()  # so that we hear of its end
        lines.append((process, ours))
    for _, line in lines:
        line.recv()
    began = monotonic()
    for _, line in lines:
        line.send("go")
    done: list[Done] = [line.recv() for _, line in lines]
    seconds = monotonic() - began
    for process, _ in lines:
        process.join()
    sent, wanted = sum(one.sent for one in done), sum(len(batch.message_ids) for batch in batches)
    if sent != wanted:
        raise RuntimeError(f"{sent} of {wanted} messages were sent")
    return Delivered(sent, seconds, sum(one.cpu_seconds for one in done))


def _work(
    line: Connection, given: Mapping[str, str], campaign: Campaign, batches: Sequence[Batch], at_once: int
) -> None:
    settings, run_id = load_settings(given), uuid4()

    def deliver_one(batch: Batch) -> Counter[str]:
        with open_services(settings) as services:
            return deliver_batch(services, campaign, batch, run_id)

    with open_services(settings) as held, ThreadPoolExecutor(at_once) as pool:
        # As a flow run does, which holds services as long as it runs, and has all templates compiled by then.
        check_ready(held)
        template_digests(held.renderer, campaign.kind, campaign.note)
        line.send("ready")
        line.recv()
        before = process_time()
        statuses: Counter[str] = sum(pool.map(deliver_one, batches), Counter())
        spent = process_time() - before
    line.send(Done(statuses["sent"], spent))
