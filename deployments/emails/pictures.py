"""Take pictures of every kind of email, in every brand, by day and by night, on a phone and on a desk.

`make screenshots` puts them under .local/emails/, to be looked at, and the README's two under deployments/pictures.
"""

import sys
from itertools import product
from pathlib import Path

from deployments.emails.chromium import Reader, reader
from deployments.emails.samples import PICTURED, samples
from deployments.local.home import LOCAL, REPOSITORY, private_folder
from deployments.local.whole_run import whole_run
from tasks.core.errors import ConfigurationError
from tasks.mail.renderer import Renderer

FOLDER = LOCAL / "emails"
README_PICTURES = REPOSITORY / "deployments" / "pictures"
WIDTHS = (360, 800)
SCHEMES = ("light", "dark")
README = (
    ("email", "fee_notice", "desert-rose", "light"),
    ("email-dark", "reminder", "red-rock", "dark"),
)
ALSO_PICTURED = ("one withheld", "hard names", "lasting links")
"""Cases that every kind is shown for in the default brand alone: what they look like does not depend on it."""


def main() -> int:
    """Take all pictures; return the exit code."""
    try:
        with reader() as chromium:
            with private_folder(FOLDER):
                print(f"{take_all(chromium, Renderer())} pictures in {FOLDER}")
            for name, kind, brand, scheme in README:
                html = Renderer().render(samples(kind, brand, "en")["one child"]).html
                take(chromium, html, README_PICTURES / f"{name}.png", 360, scheme)
    except ConfigurationError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def take_all(chromium: Reader, renderer: Renderer) -> int:
    """Write a picture of each email to the folder; return how many."""
    for old in FOLDER.glob("*.png"):
        old.unlink()
    taken = 0
    for kind, brand, language in product(renderer.kinds, renderer.brands, renderer.languages.known):
        cases = PICTURED + (ALSO_PICTURED if brand == "default" else ())
        for case in cases if language == "en" else PICTURED[1:2]:
            html = renderer.render(samples(kind, brand, language)[case]).html
            for width, scheme in product(WIDTHS, SCHEMES):
                name = f"{kind} {brand} {language} {case} {width} {scheme}".replace(" ", "-")
                take(chromium, html, FOLDER / f"{name}.png", width, scheme)
                taken += 1
    return taken


def take(chromium: Reader, html: str, picture: Path, width: int, scheme: str) -> None:
    """Write a picture of a whole email."""
    chromium.show(html, width, scheme)
    chromium.take_picture(picture)


if __name__ == "__main__":
    with whole_run():
        sys.exit(main())
