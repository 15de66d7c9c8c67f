"""Settings that look right and are not: each is found when they are read, not when the first parent is mailed."""

from pathlib import Path

import pytest

from tasks.core.errors import ConfigurationError
from tasks.core.settings import Settings
from tasks.core.settings_source import ENV_FILE, load_settings
from tasks.services import link_policy
from tests.unit.core.test_settings import GOOD


@pytest.fixture(autouse=True)
def good_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where no .env is
    monkeypatch.delenv(ENV_FILE, raising=False)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def complaint(patch: pytest.MonkeyPatch, name: str, value: str) -> str:
    patch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "smtp://fees:XYZZ℀Y@mail.example.org",
        "smtp://fees:a[XYZZY]b@mail.example.org",
    ],
)
def test_a_password_that_python_cannot_read_is_not_shown_either(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    said = complaint(monkeypatch, "SMTP_URL", url)
    assert said.startswith("SMTP_URL is not a mail server")
    assert "XYZZ" not in said


@pytest.mark.parametrize("key", ["sk_test_XYZZY\n", "sk_test_XY\nZZY", "sk_test_XY ZZY", " sk_test_XYZZY"])
def test_a_key_with_a_line_break_or_a_space_is_refused(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    assert complaint(monkeypatch, "STRIPE_API_KEY", key).startswith("STRIPE_API_KEY is not a Stripe secret")


@pytest.mark.parametrize("url", ["postgresql://club:XYZZY@db.example.org:abc/club"])
def test_a_database_address_that_cannot_be_read_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert complaint(monkeypatch, "DATABASE_URL", url).startswith("DATABASE_URL is not a PostgreSQL address")


@pytest.mark.parametrize("value", ["fees@example.org, chair@example.org", "fees@exämple.org", "Club <fees@example.org"])
def test_a_sender_that_no_message_could_carry_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert complaint(monkeypatch, "MAIL_FROM", value).startswith("MAIL_FROM is not a mail address")


def test_the_accounts_own_checkout_domain_is_taken_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_CHECKOUT_DOMAIN", "Pay.Example.org")
    assert link_policy(load_settings()).admits("https://pay.example.org/c/pay/cs_test_1")


def test_a_checkout_domain_that_is_an_address_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "STRIPE_CHECKOUT_DOMAIN" in complaint(monkeypatch, "STRIPE_CHECKOUT_DOMAIN", "https://pay.example.org")
