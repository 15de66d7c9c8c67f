"""Everything the pipeline talks to, on this machine, for as long as a block of code runs."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dotenv import dotenv_values

from deployments.local.home import REPOSITORY
from deployments.local.kept_secrets import kept_secret
from deployments.local.ports import last_port, remember_port
from deployments.local.postgres import embedded_postgres
from deployments.local.prefect_login import given_login, kept_login
from deployments.local.prefect_server import prefect_client_environment, prefect_server
from deployments.local.processes import Child, ChildProcesses, child_processes
from deployments.local.stripe_standin.control import StandInControl
from tasks.core.settings_source import env_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_DEFAULTS = {
    "MAIL_FROM": "Example Hoops Club <fees@example.org>",
    "CHECKOUT_SUCCESS_URL": "https://club.example.org/paid",
    "CHECKOUT_CANCEL_URL": "https://club.example.org/not-paid",
}
_FROM_THE_USER = (*_DEFAULTS, "DATABASE_URL", "SMTP_URL", "STRIPE_API_KEY", "STRIPE_API_BASE", "STRIPE_ALLOW_LIVE")


@dataclass(frozen=True)
class Stack:
    """A running stack. A part's URL is None where the user's own service is used, or where it was not asked for."""

    home: Path
    children: ChildProcesses = field(repr=False, compare=False)
    environment: dict[str, str] = field(repr=False)  # it can hold the user's own Stripe key and passwords
    stripe_url: str | None
    mail_url: str | None = field(repr=False)  # with the key that opens it
    mail_folder: Path | None
    prefect_url: str | None

    def stand_in(self) -> StandInControl:
        """Return a client of the stand-in's control routes, where the stack has one."""
        return StandInControl(self.stripe_url or "", kept_secret(self.home, "stripe-control"))


def given_settings() -> dict[str, str]:
    """Return the user's settings as the pipeline reads them: .env, and the environment above it."""
    file = env_file()
    written = {name: value for name, value in dotenv_values(file).items() if value is not None} if file else {}
    return {**written, **os.environ}


@contextmanager
def local_stack(
    home: Path,
    *,
    prefect: bool = True,
    given: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = print,
) -> Iterator[Stack]:
    """Start the stack, yield once all of it answers, and stop all of it at the end, whatever the end is.

    Where `given` (by default given_settings()) has DATABASE_URL, STRIPE_API_KEY or SMTP_URL, that service is used and
    ours is not started; pass `{}` where nothing of the user's may be touched. SIGTERM and SIGHUP end the block with a
    SystemExit, unless the program has an end of its own for them. Raises HomeInUseError, ChildFailedError.
    """
    given = given_settings() if given is None else given
    home = home.absolute()
    login = given_login(given)
    with _signals_raise(), _without_proxy(), child_processes(home, progress) as children, ExitStack() as parts:
        login = (login or kept_login(home)) if prefect else None
        # These two get ready by themselves while PostgreSQL and Prefect, which take longer, are waited for.
        stripe = None if given.get("STRIPE_API_KEY") else _start_stripe(children)
        mail = None if given.get("SMTP_URL") else _start_mail(children)
        ours, prefect_url = _start_databases(children, parts, given, login, progress)
        stripe_url = _wait_for_stripe(children, stripe, progress)
        smtp_url, mail_url = _wait_for_mail(children, mail, progress)
        if stripe_url:
            ours |= {"STRIPE_API_KEY": _stripe_key(home), "STRIPE_API_BASE": stripe_url}
        if smtp_url:
            ours |= {"SMTP_URL": smtp_url}
        theirs = {name: given[name] for name in _FROM_THE_USER if given.get(name)}
        environment = {**_DEFAULTS, **theirs, **ours, **prefect_client_environment(home, prefect_url, login)}
        environment["TOURNAMENT_FEES_ROOT"] = str(REPOSITORY)
        environment["PREVIEW_FOLDER"] = given.get("PREVIEW_FOLDER") or str(home / "previews")
        yield Stack(
            home, children, environment, stripe_url, mail_url, _mail_folder(home) if mail else None, prefect_url
        )
        progress("Stopping")


