"""Check all templates as they will be used: `make check` runs this, and so may a club that has changed one.

Every kind is rendered with every brand, in every language, for every sample letter.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

from deployments.emails.samples import samples
from deployments.emails.translations import english, problems
from tasks.core.errors import ConfigurationError
from tasks.mail.languages import CATALOGUE, read_catalogue
from tasks.mail.letter import Letter
from tasks.mail.letter_warnings import GMAIL_CLIPS
from tasks.mail.renderer import RenderedMail, Renderer
from tasks.mail.template_files import TEMPLATES, file_name, read_folder

_LEFT_OVER = re.compile(r"\{\{(?! 7)|\{%|%\((?!names\)s)\w+\)s|\bNone\b|\bUndefined\b")
_VOID = {"br", "meta", "img", "hr", "link", "input"}


def main(folder: Path = TEMPLATES) -> int:
    """Print what is wrong with the templates of a folder, a line each; return the exit code."""
    found = 0
    for complaint in complaints(folder):
        print(complaint, file=sys.stderr)
        found += 1
    return 1 if found else 0


def complaints(folder: Path) -> Iterator[str]:
    """Say what is wrong with the catalogues, then with the letters, up to the first that cannot be rendered at all."""
    try:
        sources = read_folder(folder)
        for name in filter(CATALOGUE.fullmatch, sources):
            for problem in problems(read_catalogue(sources[name], name), english(sources)):
                yield f"{file_name(name)}: {problem}"
        yield from _wrong_with_letters(Renderer(folder))
    except ConfigurationError as error:
        yield str(error)


def _wrong_with_letters(renderer: Renderer) -> Iterator[str]:
    for kind, brand, language in product(renderer.kinds, renderer.brands, renderer.languages.known):
        renderer.digest(kind)
        for case, letter in samples(kind, brand, language).items():
            for said in wrong_with(renderer.render(letter), letter, renderer):
                yield f"{file_name(kind)} ({brand}, {language}, {case}): {said}"


def wrong_with(mail: RenderedMail, letter: Letter, renderer: Renderer) -> Iterator[str]:
    """Say what is wrong with one rendered letter."""
    page = Page(mail.html)
    payment = [line.url for line in letter.payable if line.url]
    website = renderer.brands[letter.brand].website
    in_text = re.findall(r"https?://\S+", mail.text)
    if in_text != payment + [website] * bool(website):
        yield f"the text part has {_count(in_text)}, not one for each fee to pay and the brand's website"
    if list(dict.fromkeys(page.links)) != in_text:
        yield "the links of the HTML part are not those of the text part, in their order"
    if missing := [link for link in in_text if link not in page.words]:
        yield f"{_count(missing)} cannot be read in the HTML part"
    if page.unclosed:
        yield f"the HTML part does not close <{page.unclosed[-1]}>"
    if (size := len(mail.html.encode())) > GMAIL_CLIPS:
        yield f"the HTML part has {size:,} bytes: Gmail hides what is beyond about 100,000"
    if mail.language != letter.language:
        yield f"it is in the language {mail.language}"
    for part, said in (("subject", mail.subject), ("text part", mail.text), ("HTML part", page.words)):
        if not said.strip():
            yield f"the {part} is empty"
        if found := _LEFT_OVER.search(said):
            yield f"the {part} shows {found[0]!r}"


class Page(HTMLParser):
    """Collect the links and the visible words of an HTML part, and what it leaves open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words = ""
        self.unclosed: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an address, and that the element is open."""
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "background", "action"}]
        if tag not in _VOID:
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note that the element is closed, if it is the last one that was opened."""
        if self.unclosed and self.unclosed[-1] == tag:
            self.unclosed.pop()

    def handle_data(self, data: str) -> None:
        """Note what can be read."""
        if not {"style", "title"} & set(self.unclosed):
            self.words += data


def _count(links: list[str]) -> str:
    return f"{len(links)} links" if len(links) != 1 else "1 link"


if __name__ == "__main__":
    sys.exit(main())
