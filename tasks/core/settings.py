"""What the pipeline needs to know about the world, checked before anything is done; secrets are never printed."""

from collections.abc import Callable
from datetime import time
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.core import settings_values
from tasks.core.club_time import QuietHours
from tasks.core.email_address import own_address
from tasks.core.settings_values import STRIPE_API

LIVE_CALLS_PER_SECOND = 60.0
TEST_CALLS_PER_SECOND = 15.0
STAND_IN_CALLS_PER_SECOND = 1000.0
"""Where nothing else is set: well below the 100 reads and 100 writes a second that Stripe allows live, and its 25 in
test mode, since the club's own system calls too; the stand-in has no limit of its own."""
_EMPTY_IS_UNSET = BeforeValidator(lambda value: None if value == "" else value)


def _secret(check: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(lambda secret: SecretStr(check(secret.get_secret_value())))


_Domain = Annotated[str, AfterValidator(settings_values.domain)]
_OrderReference = Annotated[str, AfterValidator(settings_values.order_reference)]
_Page = Annotated[str, AfterValidator(settings_values.page)]
_UnsubscribeUrl = Annotated[str, AfterValidator(settings_values.unsubscribe_url)]
_BounceMailbox = Annotated[SecretStr, _secret(settings_values.bounce_mailbox)]


class ScheduleSettings(BaseSettings):
    """What has to be known to deploy the flows with their schedules, wherever that is done; nothing else is needed."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True)

    club_time_zone: Annotated[str, AfterValidator(settings_values.time_zone)] = "UTC"
    reminder_hour: int = Field(default=10, ge=0, le=23)
    reminder_quiet_hours: str = "20:00-08:00"
    alert_url: Annotated[SecretStr | None, _EMPTY_IS_UNSET] = None

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

    database_url: Annotated[SecretStr, _secret(settings_values.database_url)]
    stripe_api_key: Annotated[SecretStr, _secret(settings_values.stripe_key)]
    stripe_api_base: Annotated[str, AfterValidator(settings_values.stripe_api)] = STRIPE_API
    stripe_allow_live: bool = False
    stripe_calls_per_second: Annotated[Annotated[float, Field(gt=0, le=1000)] | None, _EMPTY_IS_UNSET] = None
    stripe_checkout_domain: Annotated[_Domain | None, _EMPTY_IS_UNSET] = None
    club_reference: Annotated[_OrderReference | None, _EMPTY_IS_UNSET] = None
    checkout_success_url: _Page
    checkout_cancel_url: Annotated[_Page | None, _EMPTY_IS_UNSET] = None
    checkout_minimum_life_hours: float = Field(default=12, ge=0.5, le=23)
    smtp_url: Annotated[SecretStr, _secret(settings_values.mail_server)]
    smtp_reply_timeout_seconds: float = Field(default=600, gt=0, le=3600)
    smtp_command_timeout_seconds: float = Field(default=300, gt=0, le=300)
    smtp_messages_per_connection: int = Field(default=100, ge=1)
    mail_from: str
    mail_reply_to: Annotated[str | None, _EMPTY_IS_UNSET] = None
    mail_unsubscribe_url: Annotated[_UnsubscribeUrl | None, _EMPTY_IS_UNSET] = None
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
    bounce_mailbox: Annotated[_BounceMailbox | None, _EMPTY_IS_UNSET] = None

    @field_validator("mail_from", "mail_reply_to")
    @classmethod
    def _check_mail_address(cls, value: str | None) -> str | None:
        if value is not None:
            own_address(value)
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
        return urlsplit(self.smtp_url.get_secret_value())

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
