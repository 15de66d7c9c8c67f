import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mail.display import MAX_NAME, display_safe
from tests.unit.mail.letters import names


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
