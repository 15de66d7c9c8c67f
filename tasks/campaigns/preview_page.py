"""The page on which a person looks at every message before it goes out: a file for the operator's eyes alone."""

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from shutil import copyfileobj
from typing import IO, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.campaigns.dry_run import DryRun
from tasks.campaigns.message import Skipped
from tasks.campaigns.options import Campaign
from tasks.core.errors import ConfigurationError
from tasks.core.private_files import forget_drafts, make_private_folder, whole_file
from tasks.mail.template_files import TEMPLATES

KEPT_FOR = timedelta(days=14)
"""Pages name parents and children: those that are older are deleted when another is written."""

_PAGES = Environment(
    loader=FileSystemLoader(TEMPLATES / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


class PreviewPage:
    """Takes messages one after the other, so that memory does not grow with the campaign."""

    def __init__(self, messages: IO[bytes]) -> None:
        self._parts: Any = _PAGES.get_template("preview.html").module
        self._messages = messages

    def add(self, number: int, dry_run: DryRun) -> None:
        """Take a message that would go out."""
        self._messages.write(self._parts.message(number, dry_run).encode())

    def write(
        self, folder: Path, campaign: Campaign, totals: object, skipped: Iterable[Skipped], now: datetime
    ) -> Path:
        """Write the page into the folder, for its owner's eyes alone, and return its path; old pages go.

        `totals` is what its head tells, as templates/pages/preview.html has it. Raises ConfigurationError where the
        folder cannot be written to.
        """
        try:
            make_private_folder(folder)
            _forget(folder, now - KEPT_FOR)
            file = folder / _name(campaign, now)
            with whole_file(file) as page:
                page.write(self._parts.head(totals, f"{now:%Y-%m-%d %H:%M} UTC").lstrip().encode())
                self._messages.seek(0)
                copyfileobj(self._messages, page)
                page.write(self._parts.foot(skipped).encode())
        except OSError as error:
            raise ConfigurationError(
                f"The preview cannot be written to {folder} ({error.strerror}): set PREVIEW_FOLDER to a folder in "
                "which the pipeline's user may write"
            ) from error
        return file


@contextmanager
def preview_page() -> Iterator[PreviewPage]:
    """Give a page that takes messages; what they say is in a file without a name, which nobody else can open."""
    with tempfile.TemporaryFile() as messages:
        yield PreviewPage(messages)


def forget_pages(folder: Path, tournaments: Sequence[str]) -> int:
    """Delete the pages about these tournaments, and return how many they were."""
    slugs = {_slug(name) for name in tournaments} - {""}  # a name without a letter says nothing: such pages age away
    about = "|".join(map(re.escape, sorted(slugs)))
    ours = re.compile(rf"preview-({about})-[a-z_]+-\d{{8}}-")
    pages = [page for page in folder.glob("preview-*.html") if slugs and ours.match(page.name)]
    for page in pages:
        page.unlink(missing_ok=True)
    forget_drafts(folder)  # they do not say what they are about
    return len(pages)


def _name(campaign: Campaign, now: datetime) -> str:
    return f"preview-{_slug(campaign.tournament)}-{campaign.kind}-{now:%Y%m%d-%H%M%S}-{token_hex(4)}.html"


def _slug(tournament: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", tournament.lower()).strip("-")[:60]


def _forget(folder: Path, before: datetime) -> None:
    """Delete the pages that were written before then."""
    for page in folder.glob("preview-*.html"):
        if page.stat().st_mtime < before.timestamp():
            page.unlink(missing_ok=True)
