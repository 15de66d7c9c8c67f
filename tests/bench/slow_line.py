"""Delivery over a slow line, beside what its round trips alone allow."""

import os
from collections.abc import Callable
from functools import partial
from math import isnan
from statistics import median

from tests.bench.delivery import OURS, OURS_TWICE, SIZE, ours
from tests.bench.findings import Findings, Goal
from tests.bench.measuring import Announce, Sample, about, in_turns, rates
from tests.bench.peers import smtplib_loop
from tests.bench.sinks import slow_sink
from tests.bench.stage import stage

EACH = "smtplib"
"""With a connection for each of its threads."""

REPLY_MS = 30.0
ROUND_TRIPS = 2
"""A message of ours: MAIL, RCPT and DATA in one, the body in the other."""

LINES = {1: 150, 8: 800, 32: 1600}
"""Connections, and how many messages go over them together."""


def slow_line(announce: Announce) -> Findings:
    """Compare messages a second where each reply takes 30 ms, with what the round trips alone allow."""
    rows, goals, figures = [], [], {}
    with stage(max(LINES.values())) as club, slow_sink(REPLY_MS) as port:
        for connections, count in LINES.items():
            ideal = connections / (ROUND_TRIPS * REPLY_MS / 1000)
            contestants: dict[str, Callable[[], Sample]] = {
                OURS: partial(ours, club, port, connections, count=count),
                OURS_TWICE: partial(ours, club, port, connections, count=count, processes=2),
                EACH: partial(smtplib_loop, port, count // 2, b"x" * 70 + b"\r\n" * (SIZE // 72), connections),
            }
            if connections == 1:
                del contestants[OURS_TWICE]
            samples = in_turns(contestants, about(f"{connections} connections", announce))
            for name, taken in samples.items():
                busy = median(one.rate * (one.cpu_ms + one.database_ms) / 1000 for one in taken)
                rows.append(
                    (
                        name,
                        str(connections),
                        str(rates(taken)),
                        f"{rates(taken).median / ideal:.2f}",
                        "-" if isnan(busy) else f"{busy:.2f}",
                    )
                )
                figures[f"{name}, {connections}"] = {"rates": [sample.rate for sample in taken], "ideal": ideal}
            best = max(rates(taken).median for name, taken in samples.items() if name != EACH)
            goals.append(Goal(f"of the ideal with {connections} connections", best / ideal, at_least=0.85))
    columns = ("30 ms a reply", "connections", "messages a second", "of the ideal", "processors busy")
    remarks = (
        f"The ideal: connections / ({ROUND_TRIPS} round trips x {REPLY_MS:.0f} ms); smtplib takes 4 round trips.",
        f"Of {os.cpu_count()} processors, with PostgreSQL's share; one process can use one, and the sink has its own.",
    )
    return Findings("Delivery over a slow line", columns, rows, goals, remarks, figures)
