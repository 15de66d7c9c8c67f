"""Settings from the environment or .env, checked before anything is done; secrets are never printed."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import time
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from tasks.errors import ConfigurationError
from tasks.local_time import QuietHours
from tasks.mailbox import own_address

STRIPE_API = "https://api.stripe.com"
ENV_FILE = "TOURNAMENT_FEES_ENV_FILE"
LIVE_CALLS_PER_SECOND = 60.0
TEST_CALLS_PER_SECOND = 15.0
STAND_IN_CALLS_PER_SECOND = 1000.0
"""Where nothing else is set: well below the 100 reads and 100 writes a second that Stripe allows live, and its 25 in
test mode, since the club's own system calls too; the stand-in has no limit of its own."""
STRIPE_KEY = re.compile(r"[sr]k_(test|live)_[\w-]{5,}", re.ASCII)
NO_DATABASE = "is not a PostgreSQL address such as postgresql://user:password@host:5432/club"
NO_MAIL_SERVER = "is not a mail server such as smtp://user:password@mail.example.org:587 or smtps://…:465"
NO_BOUNCE_MAILBOX = (
    "is neither a maildir such as maildir:/var/mail/bounces nor an IMAP folder such as "
    "imaps://user:password@mail.example.org/INBOX (imap:// on this machine only)"
)
_EMPTY_IS_UNSET = BeforeValidator(lambda value: None if value == "" else value)


