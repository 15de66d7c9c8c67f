"""Puts the parts together: the one place that knows which settings feed which part."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from tasks.core.database import Database, UnknownTableError, shared_database
from tasks.core.rate_limit import RateLimit
from tasks.core.settings import Settings
from tasks.core.settings_source import load_settings
from tasks.core.settings_values import STRIPE_API
from tasks.links.decision import LinkPolicy
from tasks.links.keeper import LinkKeeper
from tasks.links.ledger import LinkLedger
from tasks.links.payment_link_lists import PaymentLinkLists
from tasks.links.seen_sessions import SeenSessions
from tasks.links.stripe_api import StripeLinks
from tasks.links.stripe_api.rate_limit import StripeRateLimit
from tasks.links.stripe_lists import StripeLists
from tasks.links.stripe_params import ReturnPages
from tasks.mail.quota import Quota
from tasks.mail.renderer import Renderer
from tasks.mail.smtp import Mailer

TURN_SECONDS = 240
"""How far away a worker's turn at the mail server may be: shorter than its claims live."""

STRIPE_HOSTS = frozenset({"checkout.stripe.com", "buy.stripe.com"})
"""Where Checkout Sessions and Payment Links are opened."""


def utc_now() -> datetime:
    """Return the business time: now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """All that a step needs to do its work."""

    settings: Settings
    database: Database
    stripe: StripeLinks
    keeper: LinkKeeper
    stripe_lists: StripeLists
    renderer: Renderer
    clock: Callable[[], datetime]
    sending: RateLimit | None
    """The turns of all workers at the mail server; None: no limit a second."""

    @property
    def quota(self) -> Quota:
        """The sending limits an hour and a day."""
        return Quota(self.settings.send_limit_per_hour, self.settings.send_limit_per_day)

    @contextmanager
    def mailer(self) -> Iterator[Mailer]:
        """Give a mail server connection for a while."""
        mailer = Mailer(self.settings)
        try:
            yield mailer
        finally:
            mailer.close()


@lru_cache(maxsize=2)
def _renderer(language: str, time_zone: str) -> Renderer:
    """Compile the templates once a process: each batch opens its services anew."""
    return Renderer(language=language, time_zone=time_zone)


@contextmanager
def open_services(settings: Settings | None = None, clock: Callable[[], datetime] = utc_now) -> Iterator[Services]:
    """Put the parts together from the settings; nothing is connected to before it is used."""
    settings = settings or load_settings()
    with shared_database(settings.database_url.get_secret_value()) as database:
        try:
            yield _put_together(settings, database, clock)
        except UnknownTableError:
            _check_tables(database)
            raise


def _put_together(settings: Settings, database: Database, clock: Callable[[], datetime]) -> Services:
    stripe = StripeLinks(
        settings.stripe_api_key.get_secret_value(), settings.stripe_api_base, stripe_rate_limit(settings, database)
    )
    seen_sessions = SeenSessions(database, settings.club_reference)
    ledger = LinkLedger(database)
    keeper = LinkKeeper(
        ledger=ledger,
        stripe=stripe,
        policy=link_policy(settings),
        pages=ReturnPages(settings.checkout_success_url, settings.checkout_cancel_url),
        clock=clock,
        seen_sessions=seen_sessions,
    )
    stripe_lists = StripeLists(
        stripe, seen_sessions, PaymentLinkLists(stripe, seen_sessions, ledger), _mode(settings), clock
    )
    renderer = _renderer(settings.club_language, settings.club_time_zone)
    return Services(
        settings,
        database,
        stripe,
        keeper,
        stripe_lists,
        renderer,
        clock,
        sending=sending_rate_limit(settings, database),
    )


def _check_tables(database: Database) -> None:
    """Raise a ConfigurationError where the tables, the club's or ours, are not those that this version knows."""
    from tasks.core.migrations import check_club_tables, check_migrated  # noqa: PLC0415  Alembic is seldom needed

    check_club_tables(database)
    check_migrated(database)


def sending_rate_limit(settings: Settings, database: Database) -> RateLimit | None:
    """Return the rate at which all workers together hand messages to the mail server, where it is limited."""
    rate = settings.send_limit_per_second
    return None if rate is None else RateLimit(database, "messages to the mail server", rate, patience=TURN_SECONDS)


def stripe_rate_limit(settings: Settings, database: Database) -> StripeRateLimit:
    """Return the rates of the key's mode: Stripe counts live and test calls, and reads and writes, each by itself."""
    return StripeRateLimit(
        reads=RateLimit(database, f"reads from Stripe ({_mode(settings)})", settings.stripe_rate),
        writes=RateLimit(database, f"writes to Stripe ({_mode(settings)})", settings.stripe_rate),
    )


def _mode(settings: Settings) -> str:
    return "live" if settings.stripe_is_live else "test"


def link_policy(settings: Settings) -> LinkPolicy:
    """Return what a link must be to be mailed: on Stripe's host, the account's own domain, or the stand-in's."""
    stand_in = settings.stripe_api_base != STRIPE_API
    hosts = {
        *STRIPE_HOSTS,
        settings.stripe_checkout_domain,
        urlsplit(settings.stripe_api_base).hostname if stand_in else None,
    }
    return LinkPolicy(
        minimum_life=timedelta(hours=settings.checkout_minimum_life_hours),
        livemode=settings.stripe_is_live,
        hosts=frozenset(host for host in hosts if host),
        allow_http=stand_in,
    )
