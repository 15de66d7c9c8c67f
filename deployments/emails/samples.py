"""Invented letters, shaped like the real ones: what the linter, the pictures and the system tests render."""

from dataclasses import replace
from datetime import UTC, date, datetime

from tasks.mail.letter import DEFAULT_BRAND, FeeLine, Letter, LinkState

LINK_LENGTH = 541
"""The longest that was seen of Stripe's."""
PICTURED = ("one child", "three siblings", "two brands")


def samples(kind: str, brand: str, language: str) -> dict[str, Letter]:
    """Return a letter for each case that a template has to cope with, by the name of the case."""
    ava, mia, zoe = (
        _fee("Ava Reyes", "17U Elite", 5500, 1, brand),
        _fee("Mia Reyes", "16U Elite", 6550, 2, brand),
        _fee("Zoe Reyes", "15U Select", 5500, 3, brand),
    )
    other = replace(mia, brand=DEFAULT_BRAND if brand != DEFAULT_BRAND else "desert-rose")
    hard = (
        replace(ava, player="Maximiliana-Guadalupe Featherstonehaugh-Villanueva de la Cruz", team="T" * 70),
        replace(mia, player="يوسف بن عبد الله", team="فريق الصقور"),
        replace(zoe, player='👩‍👧 Zoë "Ace" <b>O\'Brien</b> & Co.', team="{{ 7 * 7 }} %(names)s"),
    )
    cases = {
        "one child": (ava,),
        "three siblings": (ava, mia, zoe),
        "two brands": (ava, other),
        "one paid": (ava, _without_link(mia, LinkState.PAID)),
        "lasting links": (replace(ava, lasting=True), replace(mia, lasting=True, link_expires_at=None)),
        "one withheld": (ava, _without_link(mia, LinkState.WITHHELD), _without_link(zoe, LinkState.PROCESSING)),
        "hard names": hard,
        "many children": tuple(replace(hard[0], url=_link(number)) for number in range(12)),
    }
    return {case: _letter(kind, language, lines) for case, lines in cases.items()}


def _letter(kind: str, language: str, lines: tuple[FeeLine, ...]) -> Letter:
    return Letter(
        kind=kind,
        parent="Dana Reyes",
        tournament="Utah Invitational",
        event_date=date(2026, 12, 5),
        payment_deadline=date(2026, 11, 30),
        time_zone="America/Denver",
        language=language,
        lines=lines,
    )


def _fee(player: str, team: str, amount: int, number: int, brand: str) -> FeeLine:
    return FeeLine(
        player=player,
        team=team,
        amount=amount,
        currency="usd",
        due_date=date(2026, 11, 27),
        state=LinkState.PAYABLE,
        url=_link(number),
        link_expires_at=datetime(2026, 11, 27, 22, 40, tzinfo=UTC),
        brand=brand,
    )


def _without_link(line: FeeLine, state: LinkState) -> FeeLine:
    return replace(line, state=state, url=None, link_expires_at=None)


def _link(number: int) -> str:
    start = f"https://checkout.stripe.com/c/pay/cs_test_{number:02}a1B7xQ9zK2#fidkdWxOYHwnPyd1blpxYHZxWjA0"
    return (start + "SjF0cXVk%2FN2JfQ" * LINK_LENGTH)[:LINK_LENGTH]