class ScheduleSettings(BaseSettings):
    """What has to be known to deploy the flows with their schedules, wherever that is done; nothing else is needed."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True)

    club_time_zone: str = "UTC"
    reminder_hour: int = Field(default=10, ge=0, le=23)
    reminder_quiet_hours: str = "20:00-08:00"
    alert_url: Annotated[SecretStr | None, _EMPTY_IS_UNSET] = None

    @field_validator("club_time_zone")
    @classmethod
    def _check_time_zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (KeyError, ValueError, OSError):  # unknown, malformed, or a folder of the database
            raise ValueError("is not a time zone by its IANA name such as America/Denver") from None

    @field_validator("reminder_quiet_hours")
    @classmethod
    def _check_quiet_hours(cls, value: str) -> str:
        QuietHours.parse(value)
        return value

    @model_validator(mode="after")
    def _refuse_reminders_at_night(self) -> Self:
        quiet = QuietHours.parse(self.reminder_quiet_hours)
        if quiet is not None and quiet.cover(time(self.reminder_hour)):
            raise ValueError(
                f"REMINDER_HOUR {self.reminder_hour} lies in REMINDER_QUIET_HOURS: all reminders would wait for morning"
            )
        return self


class Settings(ScheduleSettings):
    """What the pipeline needs to know about the world; the README describes each setting."""

    database_url: SecretStr
    stripe_api_key: SecretStr
    stripe_api_base: str = STRIPE_API
    stripe_allow_live: bool = False
    stripe_calls_per_second: Annotated[Annotated[float, Field(gt=0, le=1000)] | None, _EMPTY_IS_UNSET] = None
    stripe_checkout_domain: Annotated[str | None, _EMPTY_IS_UNSET] = None
    club_reference: Annotated[str | None, _EMPTY_IS_UNSET] = None
    checkout_success_url: str
    checkout_cancel_url: Annotated[str | None, _EMPTY_IS_UNSET] = None
    checkout_minimum_life_hours: float = Field(default=12, ge=0.5, le=23)
    smtp_url: SecretStr
    smtp_reply_timeout_seconds: float = Field(default=600, gt=0, le=3600)
    smtp_command_timeout_seconds: float = Field(default=300, gt=0, le=300)
    smtp_messages_per_connection: int = Field(default=100, ge=1)
    mail_from: str
    mail_reply_to: Annotated[str | None, _EMPTY_IS_UNSET] = None
    mail_unsubscribe_url: Annotated[str | None, _EMPTY_IS_UNSET] = None
    club_language: str = "en"
    batch_size: int = Field(default=50, ge=1, le=500)
    max_attempts: int = Field(default=12, ge=1, le=50)
    send_limit_per_second: Annotated[Annotated[float, Field(ge=0.1, le=10_000)] | None, _EMPTY_IS_UNSET] = None
    send_limit_per_hour: Annotated[Annotated[int, Field(ge=1, le=10_000_000)] | None, _EMPTY_IS_UNSET] = None
    send_limit_per_day: Annotated[Annotated[int, Field(ge=1, le=100_000_000)] | None, _EMPTY_IS_UNSET] = None

    approval_timeout_hours: float = Field(default=72, gt=0, le=24 * 90)
    preview_folder: Path = Path(".local/previews")
    reminder_gap_hours: float = Field(default=48, ge=1, le=24 * 60)
    reminder_most: int = Field(default=3, ge=1, le=50)
    bounce_mailbox: Annotated[SecretStr | None, _EMPTY_IS_UNSET] = None

    @field_validator("database_url")
    @classmethod
    def _use_psycopg(cls, value: SecretStr) -> SecretStr:
        scheme, separator, rest = value.get_secret_value().partition("://")
        if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
            raise ValueError(NO_DATABASE)
        url = SecretStr(f"postgresql+psycopg://{rest}")
        try:
            host = make_url(url.get_secret_value()).host
        except (ArgumentError, ValueError):
            raise ValueError(NO_DATABASE) from None
        if "@" in (host or ""):  # errors name the host: the rest of the password would be in them
            raise ValueError("has an @ in its password or user name: write it as %40")
        return url

    @field_validator("stripe_api_key")
    @classmethod
    def _check_key(cls, value: SecretStr) -> SecretStr:
        if not STRIPE_KEY.fullmatch(value.get_secret_value()):
            raise ValueError(
                "is not a Stripe secret or restricted key: sk_test_, rk_test_, sk_live_ or rk_live_ and more"
            )
        return value

    @field_validator("stripe_api_base")
    @classmethod
    def _check_api_base(cls, value: str) -> str:
        address = urlsplit(value)
        if value.rstrip("/") != STRIPE_API and not (address.scheme == "http" and is_loopback(address.hostname)):
            raise ValueError(f"is neither {STRIPE_API} nor a stand-in on this machine such as http://127.0.0.1:8420")
        return value.rstrip("/")

    @field_validator("checkout_success_url", "checkout_cancel_url")
    @classmethod
    def _check_page(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in {"https", "http"} or not urlsplit(value).hostname):
            raise ValueError("is not a web address such as https://club.example.org/paid")
        return value

    @field_validator("stripe_checkout_domain")
    @classmethod
    def _check_domain(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[\w-]+(\.[\w-]+)+", value, re.ASCII):
            raise ValueError("is not a domain such as pay.club.example.org")
        return value and value.lower()

    @field_validator("club_reference")
    @classmethod
    def _check_reference(cls, value: str | None) -> str | None:
        if value is None or value.lower() == "off":
            return value and ""
        if value.count("{order}") != 1:
            raise ValueError("has to hold {order} once, such as order_{order}, or be off")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: SecretStr) -> SecretStr:
        address = _split_smtp(value.get_secret_value())
        if bool(address.username) != bool(address.password):
            raise ValueError("has a user name without a password, or a password without a user name")
        return value

    @field_validator("bounce_mailbox")
    @classmethod
    def _check_bounce_mailbox(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_bounce_mailbox(value.get_secret_value()):
            raise ValueError(NO_BOUNCE_MAILBOX)
        return value

    @field_validator("mail_from", "mail_reply_to")
    @classmethod
    def _check_mail_address(cls, value: str | None) -> str | None:
        if value is not None:
            own_address(value)
        return value

    @field_validator("mail_unsubscribe_url")
    @classmethod
    def _check_unsubscribe_url(cls, value: str | None) -> str | None:
        if value is not None and not (re.fullmatch(r"https://[!-~]+", value) and "{message}" in value):
            raise ValueError(
                "is not an https address with {message} in it, such as https://club.example.org/stop?message={message}"
            )
        return value

    @field_validator("preview_folder")
    @classmethod
    def _find_home(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @model_validator(mode="after")
    def _refuse_live_by_mistake(self) -> Self:
        if self.stripe_is_live and self.stripe_api_base != STRIPE_API:
            raise ValueError("STRIPE_API_KEY is a live key, but STRIPE_API_BASE names a stand-in: unset one of them")
        if self.stripe_is_live and not self.stripe_allow_live:
            raise ValueError(
                "STRIPE_API_KEY is a live key: set STRIPE_ALLOW_LIVE=1 to charge real cards, or use a test key"
            )
        return self

    @property
    def stripe_is_live(self) -> bool:
        """Whether the key charges real cards."""
        return self.stripe_api_key.get_secret_value()[3:].startswith("live_")

    @property
    def stripe_rate(self) -> float:
        """How many reads, and how many writes, all workers together ask of Stripe in a second."""
        if self.stripe_calls_per_second is not None:
            return self.stripe_calls_per_second
        if self.stripe_api_base != STRIPE_API:
            return STAND_IN_CALLS_PER_SECOND
        return LIVE_CALLS_PER_SECOND if self.stripe_is_live else TEST_CALLS_PER_SECOND

    @cached_property
    def smtp(self) -> SplitResult:
        """The mail server's parts; `smtp_login` has the unquoted user name and password."""
        return _split_smtp(self.smtp_url.get_secret_value())

    @property
    def smtp_login(self) -> tuple[str, str] | None:
        """User name and password, where the server wants them."""
        if not self.smtp.username or not self.smtp.password:
            return None
        return unquote(self.smtp.username), unquote(self.smtp.password)

    @property
    def mail_domain(self) -> str:
        """The domain of our own address, which our Message-IDs carry."""
        return own_address(self.mail_from).domain


