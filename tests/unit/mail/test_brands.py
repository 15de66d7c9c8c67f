import re

import pytest

from tasks.errors import ConfigurationError
from tasks.mail.brands import contrast, read_brand
from tasks.mail.rendering import TEMPLATES

FILE = "templates/brands/default.toml"
DEFAULT = (TEMPLATES / "brands" / "default.toml").read_text(encoding="utf-8")


def test_the_default_brand_reads_well() -> None:
    brand = read_brand(DEFAULT, FILE)
    assert brand.name
    assert contrast(brand.colors.on_accent, brand.colors.accent) > 7


@pytest.mark.parametrize(
    ("pattern", "instead", "message"),
    [
        (r"\[colors\](.|\n)*", "", f"{FILE} lacks the table [colors]"),
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


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
