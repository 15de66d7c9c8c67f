"""Opens a connection to the mail server: greeted, encrypted where it must be, and logged in."""

import smtplib
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tasks.core.errors import ConfigurationError, TransientError
from tasks.core.settings import Settings
from tasks.core.settings_values import is_loopback
from tasks.mail.smtp.connection import Connection
from tasks.mail.smtp.patience import PatientSMTP, PatientTLS
from tasks.mail.smtp.reply import one_line
from tasks.mail.smtp.timeouts import Timeouts

LOGIN_METHODS = ("CRAM-MD5", "PLAIN", "LOGIN")
"""Those of smtplib, the best first."""


def open_connection(settings: Settings, timeouts: Timeouts) -> Connection:
    """Connect, encrypt and log in as SMTP_URL says.

    Raises TransientError where the server is away or asks for patience, ConfigurationError where a person has to mend
    a setting: the server refuses us or our login, or offers no encryption although it is elsewhere.
    """
    place = server_name(settings)
    with _explained(place):
        smtp = _connect(settings, timeouts)
        try:
            if smtp.sock is not None:
                smtp.sock.settimeout(timeouts.command)
                smtp.patience = timeouts.command
                smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _prepare(smtp, settings, place)
        except BaseException:
            smtp.close()
            raise
    return Connection(smtp)


def server_name(settings: Settings) -> str:
    """Name the mail server and its setting, for messages to people."""
    port = settings.smtp.port or (465 if settings.smtp.scheme == "smtps" else 25)
    return f"The mail server {settings.smtp.hostname}:{port} (SMTP_URL)"


def _connect(settings: Settings, timeouts: Timeouts) -> PatientSMTP:
    host, port = settings.smtp.hostname or "", settings.smtp.port or 0
    if settings.smtp.scheme == "smtps":
        return PatientTLS(host, port or 465, timeouts.greeting, _tls(host))
    return PatientSMTP(host, port or 25, timeouts.greeting)


def _prepare(smtp: smtplib.SMTP, settings: Settings, place: str) -> None:
    _greet(smtp)
    if settings.smtp.scheme != "smtps":
        if smtp.has_extn("starttls"):
            smtp.starttls(context=_tls(settings.smtp.hostname))
            _greet(smtp)
        elif not is_loopback(settings.smtp.hostname):
            raise ConfigurationError(f"{place} offers no TLS: use one that does, or smtps:// in SMTP_URL")
    if settings.smtp_login:
        _log_in(smtp, *settings.smtp_login)


def _greet(smtp: smtplib.SMTP) -> None:
    code, text = smtp.ehlo()
    if code != 250:  # noqa: PLR2004  the one good answer
        raise smtplib.SMTPHeloError(code, text)


def _tls(host: str | None) -> ssl.SSLContext:
    """Return what a certificate is checked against; on this machine it need not name anybody."""
    context = ssl.create_default_context()
    if is_loopback(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _log_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    methods = [method for method in LOGIN_METHODS if method in offered]
    if not methods:
        raise smtplib.SMTPNotSupportedError("it takes no login by password")
    if (user + password).isascii():
        _log_in_by(smtp, methods, user, password)
        return
    # smtplib sends ASCII only, and its error would show the password.
    secret = b64encode(f"\0{user}\0{password}".encode()).decode()
    code, text = smtp.docmd("AUTH", f"PLAIN {secret}")
    if code != 235:  # noqa: PLR2004  RFC 4954, section 6
        raise smtplib.SMTPAuthenticationError(code, text)


def _log_in_by(smtp: smtplib.SMTP, methods: Sequence[str], user: str, password: str) -> None:
    """Try one method after the other: some servers offer what they cannot do.

    As smtplib's own `login`, except that a refusal stands where the server then hangs up or wants to be left alone, as
    many do after a wrong password: it must not look as if the server were away.
    """
    smtp.user, smtp.password = user, password
    refusal: smtplib.SMTPAuthenticationError | None = None
    for method in methods:
        try:
            smtp.auth(method, getattr(smtp, f"auth_{method.lower().replace('-', '_')}"))
        except smtplib.SMTPAuthenticationError as error:
            if refusal is None or refusal.smtp_code < 500:  # noqa: PLR2004
                refusal = error
        except OSError:  # smtplib's others are among them
            if refusal is None:
                raise
        else:
            return
    if refusal is not None:
        raise refusal


@contextmanager
def _explained(place: str) -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code < 500:  # noqa: PLR2004  RFC 4954, 6: the server cannot check just now
            raise TransientError(f"{place} cannot check our login now: {one_line(error.smtp_error)}") from error
        raise ConfigurationError(f"{place} refuses the user name or password: {one_line(error.smtp_error)}") from error
    except smtplib.SMTPNotSupportedError as error:
        raise ConfigurationError(f"{place} cannot do what SMTP_URL asks for: {error}") from error
    except smtplib.SMTPResponseException as error:
        said = f"{error.smtp_code} {one_line(error.smtp_error)}"
        if error.smtp_code // 100 == 5:  # noqa: PLR2004
            raise ConfigurationError(f"{place} refuses to serve us: {said}: ask who runs it, or use another") from error
        raise TransientError(f"{place} turns us away: {said}") from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError) as error:
        raise TransientError(f"{place} hung up while encryption was agreed on") from error
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError(f"{place} has no valid TLS certificate: {error.verify_message}") from error
    except ssl.SSLError as error:
        advice = "smtps:// is for ports where encryption comes first, such as 465; smtp:// for those with STARTTLS"
        raise ConfigurationError(f"{place} does not answer in TLS ({error.reason or error}): {advice}") from error
    except OSError as error:
        raise TransientError(f"{place} cannot be reached: {error}") from error
