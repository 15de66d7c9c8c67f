"""A brand is how a club looks and signs: one file of templates/brands/, as templates/brands/default.toml explains."""

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import PurePath

from tasks.core.email_address import own_address
from tasks.core.errors import ConfigurationError

# Readable for people with low vision: WCAG 2.2, success criterion 1.4.3 (AA).
MIN_CONTRAST = 4.5
# Below it sRGB is linear (WCAG 2.2, "relative luminance").
_LINEAR_UP_TO = 0.04045
_READ_TOGETHER = (
    ("on_accent", "accent"),
    ("text", "card"),
    ("muted", "card"),
    ("text", "page"),
    ("muted", "page"),
    ("accent", "card"),
    ("accent", "page"),
)
_EXAMPLE = "see templates/brands/default.toml"
_OPTIONAL = ("address", "reply_to", "website")


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
    """Hold what templates show of a brand; `id` is its file's name, `signatures` are by language."""

    id: str
    name: str
    signatures: dict[str, str]
    colors: Colors
    dark: Colors
    address: str | None = None
    reply_to: str | None = None
    website: str | None = None

    def signature(self, language: str, default: str) -> str:
        """Return who signs, in a language or else in the default one, or as the brand has it at all."""
        return self.signatures.get(language) or self.signatures.get(default) or next(iter(self.signatures.values()))


def read_brand(text: str, file: str) -> Brand:
    """Read a brand from the text of its TOML file; `file` is what errors call it.

    Raises:
        ConfigurationError: if it is not TOML, a key is missing or misspelt, a colour is not #rrggbb, two colours are
            too alike to be read one on the other, or an address is none.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML ({error}): mend it there.") from error
    colors, dark = (_colors(table.pop(name, None), name, file) for name in ("colors", "dark"))
    signatures = _table(table.pop("signature", None), "signature", file)
    own = _texts(table, ["name"], _OPTIONAL, file, "")
    _check_addresses(own, file)
    return Brand(
        id=_id(file),
        name=own["name"],
        signatures=_texts(signatures, ["en"], tuple(signatures), file, "signature."),
        colors=colors,
        dark=dark,
        **{key: own.get(key) for key in _OPTIONAL},
    )


def _id(file: str) -> str:
    """Return the file's name, which styles sheets of emails use too."""
    name = PurePath(file).stem
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ConfigurationError(
            f"{file}: name it with small letters a to z, digits and hyphens, such as red-rock.toml."
        )
    return name


def _table(value: object, name: str, file: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{file} lacks the table [{name}]: add it, {_EXAMPLE}.")
    return value


def _colors(value: object, name: str, file: str) -> Colors:
    known = _texts(_table(value, name, file), [field.name for field in fields(Colors)], (), file, f"{name}.")
    _check_colors(known, name, file)
    return Colors(**known)


def _texts(
    table: dict[str, object], needed: list[str], optional: tuple[str, ...], file: str, prefix: str
) -> dict[str, str]:
    known = list(dict.fromkeys([*needed, *optional]))
    for key in [*needed, *(key for key in optional if key in table)]:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise ConfigurationError(f"{file} lacks {prefix}{key}: give it a text, {_EXAMPLE}.")
    for key in table.keys() - set(known):
        raise ConfigurationError(f"{file} has the unknown key {prefix}{key}: known are {', '.join(known)}.")
    return {key: str(table[key]).strip() for key in known if key in table}


def _check_addresses(own: dict[str, str], file: str) -> None:
    website = own.get("website")
    if website is not None and not re.fullmatch(r"https://[!-~]+", website):
        raise ConfigurationError(f"{file}: website is {website!r}, write it as https://club.example.org.")
    try:
        own_address(own["reply_to"]) if "reply_to" in own else None
    except ValueError as error:
        raise ConfigurationError(f"{file}: reply_to {error}.") from None


def _check_colors(colors: dict[str, str], table: str, file: str) -> None:
    for key, color in colors.items():
        if not re.fullmatch("#[0-9a-fA-F]{6}", color):
            raise ConfigurationError(f"{file}: {table}.{key} is {color!r}, write it as #rrggbb.")
    for front, back in _READ_TOGETHER:
        ratio = contrast(colors[front], colors[back])
        if ratio < MIN_CONTRAST:
            raise ConfigurationError(
                f"{file}: {table}.{front} on {table}.{back} has a contrast of {ratio:.1f}, not {MIN_CONTRAST} or more: "
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
