"""Make text from the database fit to be shown: names are typed by strangers and go into subjects, headers and pages."""

import re
import unicodedata
from dataclasses import replace

from tasks.mail.letter import FeeLine, Letter

# Long enough for any real name; four siblings at this length still make a readable email.
MAX_NAME = 80
MAX_NOTE = 1000

_MAX_CURRENCY = 8  # a code has three letters; anything else is shown as it stands, and stands out
_ELLIPSIS = "…"
# Scripts such as Persian and Hindi, and many emoji, are spelled with these two joiners.
_JOINERS = "\u200c\u200d"
# Letters and a symbol by their category, but blank wherever they are shown: Hangul fillers and the empty Braille cell.
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
# What mail programs make a link of also without "https://": www.example.org, example.org, dana@example.org.
_LIKE_A_DOMAIN = re.compile(r"(?<=[^\W_]{2})[.\u3002\uff0e\uff61](?=[^\W\d_]{2})")


def display_safe(text: str, limit: int = MAX_NAME) -> str:
    """Return the text as one line of visible characters, at most `limit` long, in Unicode's NFC.

    Control characters, line ends and runs of spaces become one space. Bidirectional controls and other invisible format
    characters are dropped, so that a name cannot turn the sentence around it; of a text with nothing to see, nothing is
    left. "://" becomes a space, so that no mail program makes a link of it, and "=?" is parted, so that none decodes it
    as an encoded word (RFC 2047). What is too long ends in an ellipsis. Applying it twice changes nothing more.
    """
    visible = "".join(_shown(character) for character in text)
    harmless = visible.replace("://", " ").replace("=?", "= ?")
    line = unicodedata.normalize("NFC", " ".join(harmless.split()))
    if all(unicodedata.category(character)[0] == "M" or character in f" {_JOINERS}" for character in line):
        return ""
    return line if len(line) <= limit else _cut(line, limit)


def display_name(text: str) -> str:
    """Return a name made display-safe, and parted where a mail program would make a link of it: "example. org"."""
    return display_safe(_LIKE_A_DOMAIN.sub(r"\g<0> ", display_safe(text)))


def display_letter(letter: Letter) -> Letter:
    """Return the letter with names and note made display-safe and currencies in upper case; links stay as they are."""
    return replace(
        letter,
        parent=display_name(letter.parent),
        tournament=display_name(letter.tournament),
        note=display_safe(letter.note, MAX_NOTE),
        lines=tuple(_display_line(line) for line in letter.lines),
    )


def _display_line(line: FeeLine) -> FeeLine:
    return replace(
        line,
        player=display_name(line.player),
        team=display_name(line.team),
        currency=display_safe(line.currency, _MAX_CURRENCY).upper(),
    )


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp", "Zs"} or character in _BLANKS:
        return " "
    if category == "Cs":  # a lone surrogate cannot be encoded
        return "\ufffd"
    return "" if category == "Cf" and character not in _JOINERS else character


def _cut(line: str, limit: int) -> str:
    """Cut before `limit`, not between a letter and the marks that sit on it unless it has nothing but marks."""
    end = limit - len(_ELLIPSIS)
    while end > limit // 2 and (unicodedata.combining(line[end]) or line[end] in _JOINERS):
        end -= 1
    return line[:end].rstrip(" " + _JOINERS) + _ELLIPSIS
