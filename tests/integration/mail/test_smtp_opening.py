"""How a line to the mail server is opened: what is asked again later, and what a person has to mend."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.core.errors import ConfigurationError, TransientError
from tasks.mail.smtp import Mailer
from tasks.mail.transport import DeliveryOutcome
from tests.support.smtp_server import (
    DROP,
    ENVELOPE,
    HANG,
    PIPELINED,
    Reaction,
    Script,
    authority,
    mail_settings,
    mailer_to,
    script,
)

ELSEWHERE = "0.0.0.0"  # noqa: S104  connects, binds nothing: our own machine answers, but it is no loopback address


@pytest.mark.parametrize("answer", ["421 too many connections", "450 not now", "what?", DROP])
def test_a_server_that_turns_us_away_is_asked_again_later(answer: Reaction) -> None:
    with mailer_to(script("connect", answer)) as mailer, pytest.raises(TransientError, match="SMTP_URL"):
        mailer.check()


def test_a_server_that_does_not_greet_is_asked_again_later() -> None:
    with mailer_to(script("connect", HANG)) as mailer:
        mailer.timeouts = replace(mailer.timeouts, greeting=0.3)
        with pytest.raises(TransientError, match="timed out"):
            mailer.check()


def test_a_server_that_refuses_to_serve_us_is_a_wrong_setting() -> None:
    words = "554 5.7.1 your address is on a list"
    with mailer_to(script("connect", words)) as mailer, pytest.raises(ConfigurationError, match=rf"SMTP_URL.*{words}"):
        mailer.check()


def test_a_server_that_is_not_there_is_asked_again_later() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        mailer = Mailer(mail_settings(f"smtp://127.0.0.1:{nobody.getsockname()[1]}"))
        with pytest.raises(TransientError, match="cannot be reached"):
            mailer.check()


# Encryption


def test_a_server_elsewhere_must_offer_encryption() -> None:
    with mailer_to(Script(), host=ELSEWHERE) as mailer, pytest.raises(ConfigurationError, match="offers no TLS"):
        mailer.check()


def test_no_password_goes_to_a_server_elsewhere_without_encryption() -> None:
    played = Script(extensions=("AUTH PLAIN LOGIN",))
    with mailer_to(played, host=ELSEWHERE, login="fees:XYZZY@") as mailer, pytest.raises(ConfigurationError):
        mailer.check()
    assert not any("AUTH" in line for line in played.heard)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the tests' authority, the way an operator trusts a club's own: through OpenSSL's variable."""
    authority().cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


@pytest.mark.usefixtures("trusted")
def test_what_goes_elsewhere_is_encrypted_before_the_login() -> None:
    played = Script(extensions=("STARTTLS", "AUTH PLAIN", "PIPELINING"))
    with mailer_to(played, host=ELSEWHERE, login="fees:XYZZY@") as mailer:
        outcomes = [mailer.deliver(ENVELOPE, lambda: True).outcome for _ in range(3)]
    assert outcomes == [DeliveryOutcome.SENT] * 3
    assert [line.split()[0] for line in played.heard[:4]] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
    assert played.connections == 1


def test_a_server_elsewhere_whose_certificate_nobody_vouches_for_gets_nothing() -> None:
    played = Script(extensions=("STARTTLS", "AUTH PLAIN"))
    with (
        mailer_to(played, host=ELSEWHERE, login="fees:XYZZY@") as mailer,
        pytest.raises(ConfigurationError, match="no valid TLS certificate"),
    ):
        mailer.check()
    assert not any("AUTH" in line for line in played.heard)


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name_is_no_good() -> None:
    hostname = socket.gethostname()  # resolves to this machine, and is not what the certificate names
    with mailer_to(Script(extensions=("STARTTLS",)), host=hostname) as mailer, pytest.raises(ConfigurationError):
        mailer.check()


def test_encryption_from_the_start_where_the_server_greets_in_the_clear_is_a_wrong_setting() -> None:
    with (
        mailer_to(Script(), scheme="smtps") as mailer,
        pytest.raises(ConfigurationError, match=r"does not answer in TLS .*smtp:// for those with STARTTLS"),
    ):
        mailer.check()


def test_a_certificate_on_this_machine_need_not_name_anybody() -> None:
    with mailer_to(Script(extensions=("STARTTLS", *PIPELINED))) as mailer:
        assert mailer.deliver(ENVELOPE, lambda: True).outcome is DeliveryOutcome.SENT


