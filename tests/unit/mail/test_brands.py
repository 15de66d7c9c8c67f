import re
from pathlib import Path

import pytest

from tasks.core.errors import ConfigurationError
from tasks.mail.brands import contrast, read_brand
from tasks.mail.template_files import TEMPLATES

FILE = "templates/brands/default.toml"
DEFAULT = (TEMPLATES / "brands" / "default.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", sorted((TEMPLATES / "brands").glob("*.toml")), ids=lambda file: file.stem)
def test_every_brand_reads_well_by_day_and_by_night(file: Path) -> None:
    brand = read_brand(file.read_text(encoding="utf-8"), f"templates/brands/{file.name}")
    for colors in (brand.colors, brand.dark):
        for ground in (colors.card, colors.page):
            for ink in (colors.text, colors.muted, colors.accent):
                assert contrast(ink, ground) >= 4.5
        assert contrast(colors.on_accent, colors.accent) >= 4.5
    assert contrast(brand.colors.text, brand.colors.card) > 12
    assert contrast(brand.dark.text, brand.dark.card) > 12


def test_a_signature_is_in_the_reader_s_language_or_the_club_s() -> None:
    brand = read_brand(DEFAULT, FILE)
    assert brand.signature("es", "en") == "La oficina del club"
    assert brand.signature("fr", "es") == "La oficina del club"
    assert brand.signature("fr", "it") == "The club office"


@pytest.mark.parametrize(
    ("pattern", "instead", "message"),
    [
        (r"\[colors\](.|\n)*", "", f"{FILE} lacks the table [colors]"),
        (r"\[dark\](.|\n)*", "", f"{FILE} lacks the table [dark]"),
        (r"\[signature\](.|\n)*?\n\n", "", f"{FILE} lacks the table [signature]"),
        (r"en = .*", "", f"{FILE} lacks signature.en"),
        (r"es = .*", "es = ''", f"{FILE} lacks signature.es"),
        (
            r"#website = .*",
            'website = "club.example.org"',
            f"{FILE}: website is 'club.example.org', write it as https://",
        ),
        (r"#website = .*", 'website = "javascript:alert(1)"', f"{FILE}: website is"),
        (r"#reply_to = .*", 'reply_to = "robin"', f"{FILE}: reply_to is not a mail address"),
        (r"#address = .*", "address = ' '", f"{FILE} lacks address"),
        (r"accent = .*", "", f"{FILE} lacks colors.accent"),
        (r"name = .*", "name = 3", f"{FILE} lacks name"),
        (r"name = .*", "name = ' '", f"{FILE} lacks name"),
        (r"card = .*", 'card = "white"', f"{FILE}: colors.card is 'white', write it as #rrggbb"),
        (r"card =", "crad =", f"{FILE} lacks colors.card"),
        (r"name =", 'nmae = "x"\nname =', f"{FILE} has the unknown key nmae"),
        (r"muted = .*", 'muted = "#c0c0c0"', f"{FILE}: colors.muted on colors.card has a contrast of 1.8"),
        (r"name = .*", "name = oops", f"{FILE} is not valid TOML"),
    ],
)
def test_a_brand_that_cannot_be_used_is_refused_by_file_and_key(pattern: str, instead: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        read_brand(re.sub(rf"(?m)^{pattern}", lambda _: instead, DEFAULT, count=1), FILE)


def test_a_brand_is_named_as_a_style_sheet_can_name_it() -> None:
    with pytest.raises(ConfigurationError, match="name it with small letters"):
        read_brand(DEFAULT, "templates/brands/Red Rock.toml")


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
