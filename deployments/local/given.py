"""The settings that a person gives to the embedded stack: whole, or not at all."""

from collections.abc import Mapping

from deployments.local.prefect_login import given_login
from tasks.core.errors import ConfigurationError
from tasks.core.settings_source import load_settings

_INVENTED = {
    "DATABASE_URL": "postgresql://localhost/club",
    "STRIPE_API_KEY": "sk_test_invented",
    "SMTP_URL": "smtp://localhost",
    "MAIL_FROM": "fees@example.org",
    "CHECKOUT_SUCCESS_URL": "https://club.example.org/paid",
}
_GOES_WITH = {
    "MAIL_FROM": "SMTP_URL",
    "CHECKOUT_SUCCESS_URL": "STRIPE_API_KEY",
}


def check_given(given: Mapping[str, str]) -> None:
    """Raise a ConfigurationError where a setting is wrong, or where one is given without what belongs to it.

    Nothing is started before this has passed, so that a mistyped key never meets the stand-in by mistake.
    """
    for name, leader in _GOES_WITH.items():
        if given.get(leader) and not given.get(name):
            raise ConfigurationError(f"{leader} is set, but {name} is not: set both, or neither")
    for name in ("STRIPE_API_BASE", "STRIPE_ALLOW_LIVE"):
        if given.get(name) and not given.get("STRIPE_API_KEY"):
            raise ConfigurationError(f"{name} is set, but STRIPE_API_KEY is not: unset it, or set both")
    given_login(given)
    load_settings(_INVENTED | {name: value for name, value in given.items() if value})