def test_what_an_encrypted_server_says_unasked_is_noticed() -> None:
    played = Script({"taken": ["250 ok\r\n421 idle too long"]}, extensions=("STARTTLS", *PIPELINED))
    with mailer_to(played) as mailer:
        outcomes = [mailer.deliver(ENVELOPE, lambda: True).outcome for _ in range(3)]
    assert outcomes == [DeliveryOutcome.SENT] * 3
    assert played.connections == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("454 4.7.0 TLS not available just now", TransientError),
        ("421 closing", TransientError),
        (DROP, TransientError),
        ("what?", TransientError),
        ("502 no", ConfigurationError),
    ],
)
def test_encryption_that_is_offered_and_refused_is_never_done_without(answer: Reaction, error: type[Exception]) -> None:
    played = Script({"STARTTLS": [answer]}, extensions=("STARTTLS",))
    with mailer_to(played) as mailer, pytest.raises(error, match="SMTP_URL"):
        mailer.deliver(ENVELOPE, lambda: True)
    assert not any(line.startswith("MAIL") for line in played.heard)


def test_a_server_that_speaks_no_tls_where_the_url_says_so_is_a_wrong_setting() -> None:
    with mailer_to(Script(), scheme="smtps") as mailer, pytest.raises(ConfigurationError, match="TLS"):
        mailer.check()


# Login


@pytest.mark.parametrize("extension", ["AUTH PLAIN", "AUTH LOGIN PLAIN CRAM-MD5"])
def test_a_login_that_is_refused_is_a_wrong_setting_and_shows_no_password(extension: str) -> None:
    played = Script({"AUTH": ["535 5.7.8 bad credentials"] * 3}, extensions=(extension,))
    with mailer_to(played, login="fees:XYZZY@") as mailer, pytest.raises(ConfigurationError) as caught:
        mailer.check()
    assert "refuses the user name or password: 5.7.8 bad credentials" in str(caught.value)
    assert "XYZZY" not in repr((caught.value, caught.value.__cause__, caught.value.__context__))


@pytest.mark.parametrize("then", [DROP, "421 4.7.0 too many errors", "454 4.7.0 too many login attempts"])
def test_a_login_that_is_refused_stays_refused_although_the_server_then_turns_us_away(then: Reaction) -> None:
    played = Script({"AUTH": ["535 5.7.8 bad credentials", then, then]}, extensions=("AUTH PLAIN LOGIN CRAM-MD5",))
    with (
        mailer_to(played, login="fees:XYZZY@") as mailer,
        pytest.raises(ConfigurationError, match="refuses the user name or password: 5"),
    ):
        mailer.check()


@pytest.mark.parametrize("first", ["535 5.7.8 not by that", "454 4.7.0 not by that now"])
def test_a_login_by_a_method_that_the_server_cannot_do_goes_on_to_the_next(first: Reaction) -> None:
    played = Script({"AUTH": [first, "235 welcome"]}, extensions=("AUTH PLAIN CRAM-MD5",))
    with mailer_to(played, login="fees:XYZZY@") as mailer:
        mailer.check()


@pytest.mark.parametrize("extensions", [(), ("AUTH GSSAPI",)])
def test_a_login_where_the_server_knows_none_is_a_wrong_setting(extensions: tuple[str, ...]) -> None:
    played = Script(extensions=extensions)
    with (
        mailer_to(played, login="fees:XYZZY@") as mailer,
        pytest.raises(ConfigurationError, match="SMTP_URL"),
    ):
        mailer.check()


@pytest.mark.parametrize("answer", ["454 4.7.0 temporary authentication failure", "421 closing", DROP])
def test_a_login_that_cannot_be_checked_just_now_is_tried_again_later(answer: Reaction) -> None:
    # RFC 4954 section 6: 454 says that the server's own user base is away, not that the password is wrong.
    played = Script({"AUTH": [answer]}, extensions=("AUTH PLAIN",))
    with mailer_to(played, login="fees:invented@") as mailer, pytest.raises(TransientError):
        mailer.check()


def test_a_password_beyond_ascii_goes_as_utf8() -> None:
    played = Script(extensions=("AUTH PLAIN",))
    with mailer_to(played, login="fees:p%C3%A4ss@") as mailer:
        mailer.check()
    assert "AUTH PLAIN AGZlZXMAcMOkc3M=" in played.heard


def test_a_refused_password_beyond_ascii_is_not_shown() -> None:
    played = Script({"AUTH": ["535 no"]}, extensions=("AUTH PLAIN",))
    with mailer_to(played, login="fees:p%C3%A4ss@") as mailer, pytest.raises(ConfigurationError) as caught:
        mailer.check()
    assert "päss" not in repr((caught.value, caught.value.__cause__, caught.value.__context__))
