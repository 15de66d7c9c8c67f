"""Letters that between them make a template show all that it can say, to be rendered before anybody is mailed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import product

from tasks.mail.letter import DEFAULT_BRAND, FeeLine, Letter, LinkState
from tasks.mail.renderer import Renderer

SOME_DAY = date(2026, 12, 12)
SOME_LINK = "https://checkout.stripe.com/c/pay/cs_test_sample"


def variants(letter: Letter) -> Iterator[Letter]:
    """Yield a letter's like: a fee to pay, alone and beside one in each state, with and without each date.

    There is always one to pay: else the message would have been skipped.
    """
    for day in (SOME_DAY, None):
        dated = replace(letter, event_date=day, payment_deadline=day)
        payable, *others = (replace(letter.lines[0], state=state, due_date=day) for state in LinkState)
        for beside in ([], *([other] for other in others), [payable, *others]):
            yield replace(dated, lines=(payable, *beside))
    yield replace(letter, payment_deadline=SOME_DAY, lines=(replace(letter.lines[0], due_date=None),))
    yield replace(letter, lines=(lasting(letter.lines[0]),))


def lasting(line: FeeLine) -> FeeLine:
    """Return a line's like, whose link has no end."""
    return replace(line, lasting=True, link_expires_at=None)


def sketches(kinds: Sequence[str], languages: Iterable[str], brands: Iterable[str]) -> Iterator[Letter]:
    """Yield few letters that still meet each kind in each language, with all states, and each brand."""
    for kind, language in product(kinds, languages):
        letter = sample(kind, language, DEFAULT_BRAND)
        yield from (like for like in variants(letter) if len(like.lines) > len(LinkState))
        yield replace(letter, lines=(lasting(letter.lines[0]),))
    for kind, brand in product(kinds[:1], brands):
        yield sample(kind, None, brand)


@lru_cache(maxsize=2)
def render_samples(renderer: Renderer) -> None:
    """Render all sketches; raises ConfigurationError for a template that cannot say what it has to.

    Once is enough: a renderer does not read its templates again.
    """
    for letter in sketches(renderer.kinds, renderer.languages.known, renderer.brands):
        renderer.render(letter)


def sample(kind: str, language: str | None, brand: str) -> Letter:
    """Return a letter about an invented player."""
    line = FeeLine(
        player="Ada Example",
        team="Hawks",
        amount=5500,
        currency="usd",
        due_date=SOME_DAY,
        state=LinkState.PAYABLE,
        url=SOME_LINK,
        link_expires_at=datetime(2026, 12, 1, tzinfo=UTC),
        brand=brand,
    )
    return Letter(
        kind=kind,
        parent="Eve Example",
        tournament="Example Cup",
        event_date=SOME_DAY,
        payment_deadline=SOME_DAY,
        time_zone=None,
        language=language,
        lines=(line,),
    )
