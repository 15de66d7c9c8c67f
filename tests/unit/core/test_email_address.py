"""Mailboxes: which addresses are one, which are none, and what of an address may be shown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.email_address import GMAIL, family_of, mailbox_of, mask, parse_address

WORD = st.from_regex(r"[A-Za-z0-9_]{1,8}", fullmatch=True)
LOCAL = st.lists(WORD, min_size=1, max_size=3).map(".".join)
TAG = WORD.map("+{}".format)
OTHER_DOMAIN = st.sampled_from(["example.com", "Example.org", "mail.example.net", "bücher.example.com"])
GMAIL_DOMAIN = st.sampled_from(["gmail.com", "GMail.com", "googlemail.com", "Googlemail.COM"])


def mailbox(address: str) -> str:
    parsed = parse_address(address)
    assert parsed is not None, address
    return mailbox_of(parsed)


def swap_case(text: str, which: list[bool]) -> str:
    return "".join(c.swapcase() if swap else c for c, swap in zip(text, which, strict=False)) + text[len(which) :]


@given(LOCAL, st.one_of(st.just(""), TAG), st.one_of(OTHER_DOMAIN, GMAIL_DOMAIN))
def test_a_mailbox_is_a_mailbox_of_itself(local: str, tag: str, domain: str) -> None:
    folded = mailbox(f"{local}{tag}@{domain}")
    assert mailbox(folded) == folded


@given(LOCAL, st.one_of(OTHER_DOMAIN, GMAIL_DOMAIN), st.lists(st.booleans(), max_size=30))
def test_case_and_spaces_around_never_make_another_mailbox(local: str, domain: str, swaps: list[bool]) -> None:
    address = f"{local}@{domain}"
    assert mailbox(f"  {swap_case(address, swaps)}\n") == mailbox(address)


@pytest.mark.parametrize(
    ("one", "other"), [("faß.example.com", "fass.example.com"), ("νίκος.example.com", "νίκοσ.example.com")]
)
def test_domains_that_differ_in_what_casefolding_makes_one_are_two(one: str, other: str) -> None:
    assert mailbox(f"jo@{one}") != mailbox(f"jo@{other}")


@given(LOCAL, TAG, GMAIL_DOMAIN, GMAIL_DOMAIN)
def test_gmail_knows_neither_dots_nor_tags_nor_its_second_name(local: str, tag: str, one: str, other: str) -> None:
    assert mailbox(f"{local}{tag}@{one}") == mailbox(f"{local.replace('.', '')}@{other}")


@given(LOCAL, TAG, OTHER_DOMAIN)
def test_a_tag_is_part_of_every_other_mailbox(local: str, tag: str, domain: str) -> None:
    assert mailbox(f"{local}{tag}@{domain}") != mailbox(f"{local}@{domain}")


@given(st.lists(WORD, min_size=2, max_size=3), OTHER_DOMAIN)
def test_a_dot_is_part_of_every_other_mailbox(words: list[str], domain: str) -> None:
    assert mailbox(f"{'.'.join(words)}@{domain}") != mailbox(f"{''.join(words)}@{domain}")


@given(LOCAL, LOCAL, GMAIL_DOMAIN, OTHER_DOMAIN)
def test_two_people_are_two_mailboxes(one: str, other: str, gmail: str, domain: str) -> None:
    assert (mailbox(f"{one}@{domain}") == mailbox(f"{other}@{domain}")) == (one.casefold() == other.casefold())
    bare = [name.replace(".", "").casefold() for name in (one, other)]
    assert (mailbox(f"{one}@{gmail}") == mailbox(f"{other}@{gmail}")) == (bare[0] == bare[1])


def test_the_field_records_two_rows_are_one_mailbox() -> None:
    assert mailbox("Jo.Ek@gmail.com") == mailbox("joek@gmail.com") == "joek@gmail.com"


@pytest.mark.parametrize("address", ["jo@mail.gmail.com", "jo.ek@gmail.com.example.org", "jo.ek@notgmail.com"])
def test_only_gmails_own_domains_are_folded(address: str) -> None:
    assert mailbox(address) == address
    assert address.rpartition("@")[2] not in GMAIL


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "",
        "   ",
        "jo",
        "jo@",
        "@example.org",
        "jo@example",
        "jo@@example.org",
        "jo@example.org, ann@example.org",
        "jo@example.org; ann@example.org",
        "jo@example.org ann@example.org",
        "jo@example.org\nBcc: all@example.org",
        "jo@example.org\r\nann@example.org",
        "jo\n@example.org",
        "jo ek@example.org",
        "Jo Ek <jo@example.org>",
        "jo@[127.0.0.1]",
        "jo..ek@example.org",
        "jo@example..org",
        "jo@localhost",
        "ask her father",
    ],
)
def test_what_is_not_one_address_is_none(stored: str | None) -> None:
    assert parse_address(stored) is None


@given(st.text())
def test_no_text_at_all_can_break_the_reading_of_an_address(stored: str) -> None:
    parsed = parse_address(stored)
    assert parsed is None or (parsed.normalized.count("@") >= 1 and parsed.normalized.isprintable())


@given(LOCAL, OTHER_DOMAIN)
def test_a_mask_shows_the_first_letter_and_the_domain(local: str, domain: str) -> None:
    assert mask(f" {local}@{domain} ") == f"{local[0]}…@{domain.lower()}"


def test_a_mask_of_nothing_shows_nothing() -> None:
    assert mask(None) == mask("") == mask("ask her father") == "…"


@pytest.mark.parametrize("name", ["De la Cruz", " de  la cruz ", "DE LA CRUZ", "de\tla Cruz"])
def test_a_family_is_one_however_its_name_is_typed(name: str) -> None:
    assert family_of(name) == "de la cruz"


JUNK = st.sampled_from(
    ["{} and Mary Somers", "{} (Mary Somers)", "{}; Mary Somers", "{}, Mary Somers", "{}\tMary", "Mary <{}>", "Mary {}"]
)


@given(WORD, WORD)
def test_tags_without_a_name_before_them_are_not_one_mailbox(one: str, other: str) -> None:
    same = one.casefold() == other.casefold()
    assert (mailbox(f"+{one}@gmail.com") == mailbox(f"+{other}@gmail.com")) == same


@given(WORD, st.sampled_from(["example.com", "mail.example.org"]), JUNK)
def test_a_mask_of_a_field_with_more_in_it_shows_no_more(local: str, domain: str, junk: str) -> None:
    shown = mask(junk.format(f"{local}@{domain}"))
    assert re.fullmatch(r"\S?…(@\S+)?", shown)
    assert "Mary" not in shown
    assert "Somers" not in shown


@given(st.text(max_size=40))
def test_a_mask_shows_of_any_text_one_letter_and_one_word_at_most(text: str) -> None:
    before, _, _ = mask(text).partition("…")
    assert len(before) <= 1
    assert not re.search(r"\s", mask(text)[1:])
