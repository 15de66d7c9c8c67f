"""What one setting's value has to be; each function says in words what is wrong, and shows nothing secret of it."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from tasks.core.club_time import find_zone
from tasks.core.errors import ConfigurationError

STRIPE_API = "https://api.stripe.com"
STRIPE_KEY = re.compile(r"[sr]k_(test|live)_[\w-]{5,}", re.ASCII)
NO_DATABASE = "is not a PostgreSQL address such as postgresql://user:password@host:5432/club"
NO_MAIL_SERVER = "is not a mail server such as smtp://user:password@mail.example.org:587 or smtps://…:465"
NO_BOUNCE_MAILBOX = (
    "is neither a maildir such as maildir:/var/mail/bounces nor an IMAP folder such as "
    "imaps://user:password@mail.example.org/INBOX (imap:// on this machine only)"
)


def is_loopback(host: str | None) -> bool:
    """Return True if `host` names this machine by itself, without asking a name server."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def database_url(url: str) -> str:
    """Return a PostgreSQL address as SQLAlchemy's for psycopg."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError(NO_DATABASE)
    try:
        host = make_url(f"postgresql+psycopg://{rest}").host
    except (ArgumentError, ValueError):
        raise ValueError(NO_DATABASE) from None
    if "@" in (host or ""):  # errors name the host: the rest of the password would be in them
        raise ValueError("has an @ in its password or user name: write it as %40")
    return f"postgresql+psycopg://{rest}"


def stripe_key(key: str) -> str:
    """Return a secret or restricted key."""
    if not STRIPE_KEY.fullmatch(key):
        raise ValueError("is not a Stripe secret or restricted key: sk_test_, rk_test_, sk_live_ or rk_live_ and more")
    return key


def stripe_api(url: str) -> str:
    """Return the address of Stripe, or of a stand-in on this machine, without a slash at its end."""
    address = urlsplit(url)
    if url.rstrip("/") != STRIPE_API and not (address.scheme == "http" and is_loopback(address.hostname)):
        raise ValueError(f"is neither {STRIPE_API} nor a stand-in on this machine such as http://127.0.0.1:8420")
    return url.rstrip("/")


def page(url: str) -> str:
    """Return a web address."""
    if urlsplit(url).scheme not in {"https", "http"} or not urlsplit(url).hostname:
        raise ValueError("is not a web address such as https://club.example.org/paid")
    return url


def time_zone(name: str) -> str:
    """Return the name of a time zone that there is."""
    try:
        return find_zone(name).key
    except ConfigurationError:  # its words are about a tournament's
        raise ValueError("is not a time zone by its IANA name such as America/Denver") from None


def domain(name: str) -> str:
    """Return a domain in lower case."""
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", name, re.ASCII):
        raise ValueError("is not a domain such as pay.club.example.org")
    return name.lower()


def order_reference(pattern: str) -> str:
    """Return how an order's id is written, or an empty text for `off`."""
    if pattern.lower() == "off":
        return ""
    if pattern.count("{order}") != 1:
        raise ValueError("has to hold {order} once, such as order_{order}, or be off")
    return pattern


def unsubscribe_url(url: str) -> str:
    """Return an https address that takes a message's id."""
    if not (re.fullmatch(r"https://[!-~]+", url) and "{message}" in url):
        raise ValueError(
            "is not an https address with {message} in it, such as https://club.example.org/stop?message={message}"
        )
    return url


def mail_server(url: str) -> str:
    """Return a mail server's address, with its login or without."""
    try:
        address = urlsplit(url)
        usable = address.scheme in {"smtp", "smtps"} and bool(address.hostname) and address.port != 0
    except ValueError:  # its message would show the address, and with it the password
        usable = False
    if not usable:
        raise ValueError(NO_MAIL_SERVER)
    address = urlsplit(url)
    if bool(address.username) != bool(address.password):
        raise ValueError("has a user name without a password, or a password without a user name")
    return url


def bounce_mailbox(place: str) -> str:
    """Return where bounces come in: a maildir or an IMAP folder."""
    if not (place.startswith("maildir:/") or _is_imap_folder(place)):
        raise ValueError(NO_BOUNCE_MAILBOX)
    return place


def _is_imap_folder(place: str) -> bool:
    try:
        address = urlsplit(place)
        usable = bool(address.hostname and address.username and address.password) and address.port != 0
    except ValueError:
        return False
    return usable and (address.scheme == "imaps" or (address.scheme == "imap" and is_loopback(address.hostname)))