def is_loopback(host: str | None) -> bool:
    """Say whether `host` names this machine by itself, without asking a name server."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def load_settings(given: Mapping[str, str] | None = None) -> Settings:
    """Read and check all settings, from `given` if there is such, else from the environment and env_file().

    Raises one ConfigurationError that names each wrong setting, and shows the value of none.
    """
    with _told():
        if given is None:
            return Settings(_env_file=env_file())
        fields = {name.lower(): value for name, value in given.items() if name.lower() in Settings.model_fields}
        return Settings(_env_file=None, **fields)  # type: ignore[arg-type] # pydantic turns the texts into what it wants


def load_schedule_settings() -> ScheduleSettings:
    """Read and check what deploying needs, as load_settings() does."""
    with _told():
        return ScheduleSettings(_env_file=env_file())


@contextmanager
def _told() -> Iterator[None]:
    """Name each wrong setting in one ConfigurationError, and show the value of none."""
    try:
        yield
    except ValidationError as error:
        problems = [
            _sentence(str(problem["loc"][0]).upper() if problem["loc"] else "", problem["type"], problem["msg"])
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigurationError("; ".join(problems) + " (see .env.example)") from None


def env_file() -> Path | None:
    """Return the file that holds settings: the one that TOURNAMENT_FEES_ENV_FILE names, else .env in this folder.

    Raises a ConfigurationError where it is no readable UTF-8 file, or was named and is not there.
    """
    chosen = os.environ.get(ENV_FILE)
    file = Path(chosen or ".env")
    if chosen and not file.exists():
        raise ConfigurationError(f"{ENV_FILE} names {file}, which is not there")
    if not file.exists() or file == Path(os.devnull):
        return None
    try:
        file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{file} is not a readable file in UTF-8: save it as one") from None
    return file


def _split_smtp(url: str) -> SplitResult:
    try:
        address = urlsplit(url)
        usable = address.scheme in {"smtp", "smtps"} and bool(address.hostname) and address.port != 0
    except ValueError:  # its message would show the address, and with it the password
        usable = False
    if not usable:
        raise ValueError(NO_MAIL_SERVER)
    return urlsplit(url)


def _is_bounce_mailbox(place: str) -> bool:
    if place.startswith("maildir:"):
        return place.removeprefix("maildir:").startswith("/")
    try:
        address = urlsplit(place)
        usable = bool(address.hostname and address.username and address.password) and address.port != 0
    except ValueError:
        return False
    return usable and (address.scheme == "imaps" or (address.scheme == "imap" and is_loopback(address.hostname)))


def _sentence(name: str, kind: str, message: str) -> str:
    if kind == "missing":
        return f"{name} is not set"
    return f"{name} {message.removeprefix('Value error, ')}".strip()
