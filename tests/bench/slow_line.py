"""Delivery over a slow line, beside what its round trips alone allow."""

import os
from collections.abc import Callable
from functools import partial

from tests.bench.delivery import OURS, OURS_TWICE, SIZE, ours
from tests.bench.findings import Findings, Goal
from tests.bench.measuring import Announce, Sample, Spread, about, busy, in_turns, rates
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
                of_ideal = Spread.of([sample.rate / ideal for sample in taken])
                on_the_line = 1000 * connections / rates(taken).median
                load = "-" if name == EACH else str(busy(taken))
                rows.append((name, str(connections), str(rates(taken)), str(of_ideal), f"{on_the_line:.0f}", load))
                figures[f"{name}, {connections}"] = {"rates": [sample.rate for sample in taken], "ideal": ideal}
            best = max(rates(taken).median for name, taken in samples.items() if name != EACH)
            goals.append(Goal(f"of the ideal with {connections} connections", best / ideal, at_least=0.85))
    columns = (
        "30 ms a reply",
        "connections",
        "messages a second",
        "of the ideal",
        "ms each on its line",
        "processors busy",
    )
    remarks = (
        f"The ideal: connections / ({ROUND_TRIPS} round trips x {REPLY_MS:.0f} ms); smtplib takes 4 round trips.",
        f"Over {ROUND_TRIPS * REPLY_MS:.0f} ms on its line a message waits for the ledger and for a processor.",
        f"Busy of {os.cpu_count()} processors, with PostgreSQL's share, the sink not counted; one process can use one.",
    )
    return Findings("Delivery over a slow line", columns, rows, goals, remarks, figures)
