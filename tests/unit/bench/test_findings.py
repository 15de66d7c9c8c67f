"""How the benchmark measures and tells: the measurements themselves are its own affair."""

import threading
from collections.abc import Callable
from functools import partial
from xml.etree import ElementTree as ET

import pytest
from jinja2 import Template

from tests.bench.chart import BAR_WIDTH, draw
from tests.bench.findings import Goal
from tests.bench.measuring import Sample, in_turns, rates, ratios
from tests.bench.sinks import SlowTalk
from tests.bench.where import REST, area, profiled, shares


def measured(log: list[str], name: str, seconds: float) -> Sample:
    log.append(name)
    return Sample(100, seconds)


def test_contestants_take_turns_and_the_first_round_does_not_count() -> None:
    log: list[str] = []
    contestants: dict[str, Callable[[], Sample]] = {name: partial(measured, log, name, 1.0) for name in "ab"}
    samples = in_turns(contestants, lambda _: None, rounds=3)
    assert "".join(log) == "abababab"
    assert [len(taken) for taken in samples.values()] == [3, 3]


def test_ratios_are_of_the_same_round() -> None:
    ours, theirs = [Sample(10, 1), Sample(10, 2)], [Sample(10, 2), Sample(10, 4)]
    assert (ratios(ours, theirs).least, ratios(ours, theirs).most) == (2, 2)
    assert str(rates([Sample(1500, 1), Sample(100, 1), Sample(300, 1)])) == "300 (100 to 1,500)"


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        (Goal("x", 2.5, at_least=2), "reached  x: 2.5 (at least 2)"),
        (Goal("x", 0.5, at_least=2), "MISSED   x: 0.5 (at least 2, missed by 75.0%)"),
        (Goal("x", 1.2, at_most=1.05), "MISSED   x: 1.2 (at most 1.05, missed by 14.3%)"),
    ],
)
def test_a_goal_says_whether_it_is_reached_and_else_by_how_much_it_is_missed(goal: Goal, said: str) -> None:
    assert str(goal) == said


def test_the_longest_bar_takes_the_whole_width() -> None:
    figures = {"tournament-fees": {"rates": [50, 60, 40]}, "smtplib": {"rates": [100]}}
    picture = ET.fromstring(draw({"delivery": figures}))  # noqa: S314  our own
    bars = [bar for bar in picture.iter("{http://www.w3.org/2000/svg}rect") if bar.get("fill") != "#ffffff"]
    assert [float(bar.get("width") or 0) for bar in bars] == [BAR_WIDTH / 2, BAR_WIDTH]


class Silent(SlowTalk):
    """Keeps its replies to itself."""

    def say(self, said: bytes) -> None:
        self.said = said


def test_pipelined_commands_are_answered_in_one_piece_and_a_body_once() -> None:
    talk = Silent(0)
    talk.data_received(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
    assert talk.said.count(b"\r\n") == 3
    talk.data_received(b"Subject: x\r\n\r\nDATA\r\n")
    talk.data_received(b".\r\n")
    assert talk.said == b"250 taken\r\n"


@pytest.mark.parametrize(
    ("path", "whose"),
    [
        ("/x/site-packages/jinja2/runtime.py", "rendering"),
        ("/x/tasks/mail/renderer.py", "rendering"),
        ("/x/tasks/mail/mime.py", "MIME"),
        ("/x/tasks/mail/smtp/connection.py", "SMTP"),
        ("/x/site-packages/sqlalchemy/engine/base.py", "statements"),
        ("/x/tasks/delivery/sender.py", REST),
    ],
)
def test_the_time_of_a_function_is_its_files_areas(path: str, whose: str) -> None:
    assert area(path) == whose


def test_the_profiler_follows_into_threads_and_shares_add_up_to_the_whole() -> None:
    mail = Template("{% for n in range(20000) %}{{ loop.index }}{% endfor %}")
    with profiled() as spent:
        thread = threading.Thread(target=mail.render)
        thread.start()
        thread.join()
    found = shares(spent)
    assert next(iter(found)) == "rendering"
    assert sum(found.values()) == pytest.approx(1)
