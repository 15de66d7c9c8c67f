"""Mailboxes of odd fields: what is stored beside an address, and Gmail addresses that are only a tag."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tasks.core.email_address import mailbox_of, mask, parse_address

WORD = st.from_regex(r"[A-Za-z0-9_]{1,8}", fullmatch=True)


def mailbox(address: str) -> str:
    parsed = parse_address(address)
    assert parsed is not None, address
    return mailbox_of(parsed)


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
