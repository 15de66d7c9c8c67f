from dataclasses import replace
from datetime import date

import pytest

from tasks.mail.letter import Letter
from tasks.mail.letter_warnings import letter_warnings
from tasks.mail.renderer import Renderer
from tests.support.letters import MIA, PAYABLE, letter

RENDERER = Renderer()
UNDATED = letter(replace(PAYABLE, due_date=None))


def noted(subject: Letter) -> list[str]:
    return letter_warnings(subject, RENDERER.render(subject), RENDERER.languages)


@pytest.mark.parametrize(
    "subject",
    [
        letter(PAYABLE, MIA),
        replace(letter(PAYABLE), language="es-MX"),
        replace(letter(PAYABLE), language=None),
        replace(UNDATED, payment_deadline=date(2026, 11, 30)),
    ],
)
def test_a_letter_as_it_should_be_needs_no_remark(subject: Letter) -> None:
    assert noted(subject) == []


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (replace(letter(PAYABLE), language="fr"), "there are no emails in the parent's language 'fr': in 'en' instead"),
        (UNDATED, "no day is said by which to pay"),
        (letter(PAYABLE, replace(MIA, brand="red-rock")), "the children's teams have several brands: 'default' signs"),
        (letter(PAYABLE, tournament="x" * 81), "a name of more than 80 characters is shortened"),
        (letter(*[PAYABLE] * 30), "it has more than 90,000 bytes: Gmail hides the end of it"),
    ],
)
def test_what_may_not_be_meant_is_remarked_on(subject: Letter, said: str) -> None:
    assert noted(subject) == [said]
