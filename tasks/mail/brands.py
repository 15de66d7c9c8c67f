"""A brand is how a club looks and signs: one file of templates/brands/.

For example:

name = "Example Hoops"
signature = "The Example Hoops office"

[colors]
accent = "#1d4ed8"     # bar and buttons
on_accent = "#ffffff"  # text on them
text = "#1f2937"
muted = "#4b5563"      # less important text
page = "#f3f4f6"       # around the card
card = "#ffffff"
border = "#d1d5db"
"""

import re
import tomllib
from dataclasses import dataclass, fields

from tasks.errors import ConfigurationError

# Readable for people with low vision: WCAG 2.2, success criterion 1.4.3 (AA).
_MIN_CONTRAST = 4.5
# Below it sRGB is linear (WCAG 2.2, "relative luminance").
_LINEAR_UP_TO = 0.04045
_READ_TOGETHER = (
    ("on_accent", "accent"),
    ("text", "card"),
    ("muted", "card"),
    ("text", "page"),
    ("muted", "page"),
    ("accent", "card"),
)


@dataclass(frozen=True)
class Colors:
    """Hold a brand's colours, each as #rrggbb."""

    accent: str
    on_accent: str
    text: str
    muted: str
    page: str
    card: str
    border: str


@dataclass(frozen=True)
class Brand:
    """Hold what templates show of a brand."""

    name: str
    signature: str
    colors: Colors


def read_brand(text: str, file: str) -> Brand:
    """Read a brand from the text of its TOML file; `file` is what errors call it.

    Raises:
        ConfigurationError: if it is not TOML, a key is missing or misspelt, a colour is not #rrggbb, or two colours are
            too alike to be read one on the other.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML ({error}): mend it there.") from error
    colors = table.pop("colors", None)
    if not isinstance(colors, dict):
        raise ConfigurationError(f"{file} lacks the table [colors]: add it, see templates/brands/default.toml.")
    known = _texts(colors, [field.name for field in fields(Colors)], file, "colors.")
    own = _texts(table, ["name", "signature"], file, "")
    _check_colors(known, file)
    return Brand(own["name"], own["signature"], Colors(**known))


def _texts(table: dict[str, object], keys: list[str], file: str, prefix: str) -> dict[str, str]:
    for key in keys:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise ConfigurationError(f"{file} lacks {prefix}{key}: give it a text, see templates/brands/default.toml.")
    for key in table.keys() - set(keys):
        raise ConfigurationError(f"{file} has the unknown key {prefix}{key}: known are {', '.join(keys)}.")
    return {key: str(table[key]).strip() for key in keys}


def _check_colors(colors: dict[str, str], file: str) -> None:
    for key, color in colors.items():
        if not re.fullmatch("#[0-9a-fA-F]{6}", color):
            raise ConfigurationError(f"{file}: colors.{key} is {color!r}, write it as #rrggbb.")
    for front, back in _READ_TOGETHER:
        ratio = contrast(colors[front], colors[back])
        if ratio < _MIN_CONTRAST:
            raise ConfigurationError(
                f"{file}: colors.{front} on colors.{back} has a contrast of {ratio:.1f}, not {_MIN_CONTRAST} or more: "
                "make one of them darker or lighter."
            )


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two #rrggbb colours, 1 to 21, as WCAG 2.2 defines it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    channels = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= _LINEAR_UP_TO else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
