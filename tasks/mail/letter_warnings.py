"""What a person should know about a letter before it goes out: no reason to stop it, and no name or address in it."""

from tasks.mail.display_names import MAX_NAME
from tasks.mail.languages import Languages
from tasks.mail.letter import Letter
from tasks.mail.renderer import RenderedMail

GMAIL_CLIPS = 90_000
"""Bytes of HTML. Gmail hides the rest of an email beyond about 102 KB; some room is left for what servers add."""


def letter_warnings(letter: Letter, mail: RenderedMail, languages: Languages) -> list[str]:
    """Return a sentence for each thing that may not be meant."""
    found = []
    if languages.is_missing(letter.language):
        found.append(f"there are no emails in the parent's language {letter.language!r}: in {mail.language!r} instead")
    if letter.payment_deadline is None and any(line.due_date is None for line in letter.payable):
        found.append("no day is said by which to pay")
    if len(letter.brands) > 1:
        found.append(f"the children's teams have several brands: {letter.brand!r} signs")
    names = [letter.parent, letter.tournament, *(name for line in letter.lines for name in (line.player, line.team))]
    if any(len(name) > MAX_NAME for name in names):
        found.append(f"a name of more than {MAX_NAME} characters is shortened")
    if len(mail.html.encode()) > GMAIL_CLIPS:
        found.append(f"it has more than {GMAIL_CLIPS:,} bytes: Gmail hides the end of it")
    return found