def _start_databases(
    children: ChildProcesses,
    parts: ExitStack,
    given: Mapping[str, str],
    login: str | None,
    progress: Callable[[str], None],
) -> tuple[dict[str, str], str | None]:
    """Start PostgreSQL for those databases that are ours, and Prefect on one where there is a `login` for it.

    Return our settings and Prefect's URL.
    """
    club = not given.get("DATABASE_URL")
    databases = (*(["club"] if club else []), *(["prefect"] if login else []))
    if not databases:
        return {}, None
    server = parts.enter_context(embedded_postgres(children.home / "postgres", databases=databases, children=children))
    progress(f"PostgreSQL   in {children.home / 'postgres'}")
    ours = {"DATABASE_URL": server.url("club")} if club else {}
    if not login:
        return ours, None
    progress("Prefect      starting, this takes some seconds")
    url = prefect_server(children, server.url("prefect", "asyncpg"), login)
    progress(f"Prefect      {url}")
    return ours, url


def _start_stripe(children: ChildProcesses) -> Child:
    data, port = str(children.home / "stripe.sqlite3"), last_port(children.home, "stripe")
    program = [sys.executable, "-m", "deployments.local.stripe_standin"]
    keys = {
        "STANDIN_API_KEY": _stripe_key(children.home),
        "STANDIN_CONTROL_SECRET": kept_secret(children.home, "stripe-control"),
    }
    return children.start("stripe", [*program, "--data", data, "--port", str(port)], environment=keys)


def _stripe_key(home: Path) -> str:
    return kept_secret(home, "stripe-api", prefix="sk_test_")


def _wait_for_stripe(children: ChildProcesses, child: Child | None, progress: Callable[[str], None]) -> str | None:
    if child is None:
        return None
    url = child.wait_until(child.listening_on)
    remember_port(children.home, "stripe", urlsplit(url).port)
    progress(f"Stripe       {url} (a stand-in: no card is charged)")
    return url


def _start_mail(children: ChildProcesses) -> Child:
    smtp, http = (last_port(children.home, name) for name in ("smtp", "mail"))
    program = [sys.executable, "-m", "deployments.local.mail_catcher", "--folder", str(_mail_folder(children.home))]
    # Who has taken the port of last time may have been sent the key, by a bookmark.
    key = {"MAIL_CATCHER_KEY": kept_secret(children.home, "mail", renew=http == 0)}
    return children.start("mail", [*program, "--smtp-port", str(smtp), "--http-port", str(http)], environment=key)


def _wait_for_mail(
    children: ChildProcesses, child: Child | None, progress: Callable[[str], None]
) -> tuple[str | None, str | None]:
    if child is None:
        return None, None
    smtp_url, _, mail_url = child.wait_until(child.listening_on).partition(" and ")
    remember_port(children.home, "smtp", urlsplit(smtp_url).port)
    remember_port(children.home, "mail", urlsplit(mail_url).port)
    progress(f"Caught mail  {mail_url} (nothing is delivered)")
    return smtp_url, f"{mail_url}/{kept_secret(children.home, 'mail')}/"


def _mail_folder(home: Path) -> Path:
    return home / "mail"


@contextmanager
def _without_proxy() -> Iterator[None]:
    """Reach this machine directly, also where the user's environment names a proxy for the web."""
    before = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    spared = next((value for value in before.values() if value), "")
    os.environ.update(dict.fromkeys(before, ",".join(filter(None, [spared, "127.0.0.1", "localhost"]))))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Turn the signals that would end us at once into SystemExit, so that what is open gets closed."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; the warden stops the children all the same
        return
    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _leave(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one does not interrupt the closing
    sys.exit(128 + number)
