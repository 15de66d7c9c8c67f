"""The search for sessions in a list: what it costs at most, on any account."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tasks.links.list_search import ListSearch, Seen

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGE = 5


def at(second: int) -> datetime:
    return NOON + timedelta(seconds=second)


def pages_of(search: ListSearch, account: Sequence[Seen]) -> int:
    """Search an account, which lists its newest session first; return how many pages that took."""
    pages = 0
    while (want := search.next()) is not None:
        listed = [session for session in account if want.until is None or session.created <= want.until]
        if want.after is not None:
            listed = listed[[session.id for session in listed].index(want.after) + 1 :]
        search.saw(listed[:PAGE], more=len(listed) > PAGE)
        pages += 1
    return pages


def account_of(seconds: Sequence[int]) -> list[Seen]:
    """An account whose n-th session was created in the n-th of these seconds, as Stripe lists it."""
    return [Seen(f"cs_{number}", at(second)) for number, second in sorted(enumerate(seconds), key=lambda s: -s[1])]


accounts = st.lists(st.integers(0, 50), max_size=60).map(account_of)


@st.composite
def searches(draw: st.DrawFn) -> tuple[list[Seen], dict[str, datetime | None]]:
    """An account and what is wanted of it: of known age, of unknown age, wrongly noted or not there at all."""
    account = draw(accounts)
    wanted: dict[str, datetime | None] = {}
    for session in account:
        how = draw(st.sampled_from(["foreign", "known", "unknown", "wrong"]))
        if how != "foreign":
            wrong = at(draw(st.integers(-5, 60)))
            wanted[session.id] = {"known": session.created, "unknown": None, "wrong": wrong}[how]
    for number in range(draw(st.integers(0, 5))):
        wanted[f"cs_gone_{number}"] = draw(st.sampled_from([None, NOON]))
    return account, wanted


@given(searches())
def test_no_search_costs_more_than_twice_the_single_reads(case: tuple[list[Seen], dict[str, datetime | None]]) -> None:
    account, wanted = case
    search = ListSearch.of(wanted)
    pages = pages_of(search, account)
    assert pages + search.left <= 2 * len(wanted)


@given(st.sets(st.integers(0, 1000), max_size=60).map(sorted), st.data())
def test_what_is_of_known_age_never_costs_more_than_reading_it_or_the_list(
    seconds: list[int], data: st.DataObject
) -> None:
    account = account_of(seconds)
    wanted = {session.id: session.created for session in account if data.draw(st.booleans())}
    search = ListSearch.of(wanted)
    pages = pages_of(search, account)
    assert pages + search.left <= min(len(wanted), -(-len(account) // PAGE))
    assert search.left <= 1, "one is read, since a page costs as much"


@given(accounts)
def test_an_account_of_their_own_is_read_page_by_page_whatever_is_known(account: list[Seen]) -> None:
    for known in (True, False):
        search = ListSearch.of({session.id: session.created if known else None for session in account})
        assert pages_of(search, account) + search.left <= -(-len(account) // PAGE)


def test_a_stretch_of_foreign_sessions_is_skipped() -> None:
    account = account_of(range(1000))
    wanted = {session.id: session.created for session in (*account[:PAGE], *account[-PAGE:])}
    assert pages_of(ListSearch.of(wanted), account) == 2


def test_few_among_many_of_unknown_age_are_soon_read_one_by_one() -> None:
    account = account_of(range(1000))
    search = ListSearch.of({session.id: None for session in account[-4:]})
    assert pages_of(search, account) == search.left == 4
