"""Delivery from the queue to the mail server's 250, beside others."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from math import isnan
from statistics import median

from flows.tournament_fees import BATCHES_AT_ONCE
from tasks.mail.renderer import RenderedMail
from tests.bench.findings import Findings, Goal
from tests.bench.measuring import Announce, Sample, busy, in_turns, rates, ratios
from tests.bench.peers import PostOffice, post_office, smtp_source, smtplib_loop
from tests.bench.sender import deliver
from tests.bench.sinks import smtp_sink
from tests.bench.stage import Stage, stage
from tests.bench.where import notice, shares, where_time_goes, writing

OURS, OURS_TWICE = "tournament-fees", "tournament-fees, 2 workers"
SOURCE, LOOP, OFFICE = "smtp-source, 10 connections", "smtplib, one connection", "django-post_office"

FAMILIES = 1000
SIZE = 10_000
"""Bytes of a message, about what ours have."""

OFFICE_SETTINGS = [
    {"batch": batch, "threads": threads, "processes": processes}
    for batch in (100, 1000)
    for threads in (1, 5)
    for processes in (1, 2)
]


def delivery(announce: Announce) -> Findings:
    """Compare messages a second, and processor time a message, into smtp-sink."""
    with stage(FAMILIES) as club, smtp_sink() as port, ExitStack() as parts:
        club.postgres.create_database("post_office")
        office = parts.enter_context(post_office(club.postgres.socket_folder, "post_office", port))
        mail = rendered(club)
        announce("looking for the best settings of django-post_office")
        best = max(OFFICE_SETTINGS, key=lambda chosen: theirs(club, office, 1000, mail, chosen).rate)
        contestants: dict[str, Callable[[], Sample]] = {
            OURS: partial(ours, club, port, BATCHES_AT_ONCE),
            OURS_TWICE: partial(ours, club, port, 2 * BATCHES_AT_ONCE, processes=2),
            OFFICE: partial(theirs, club, office, FAMILIES, mail, best),
            LOOP: partial(smtplib_loop, port, FAMILIES, b"x" * 70 + b"\r\n" * (SIZE // 72)),
            SOURCE: partial(smtp_source, port, FAMILIES * 5, SIZE, 10),
        }
        samples = in_turns(contestants, announce)
        announce("looking where the time goes")
        spent = shares(where_time_goes(club, port))
        writing_ms = writing(club)
    return told(samples, best, spent, writing_ms)


def told(
    samples: Mapping[str, Sequence[Sample]], best: object, spent: Mapping[str, float], writing_ms: float
) -> Findings:
    """Put into words what was measured."""
    where = ", ".join(f"{name} {of_all:.0%}" for name, of_all in spent.items())
    one, two = (busy(samples[name]) for name in (OURS, OURS_TWICE))
    loads = f"Of {os.cpu_count()} processors one worker kept {one} busy with that, two {two}."
    rows, figures = [], {}
    for name, taken in samples.items():
        cpu, database = (median(getattr(one, what) for one in taken) for what in ("cpu_ms", "database_ms"))
        beside = (str(ratios(taken, samples[other])) for other in (OFFICE, LOOP, SOURCE))
        rows.append((name, str(rates(taken)), f"{cpu:.2f}", "-" if isnan(database) else f"{database:.2f}", *beside))
        of_it = {"rates": [one.rate for one in taken], "cpu_ms": cpu}
        figures[name] = of_it if isnan(database) else {**of_it, "database_ms": database}
    faster = max((OURS, OURS_TWICE), key=lambda name: rates(samples[name]).median)
    goals = (
        Goal("times django-post_office's best", ratios(samples[faster], samples[OFFICE]).median, at_least=2),
        Goal("of smtp-source's rate", ratios(samples[faster], samples[SOURCE]).median, at_least=0.2),
    )
    columns = (
        *("into the same sink", "messages a second", "CPU ms each", "and PostgreSQL's"),
        *("times django-post_office", "times smtplib", "times smtp-source"),
    )
    remarks = (
        "Ours leases, checks links, renders, builds and records durably; django-post_office's was rendered before.",
        f"django-post_office's best of {len(OFFICE_SETTINGS)} settings: {best}",
        f"Where our {figures[OURS]['cpu_ms']:.1f} ms go, by a profiler, which weighs on many small calls: {where}.",
        f"Rendering and MIME alone, without it: {writing_ms:.1f} ms.",
        f"PostgreSQL takes {figures[OURS]['database_ms']:.1f} ms beside them. {loads}",
    )
    return Findings("Delivery", columns, rows, goals, remarks, figures)


def ours(club: Stage, port: int, at_once: int, *, processes: int = 1, count: int | None = None) -> Sample:
    """Queue a campaign, then measure its delivery."""
    campaign, batches = club.new_campaign()
    chosen = batches[: None if count is None else -(-count // len(batches[0]))]
    if at_once > len(chosen):
        raise ValueError("there are more connections than batches")
    before = club.database_cpu()
    done = deliver(club.given(port), campaign, chosen, at_once=at_once, processes=processes)
    return Sample(done.sent, done.seconds, done.cpu_seconds, club.database_cpu() - before)


def theirs(club: Stage, office: PostOffice, count: int, mail: RenderedMail, chosen: Mapping[str, int]) -> Sample:
    """Queue rendered messages at django-post_office, then measure how it sends them."""
    office.do("fill", count=count, subject=mail.subject, text=mail.text, html=mail.html)
    before = club.database_cpu()
    done = office.do("send", **chosen)
    if done["sent"] != count:
        raise RuntimeError(f"django-post_office sent {done['sent']} of {count}")
    return Sample(count, done["seconds"], done["cpu_seconds"], club.database_cpu() - before)


def rendered(club: Stage) -> RenderedMail:
    """Render a notice as a family of the club gets it."""
    return club.club.pipeline.services.renderer.render(notice(club))
