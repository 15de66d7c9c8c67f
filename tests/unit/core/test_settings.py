"""Settings: each wrong, missing or contradictory one gives a line that names it and never shows a value."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tasks.core.errors import ConfigurationError
from tasks.core.settings import Settings
from tasks.core.settings_source import ENV_FILE, load_settings
from tasks.core.settings_values import STRIPE_API, is_loopback
from tasks.services import link_policy, open_services

GOOD = {
    "DATABASE_URL": "postgresql://club:db-secret@db.example.org:5433/club",
    "STRIPE_API_KEY": "sk_test_key-secret",
    "CHECKOUT_SUCCESS_URL": "https://club.example.org/paid",
    "SMTP_URL": "smtp://fees:mail-secret@mail.example.org:587",
    "MAIL_FROM": "Example Hoops Club <fees@example.org>",
}
SECRETS = ("db-secret", "key-secret", "mail-secret")
ALL_NAMES = tuple(name.upper() for name in Settings.model_fields)


class Environment:
    """The environment of one test, beginning with the good settings."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.put({name: GOOD.get(name) for name in ALL_NAMES})

    def put(self, values: dict[str, str | None]) -> None:
        for name, value in values.items():
            if value is None:
                self.patch.delenv(name, raising=False)
            else:
                self.patch.setenv(name, value)

    def complaint(self, **values: str | None) -> str:
        self.put(dict(values))
        with pytest.raises(ConfigurationError) as caught:
            load_settings()
        assert caught.value.__cause__ is None, "what the settings library says shows values"
        assert caught.value.__suppress_context__
        return str(caught.value)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)  # where no .env is
        patch.delenv(ENV_FILE, raising=False)
        yield Environment(patch)


@pytest.mark.usefixtures("environment")
def test_the_good_settings_are_read() -> None:
    settings = load_settings()
    assert settings.database_url.get_secret_value() == "postgresql+psycopg://club:db-secret@db.example.org:5433/club"
    assert (settings.stripe_api_base, settings.stripe_is_live) == (STRIPE_API, False)
    assert (settings.smtp.hostname, settings.smtp.port) == ("mail.example.org", 587)
    assert settings.smtp_login == ("fees", "mail-secret")
    assert settings.mail_domain == "example.org"


@pytest.mark.parametrize(
    ("values", "rate"),
    [
        ({}, 15),
        # Nobody's key: its prefix says its mode.
        ({"STRIPE_API_KEY": "rk_live_invented", "STRIPE_ALLOW_LIVE": "1"}, 60),
        ({"STRIPE_API_BASE": "http://127.0.0.1:8420"}, 1000),
        ({"STRIPE_CALLS_PER_SECOND": "2.5"}, 2.5),
        ({"STRIPE_CALLS_PER_SECOND": "90", "STRIPE_API_BASE": "http://127.0.0.1:8420"}, 90),
    ],
)
def test_calls_to_stripe_keep_below_the_limit_of_the_keys_mode(
    environment: Environment, values: dict[str, str | None], rate: float
) -> None:
    environment.put(values)
    assert load_settings().stripe_rate == rate


def test_a_dotenv_file_in_the_working_directory_is_read(environment: Environment, tmp_path: Path) -> None:
    environment.put({"BATCH_SIZE": None})
    (tmp_path / ".env").write_text("BATCH_SIZE=7\nSOMETHING_ELSE=ignored\n", encoding="utf-8")
    assert load_settings().batch_size == 7


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_a_required_setting_that_is_missing_or_empty_is_named(
    environment: Environment, name: str, value: str | None
) -> None:
    assert environment.complaint(**{name: value}) == f"{name} is not set (see .env.example)"


@pytest.mark.parametrize("name", [name for name in ALL_NAMES if name not in GOOD])
def test_an_optional_setting_that_is_empty_is_as_if_it_were_unset(environment: Environment, name: str) -> None:
    unset = load_settings()
    environment.put({name: ""})
    assert load_settings() == unset


def test_every_wrong_setting_is_named_at_once(environment: Environment) -> None:
    said = environment.complaint(STRIPE_API_KEY="pk_test_public", SMTP_URL=None, BATCH_SIZE="0")
    assert [part.split()[0] for part in said.split("; ")] == ["STRIPE_API_KEY", "SMTP_URL", "BATCH_SIZE"]


