import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mail.display_names import MAX_NAME, display_name, display_safe
from tasks.mail.renderer import Renderer
from tests.support.letters import PAYABLE, letter, names


@settings(deadline=None)  # other work on the machine must not fail a property
@given(names, st.integers(2, 100))
def test_display_safe_text_is_one_short_visible_line(text: str, limit: int) -> None:
    shown = display_safe(text, limit)
    assert len(shown) <= limit
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert shown == " ".join(shown.split())


@settings(deadline=None)  # other work on the machine must not fail a property
@given(names)
def test_display_safe_text_stays_as_it_is(text: str) -> None:
    assert display_safe(display_safe(text)) == display_safe(text)


def test_names_are_kept_as_people_write_them() -> None:
    for name in ("Zoë D'Arcy-Núñez", "李小龍", "می‌خواهم", "👩‍👧 Ava", "Ⅳ"):
        assert display_safe(name) == name
    assert display_safe("Zoe\u0308") == "Zoë"


def test_what_is_not_seen_is_dropped_and_what_breaks_lines_is_a_space() -> None:
    assert display_safe("\u202eAva\u2066 \r\n\t Reyes\x00\ufeff") == "Ava Reyes"
    assert display_safe("Ava\ud800") == "Ava\ufffd"
    assert display_safe("Pay at https:\u202e//example.org") == "Pay at https example.org"
    assert display_safe("=?utf-8?q?=E2=80=AE?=") == "= ?utf-8?q?=E2=80=AE?="


def test_long_names_end_in_an_ellipsis_and_not_in_half_a_letter() -> None:
    assert display_safe("x" * 300) == "x" * (MAX_NAME - 1) + "…"
    assert display_safe("q\u0323" * 10, 6) == "q\u0323q\u0323…"


@pytest.mark.parametrize("nothing", ["\u200d", "\u3164", "\u2800 \u115f", "\ufe0f", "\u034f\u200c", "\u0300" * 300])
def test_a_name_with_nothing_to_see_is_none(nothing: str) -> None:
    assert display_safe(nothing) == ""
    mail = Renderer().render(letter(replace(PAYABLE, player=nothing), parent=nothing))
    assert "Hello,\n" in mail.text
    assert "Pay $55.00 for your player" in mail.html


@pytest.mark.parametrize(
    "name", ["www.example.org", "example.org", "dana@example.org", "exam\u00adple.\u200borg", "example。org"]
)
def test_no_mail_program_makes_a_link_of_a_name(name: str) -> None:
    assert not re.search(r"\w[.。]\w", display_name(f"Ava {name}"))
    mail = Renderer().render(letter(replace(PAYABLE, player=name, team=name), parent=name, tournament=name))
    assert not re.search(r"example[.。]\w", mail.subject + mail.text)
    assert not re.search(r"example[.。]\w", mail.html)


@settings(deadline=None)  # other work on the machine must not fail a property
@given(names)
def test_a_name_that_is_shown_stays_as_it_is(name: str) -> None:
    assert display_name(display_name(name)) == display_name(name)
    assert len(display_name(name)) <= MAX_NAME


def test_initials_and_numbers_keep_their_dots() -> None:
    for name in ("J.R. Smith", "Ava Reyes Jr.", "U.S. Open 3.0", "Club No.1"):
        assert display_name(name) == name
