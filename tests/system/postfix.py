"""A Postfix of the tests' own: its configuration, queue and mailboxes in one folder, on loopback ports."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from time import monotonic

from deployments.local.home import umask
from deployments.local.process_marks import VARIABLE
from deployments.local.temporary_home import temporary_home
from tests.support.smtp_server import authority

PROGRAM = Path("/usr/sbin/postfix")
PATIENCE_SECONDS = 60

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C {mark}
myhostname = mail.example.org
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.com, xn--bcher-kva.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/conf/recipients, permit_mynetworks, reject
smtpd_restriction_classes = slowly
slowly = sleep 3
smtpd_end_of_data_restrictions = check_recipient_access texthash:{folder}/conf/slow
smtpd_tls_cert_file = {folder}/conf/certificate.pem
smtpd_tls_key_file = {folder}/conf/key.pem
smtpd_tls_received_header = yes
"""

MASTER = """
127.0.0.1:{plain} inet n - n - - smtpd
127.0.0.1:{encrypted} inet n - n - - smtpd -o smtpd_tls_security_level=may
127.0.0.1:{old} inet n - n - - smtpd -o smtputf8_enable=no
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""

RECIPIENTS = """
busy@example.com 450 4.2.1 mailbox busy
gone@example.com 550 5.1.1 no such user
closing@example.com 421 4.3.2 shutting down
"""

SLOW = """
slow@example.com slowly
slow.too@example.com slowly
"""


@dataclass(frozen=True)
class Postfix:
    """A running server."""

    folder: Path
    plain: int
    encrypted: int
    old: int

    def mailbox(self, address: str) -> list[EmailMessage]:
        """What has been delivered to an address."""
        files = sorted((self.folder / "mail" / "inbox" / "new").glob("*"))
        messages = [message_from_bytes(file.read_bytes(), EmailMessage, policy=default) for file in files]
        return [message for message in messages if message["Delivered-To"] == address]

    def wait_for(self, address: str) -> EmailMessage:
        """Return the one message to an address, once it has been delivered."""
        deadline = monotonic() + PATIENCE_SECONDS
        while not (found := self.mailbox(address)):
            assert monotonic() < deadline, (self.folder / "log").read_text()
        (message,) = found
        return message

    def logged(self, words: str) -> int:
        """How often the log has these words."""
        return (self.folder / "log").read_text(encoding="utf-8").count(words)


@contextmanager
def postfix() -> Iterator[Postfix]:
    """Run a server until the end of the block."""
    with temporary_home() as folder:
        server = Postfix(folder, *free_ports(3))
        with umask(0o022):  # its daemons run as somebody else; a stack that runs in this process keeps files to itself
            write_configuration(server)
            run(folder, "start")
        try:
            yield server
        finally:
            run(folder, "stop")


def write_configuration(server: Postfix) -> None:
    folder = server.folder
    folder.chmod(0o755)
    for name, user in (("conf", "root"), ("spool", "root"), ("data", "postfix"), ("mail", "nobody")):
        (folder / name).mkdir()
        shutil.chown(folder / name, user)
    (folder / "conf" / "main.cf").write_text(MAIN.format(folder=folder, mark=VARIABLE), encoding="utf-8")
    ports = {"plain": server.plain, "encrypted": server.encrypted, "old": server.old}
    (folder / "conf" / "master.cf").write_text(MASTER.format(**ports), encoding="utf-8")
    (folder / "conf" / "recipients").write_text(RECIPIENTS, encoding="utf-8")
    (folder / "conf" / "slow").write_text(SLOW, encoding="utf-8")
    certificate = authority().issue_cert("0.0.0.0")  # noqa: S104  names an address, binds nothing
    certificate.cert_chain_pems[0].write_to_path(folder / "conf" / "certificate.pem")
    certificate.private_key_pem.write_to_path(folder / "conf" / "key.pem")


def run(folder: Path, command: str) -> None:
    subprocess.run([PROGRAM, "-c", folder / "conf", command], check=True, capture_output=True, cwd="/", timeout=60)


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