WRONG = [
    ("DATABASE_URL", "mysql://club:XYZZY@db.example.org/club", "is not a PostgreSQL address"),
    ("DATABASE_URL", "sqlite:///XYZZY.db", "is not a PostgreSQL address"),
    ("DATABASE_URL", "XYZZY", "is not a PostgreSQL address"),
    ("DATABASE_URL", "postgresql://club:half@XYZZY@db.example.org/club", "write it as %40"),
    ("STRIPE_API_KEY", "pk_test_XYZZY", "is not a Stripe secret or restricted key"),
    ("STRIPE_API_KEY", "XYZZY", "is not a Stripe secret or restricted key"),
    ("STRIPE_API_KEY", "sk_test_", "is not a Stripe secret or restricted key"),
    ("STRIPE_API_KEY", "sk_test_XYZZÝ", "is not a Stripe secret or restricted key"),
    ("STRIPE_API_BASE", "https://XYZZY.example.org", "is neither https://api.stripe.com nor a stand-in"),
    ("STRIPE_API_BASE", "http://api.stripe.com", "is neither https://api.stripe.com nor a stand-in"),
    ("STRIPE_API_BASE", "https://api.stripe.com.example.org", "is neither https://api.stripe.com nor a stand-in"),
    ("STRIPE_API_BASE", "http://localhost.example.org:8420", "is neither https://api.stripe.com nor a stand-in"),
    ("STRIPE_ALLOW_LIVE", "XYZZY", "boolean"),
    ("CLUB_REFERENCE", "XYZZY", "has to hold {order} once"),
    ("CLUB_REFERENCE", "{order}XYZZY{order}", "has to hold {order} once"),
    ("CHECKOUT_SUCCESS_URL", "XYZZY", "is not a web address"),
    ("CHECKOUT_CANCEL_URL", "javascript:XYZZY", "is not a web address"),
    ("SMTP_URL", "http://XYZZY.example.org", "is not a mail server"),
    ("SMTP_URL", "smtp://", "is not a mail server"),
    ("SMTP_URL", "smtp://mail.example.org:XYZZY", "is not a mail server"),
    ("SMTP_URL", "smtp://XYZZY@mail.example.org", "without a password"),
    ("SMTP_URL", "smtp://:XYZZY@mail.example.org", "without a user name"),
    ("MAIL_FROM", "XYZZY", "is not a mail address"),
    ("MAIL_FROM", "Club <XYZZY>", "is not a mail address"),
    ("MAIL_REPLY_TO", "XYZZY@", "is not a mail address"),
    ("MAIL_UNSUBSCRIBE_URL", "http://club.example.org/XYZZY/{message}", "is not an https address"),
    ("MAIL_UNSUBSCRIBE_URL", "https://club.example.org/XYZZY", "with {message} in it"),
    ("CLUB_TIME_ZONE", "XYZZY", "is not a time zone"),
    ("CLUB_TIME_ZONE", "America", "is not a time zone"),
    ("REMINDER_QUIET_HOURS", "XYZZY", "is not a part of the day"),
    ("REMINDER_GAP_HOURS", "0", "greater than or equal to 1"),
    ("REMINDER_MOST", "0", "greater than or equal to 1"),
    ("CHECKOUT_MINIMUM_LIFE_HOURS", "24", "less than or equal to 23"),
    ("SMTP_REPLY_TIMEOUT_SECONDS", "0", "greater than 0"),
    ("MAX_ATTEMPTS", "0", "greater than or equal to 1"),
    ("BATCH_SIZE", "XYZZY", "integer"),
    ("SEND_LIMIT_PER_SECOND", "0", "greater than or equal to 0.1"),
    ("SEND_LIMIT_PER_SECOND", "-1", "greater than or equal to 0.1"),
    ("SEND_LIMIT_PER_SECOND", "nan", "less than or equal to 10000"),
    ("SEND_LIMIT_PER_HOUR", "0", "greater than or equal to 1"),
    ("SEND_LIMIT_PER_HOUR", "-5", "greater than or equal to 1"),
    ("SEND_LIMIT_PER_HOUR", "2.5", "integer"),
    ("SEND_LIMIT_PER_DAY", "0", "greater than or equal to 1"),
    ("SEND_LIMIT_PER_DAY", "XYZZY", "integer"),
]


@pytest.mark.parametrize(("name", "value", "complaint"), WRONG)
def test_a_wrong_setting_is_named_without_its_value(
    environment: Environment, name: str, value: str, complaint: str
) -> None:
    said = environment.complaint(**{name: value})
    assert said.startswith(f"{name} ")
    assert complaint in said
    assert "\n" not in said
    assert "XYZZ" not in said
    assert not any(secret in said for secret in SECRETS)


def test_a_live_key_needs_permission(environment: Environment) -> None:
    said = environment.complaint(STRIPE_API_KEY="sk_live_key-secret")
    assert "set STRIPE_ALLOW_LIVE=1" in said
    assert "key-secret" not in said


