"""The whole delivery against a real Postfix: what it says, when it is slow, encryption, and names beyond ASCII."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tasks.core.errors import ConfigurationError
from tests.integration.delivery.test_fault_matrix import deliver, message, new_message, new_messages, story
from tests.support.small_club import SmallClub
from tests.support.smtp_server import authority
from tests.system.postfix import Postfix, postfix

REPOSITORY = Path(__file__).parents[2]
HOLDER = """
import sys
from deployments.local.whole_run import whole_run
from tests.system.postfix import postfix
with whole_run(), postfix() as running:
    print(running.folder, flush=True)
    sys.stdin.read()
"""
CONNECTED = ": connect from localhost"
SENT = [("sending", "body", None), ("sent", "after the dot", 250)]

# `make test-system` runs as root, who installs Postfix; whoever runs this file alone as somebody else cannot start it.
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix is started by root only")


@pytest.fixture(scope="module")
def server() -> Iterator[Postfix]:
    with postfix() as running:
        yield running


@pytest.fixture
def plain(server: Postfix) -> str:
    return f"smtp://127.0.0.1:{server.plain}"


def test_what_it_says_is_what_the_ledger_tells(club: SmallClub, server: Postfix, plain: str) -> None:
    addresses = ("ann@example.com", "busy@example.com", "gone@example.com", "bea@example.com")
    ids = new_messages(club, *addresses)
    before = server.logged(CONNECTED)
    assert deliver(club, ids, plain) is None
    assert server.logged(CONNECTED) - before == 1, "a refusal costs no connection"
    assert [story(club, number) for number in ids] == [
        SENT,
        [("deferred", "rcpt", 450)],
        [("failed", "rcpt", 550)],
        SENT,
    ]
    assert [message(club, number).status for number in ids] == ["sent", "queued", "failed", "sent"]
    assert "mailbox busy" in message(club, ids[1]).last_error
    for number, address in ((ids[0], "ann@example.com"), (ids[3], "bea@example.com")):
        assert server.wait_for(address)["Message-ID"] == message(club, number).message_id


def test_a_421_ends_the_connection_and_nothing_else(club: SmallClub, server: Postfix, plain: str) -> None:
    ids = new_messages(club, "cleo@example.com", "closing@example.com", "dora@example.com")
    assert deliver(club, ids, plain) is None
    assert [story(club, number) for number in ids] == [SENT, [("deferred", "rcpt", 421)], SENT]
    server.wait_for("cleo@example.com")
    server.wait_for("dora@example.com")


def test_many_messages_go_over_one_connection(club: SmallClub, server: Postfix, plain: str) -> None:
    ids = new_messages(club, *(f"many{number}@example.com" for number in range(20)))
    before = server.logged(CONNECTED)
    assert deliver(club, ids, plain) is None
    assert server.logged(CONNECTED) - before == 1
    for number in range(20):
        server.wait_for(f"many{number}@example.com")


def test_a_reply_that_is_slower_than_our_patience_leaves_one_message_and_a_question(
    club: SmallClub, server: Postfix, plain: str
) -> None:
    slow = new_message(club, "slow@example.com")
    assert deliver(club, [slow], plain, reply=1) is None
    assert (message(club, slow).status, message(club, slow).reason) == ("uncertain", "no_reply")
    assert story(club, slow) == [("sending", "body", None), ("uncertain", "after the dot", None)]
    assert server.wait_for("slow@example.com")["Message-ID"] == message(club, slow).message_id, "it was taken after all"
    assert deliver(club, [slow], plain) is None
    assert story(club, slow) == [("sending", "body", None), ("uncertain", "after the dot", None)]
    assert len(server.mailbox("slow@example.com")) == 1


def test_a_slow_reply_within_our_patience_is_waited_for(club: SmallClub, server: Postfix, plain: str) -> None:
    number = new_message(club, "slow.too@example.com")
    assert deliver(club, [number], plain) is None
    assert story(club, number) == SENT
    server.wait_for("slow.too@example.com")


# Encryption


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the authority that vouches for the server, the way an operator does: through OpenSSL's variable."""
    authority().cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


@pytest.mark.usefixtures("trusted")
def test_what_goes_elsewhere_is_encrypted(club: SmallClub, server: Postfix) -> None:
    number = new_message(club, "tess@example.com")
    assert deliver(club, [number], f"smtp://0.0.0.0:{server.encrypted}") is None
    assert story(club, number) == SENT
    assert "using TLSv1" in server.wait_for("tess@example.com")["Received"]


def test_a_certificate_that_nobody_vouches_for_stops_everything(club: SmallClub, server: Postfix) -> None:
    number = new_message(club, "uma@example.com")
    error = deliver(club, [number], f"smtp://0.0.0.0:{server.encrypted}")
    assert isinstance(error, ConfigurationError)
    assert "no valid TLS certificate" in str(error)
    assert (message(club, number).status, story(club, number)) == ("queued", [])


def test_a_server_elsewhere_without_encryption_stops_everything(club: SmallClub, server: Postfix) -> None:
    number = new_message(club, "vera@example.com")
    error = deliver(club, [number], f"smtp://0.0.0.0:{server.plain}")
    assert isinstance(error, ConfigurationError)
    assert "offers no TLS" in str(error)
    assert (message(club, number).status, story(club, number)) == ("queued", [])


# Names beyond ASCII


@pytest.mark.parametrize(
    ("stored", "delivered"),
    [("josé@example.com", "josé@example.com"), ("jo@bücher.example", "jo@xn--bcher-kva.example")],
)
def test_an_address_beyond_ascii_is_delivered_to(
    club: SmallClub, server: Postfix, plain: str, stored: str, delivered: str
) -> None:
    number = new_message(club, stored)
    assert deliver(club, [number], plain) is None
    assert story(club, number) == SENT
    assert server.wait_for(delivered)["To"]


def test_an_address_that_the_server_cannot_take_fails_by_itself(club: SmallClub, server: Postfix) -> None:
    bad, good = new_messages(club, "zoë@example.com", "zoe@example.com")
    assert deliver(club, [bad, good], f"smtp://127.0.0.1:{server.old}") is None
    assert story(club, bad) == [("failed", "mail", None)]
    assert "SMTPUTF8" in message(club, bad).last_error
    server.wait_for("zoe@example.com")


def test_it_ends_with_the_run_that_has_started_it() -> None:
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        folder = holder.stdout.readline().strip()
        running = [one for one in psutil.process_iter(["cwd"]) if folder and folder in (one.info["cwd"] or "")]
        assert running
        holder.kill()
    assert psutil.wait_procs(running, 60)[1] == []
