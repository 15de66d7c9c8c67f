"""Checks what the pipeline stands on: what a run needs, in one go, or each thing by itself, with how to mend it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from ssl import SSLCertVerificationError

from tasks.club import queries as club_queries
from tasks.core import queries as core_queries
from tasks.core.club_time import find_zone
from tasks.core.errors import ConfigurationError, PermanentError, TransientError
from tasks.core.migrations import check_club_tables, check_migrated
from tasks.links.stripe_api import UnknownSessionError
from tasks.mail.bounce_mailbox import open_bounce_box
from tasks.mail.sample_letters import render_samples
from tasks.operations.restore import check_not_restored
from tasks.services import Services

GREATEST_SKEW = timedelta(minutes=1)
"""More than a slow answer takes; what is mailed says until when a link works, by our clock."""

SAMPLE = 3

CERTIFICATE = (
    "name in SMTP_URL the host that the certificate is for, have it renewed where it has expired, "
    "or name in SSL_CERT_FILE a private authority that vouches for it"
)
"""How to mend what is wrong with the mail server's."""


@dataclass(frozen=True)
class Finding:
    """What was found about one thing; `said` tells how to mend it where it is not well.

    A `warning` is about what is well only where things are as it says.
    """

    about: str
    well: bool
    said: str
    warning: bool = False


@dataclass(frozen=True)
class Check:
    """One thing to check; what `needs` another one is not checked where that is not well.

    Stripe needs our tables: all workers keep to one rate of calls, which is kept there.
    """

    about: str
    look: Callable[[Services], str]
    needs: str = ""
    if_away: str = ""
    """How to mend it where it is out of reach."""


def check_ready(services: Services) -> None:
    """Raise one clear error where the database, Stripe, the mail server or a template would fail the job.

    Raises ConfigurationError where a person has to mend a setting, TransientError where a server is out of reach.
    """
    check_club_tables(services.database)
    check_migrated(services.database)
    check_not_restored(services.database)
    render_samples(services.renderer)
    services.stripe.check()
    with services.mailer() as mailer:
        mailer.check()


def run_health_checks(services: Services) -> Iterator[Finding]:
    """Look at everything, one after the other; nothing is changed anywhere, and nobody is mailed."""
    well = set()
    for check in CHECKS:
        finding = (
            _run(check, services)
            if not check.needs or check.needs in well
            else Finding(check.about, well=False, said=f"not looked at: first mend what is said of the {check.needs}")
        )
        if finding.well:
            well.add(check.about)
        yield finding


def _run(check: Check, services: Services) -> Finding:
    try:
        return Finding(check.about, well=True, said=check.look(services))
    except (ConfigurationError, PermanentError) as error:
        return Finding(check.about, well=False, said=str(error))
    except TransientError as error:
        return Finding(check.about, well=False, said=f"{error}{check.if_away and f'; {check.if_away}'}")


def _database(services: Services) -> str:
    core_queries.read_clock(services.database)
    return f"PostgreSQL at {services.database.place} answers"


def _club_tables(services: Services) -> str:
    check_club_tables(services.database)
    return "the club's tables have all columns, and our user its rights on them"


def _own_tables(services: Services) -> str:
    check_migrated(services.database)
    return "the pipeline's tables are of this version, and our user has its rights on them"


def _restores(services: Services) -> str:
    check_not_restored(services.database)
    return "no restore from a backup waits for a person"


def _tournaments(services: Services) -> str:
    tournaments = club_queries.list_tournaments(services.database)
    for tournament in tournaments:
        try:
            find_zone(tournament.time_zone or services.settings.club_time_zone)
        except ConfigurationError as error:
            raise ConfigurationError(f"{tournament.name}: {error}") from None
    return f"{len(tournaments)} tournaments, all in time zones that exist"


def _database_clock(services: Services) -> str:
    return _compare(services, core_queries.read_clock(services.database), "PostgreSQL's")


def _stripe(services: Services) -> str:
    services.stripe.check()
    mode = "live: it charges real cards" if services.settings.stripe_is_live else "test"
    return f"Stripe takes STRIPE_API_KEY, whose mode is {mode}"


def _stripe_rights(services: Services) -> str:
    services.stripe.check_may_write()
    why_not = services.stripe.why_no_payment_links()
    links = f"and no payment links: {why_not}. Give it that permission to send any" if why_not else "and payment links"
    return f"STRIPE_API_KEY may make and close checkout sessions, {links}"


def _stripe_account(services: Services) -> str:
    """See whether the orders' sessions are of this account and mode, and can be read with their payments."""
    stored = club_queries.list_stored_sessions(services.database, most=SAMPLE)
    known = 0
    for session_id in stored:
        with suppress(UnknownSessionError):
            services.stripe.find(session_id)
            known += 1
    if stored and not known:
        raise ConfigurationError(
            f"Stripe knows none of the {len(stored)} sessions that orders were last given: STRIPE_API_KEY is of "
            "another account than the one that the club's system uses, or its sessions are very old"
        )
    return f"Stripe knows {known} of the {len(stored)} sessions looked at"


def _stripe_clock(services: Services) -> str:
    at = services.stripe.clock()
    return _compare(services, at, "Stripe's") if at else "Stripe does not say its time"


def _compare(services: Services, at: datetime, whose: str) -> str:
    skew = services.clock() - at
    if abs(skew) > GREATEST_SKEW:
        side = "ahead of" if skew > timedelta() else "behind"
        raise ConfigurationError(
            f"This machine's clock is {abs(skew).total_seconds():.0f} seconds {side} {whose}: "
            "synchronize it (NTP), else what is due and how long links live is judged wrongly"
        )
    return f"this machine's clock agrees with {whose}"


def _mail_server(services: Services) -> str:
    try:
        with services.mailer() as mailer:
            mailer.check()
    except ConfigurationError as error:
        if isinstance(error.__cause__, SSLCertVerificationError):
            raise ConfigurationError(f"{error}; {CERTIFICATE}") from error
        raise
    login = "takes our login" if services.settings.smtp_login else "wants no login"
    return f"{services.settings.smtp.hostname} answers, encrypts unless it is on this machine, and {login}"


def _templates(services: Services) -> str:
    renderer = services.renderer
    render_samples(renderer)
    return f"{len(renderer.kinds)} kinds, {len(renderer.brands)} brands, {len(renderer.languages.known)} languages"


def _bounces(services: Services) -> str:
    place = services.settings.bounce_mailbox
    if place is None:
        return "BOUNCE_MAILBOX is not set: mail that comes back is not read"
    with open_bounce_box(place.get_secret_value()):
        return "the mailbox of what comes back can be opened"


CHECKS = (
    Check("database", _database, if_away="start it, or correct DATABASE_URL"),
    Check("club tables", _club_tables, needs="database"),
    Check("own tables", _own_tables, needs="database"),
    Check("restores", _restores, needs="own tables"),
    Check("tournaments", _tournaments, needs="club tables"),
    Check("clock", _database_clock, needs="database"),
    Check("Stripe", _stripe, needs="own tables", if_away="see https://status.stripe.com and this machine's way out"),
    Check("Stripe rights", _stripe_rights, needs="Stripe"),
    Check("Stripe account", _stripe_account, needs="Stripe"),
    Check("Stripe clock", _stripe_clock, needs="Stripe"),
    Check("mail server", _mail_server, if_away="start it, or correct SMTP_URL"),
    Check("templates", _templates),
    Check("bounces", _bounces, if_away="start it, or correct BOUNCE_MAILBOX"),
)