@pytest.mark.parametrize("kind", ["sk", "rk"])
def test_a_live_key_with_permission_is_taken(environment: Environment, kind: str) -> None:
    environment.put({"STRIPE_API_KEY": f"{kind}_live_key-secret", "STRIPE_ALLOW_LIVE": "1"})
    assert load_settings().stripe_is_live
    assert link_policy(load_settings()).livemode


def test_a_live_key_never_goes_to_a_stand_in(environment: Environment) -> None:
    said = environment.complaint(
        STRIPE_API_KEY="sk_live_key-secret", STRIPE_ALLOW_LIVE="1", STRIPE_API_BASE="http://127.0.0.1:8420"
    )
    assert "STRIPE_API_BASE names a stand-in" in said


def test_only_the_stand_in_may_have_links_without_encryption(environment: Environment) -> None:
    assert not link_policy(load_settings()).allow_http
    environment.put({"STRIPE_API_BASE": "http://127.0.0.1:8420/"})
    policy = link_policy(load_settings())
    assert policy.allow_http
    assert policy.admits("http://127.0.0.1:8420/pay")
    assert not policy.admits("http://127.0.0.1.example.org/pay")


def test_the_accounts_own_checkout_domain_is_admitted(environment: Environment) -> None:
    environment.put({"STRIPE_CHECKOUT_DOMAIN": "pay.example.org"})
    policy = link_policy(load_settings())
    assert policy.admits("https://pay.example.org/c/pay/cs_test_1")
    assert not policy.admits("https://evil.example.org/c/pay/cs_test_1")


def test_quoted_user_names_and_passwords_are_unquoted(environment: Environment) -> None:
    environment.put({"SMTP_URL": "smtps://fees%40example.org:p%2Fw%3A%23@mail.example.org"})
    assert load_settings().smtp_login == ("fees@example.org", "p/w:#")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104  nothing is bound: this is what must not count as loopback
        ("127.0.0.1.example.org", False),
        ("example.org", False),
        ("", False),
        (None, False),
    ],
)
def test_loopback_is_told_without_a_name_server(host: str | None, *, here: bool) -> None:
    assert is_loopback(host) is here


printable = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
secrets = printable.map(lambda text: f"Qq{text}qQ")


@given(secret=secrets)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("DATABASE_URL", "postgresql://club:{}@db.example.org/club"),
        ("STRIPE_API_KEY", "sk_test_{}"),
        ("STRIPE_API_KEY", "{}"),
        ("SMTP_URL", "smtp://fees:{}@mail.example.org"),
        ("SMTP_URL", "{}"),
    ],
)
def test_no_secret_is_ever_shown(environment: Environment, name: str, pattern: str, secret: str) -> None:
    environment.put({name: pattern.format(secret)})
    try:
        settings = load_settings()
    except ConfigurationError as error:
        shown = str(error)
    else:
        assert settings.smtp.hostname
        shown = f"{settings!r} {settings} {settings.model_dump()}"
    assert secret not in shown


def test_the_parts_hold_no_secret_that_shows(environment: Environment) -> None:
    environment.put({"STRIPE_API_BASE": "http://127.0.0.1:8420"})
    with open_services(load_settings()) as services, services.mailer() as mailer:
        shown = f"{services!r} {services.database.place} {services.database.engine!r} {mailer!r}"
    assert not any(secret in shown for secret in SECRETS)


def test_a_file_of_settings_can_be_chosen(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BATCH_SIZE=7", encoding="utf-8")
    (tmp_path / "other").write_text("BATCH_SIZE=8", encoding="utf-8")
    environment.put({"BATCH_SIZE": None, ENV_FILE: str(tmp_path / "other")})
    assert load_settings().batch_size == 8
    environment.put({ENV_FILE: os.devnull})
    assert load_settings().batch_size == 50


def test_a_file_of_settings_that_cannot_be_read_is_one_line(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("MAIL_FROM=Müller <fees@example.org>".encode("latin-1"))
    assert ".env is not a readable file in UTF-8" in environment.complaint()
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    assert ".env is not a readable file in UTF-8" in environment.complaint()


def test_a_chosen_file_of_settings_that_is_not_there_is_named(environment: Environment, tmp_path: Path) -> None:
    missing = tmp_path / "other.env"
    environment.put({ENV_FILE: str(missing)})
    with pytest.raises(ConfigurationError, match=rf"^{ENV_FILE} names {re.escape(str(missing))}, which is not there$"):
        load_settings()
