"""API keys: what a request may do, and in which mode, by the shape of its key."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from deployments.local.callers import is_key
from deployments.local.stripe_standin.errors import StripeError

WRITE_SESSIONS = "rak_checkout_session_write"
WRITE_LINKS = "rak_payment_link_write"
_KEY = re.compile(r"(?:sk|rk)_(test|live)_[A-Za-z0-9_]{8,}")
_SHOW_LAST_FOUR_FROM = 17  # characters: of a shorter key too much would show
_NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
    "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details."
)


@dataclass(frozen=True)
class Access:
    """What an API key grants; test and live mode are separate accounts' worth of objects."""

    livemode: bool
    masked: str
    can_write: bool
    lacks: frozenset[str] = frozenset()

    def require_write(self, permission: str) -> None:
        """Raise StripeError 403 for a key without write permission, naming the permission that it lacks."""
        if not self.can_write or permission in self.lacks:
            msg = (
                f"The provided key '{self.masked}' does not have the required permissions for this endpoint on account "
                f"'acct_standin'. Having the '{permission}' permission would allow this request to continue."
            )
            raise StripeError(403, msg)


def authenticate(authorization: str | None, only_key: str | None) -> Access:
    """Read an Authorization header (Bearer, or Basic with the key as user name).

    A key containing `_readonly_` has no write permission, one containing `_nolinks_` none for payment links, and one
    containing `_revoked_` has expired. Raises StripeError 401 for a missing, malformed, publishable or expired key, and
    for any other key than `only_key`, unless that is None.
    """
    key = _bearer(authorization)
    if not key:
        raise StripeError(401, _NO_KEY)
    if key.startswith("pk_"):
        msg = "This API call cannot be made with a publishable API key. Please use a secret API key."
        raise StripeError(401, msg, code="secret_key_required")
    match = _KEY.fullmatch(key)
    if match is None:
        raise StripeError(401, f"Invalid API Key provided: {_mask(key)}")
    if "_revoked_" in key:
        raise StripeError(401, f"Expired API Key provided: {_mask(key)}", code="api_key_expired")
    if only_key and not is_key(key, only_key):
        raise StripeError(401, f"Invalid API Key provided: {_mask(key)}")
    lacks = frozenset({WRITE_LINKS} if "_nolinks_" in key else ())
    return Access(livemode=match[1] == "live", masked=_mask(key), can_write="_readonly_" not in key, lacks=lacks)


def _bearer(authorization: str | None) -> str:
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _mask(key: str) -> str:
    prefix = re.match(r"(?:[a-z]{2}_(?:test_|live_)?)?", key)
    return f"{prefix[0] if prefix else ''}****{key[-4:] if len(key) >= _SHOW_LAST_FOUR_FROM else ''}"
