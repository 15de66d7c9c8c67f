"""A small IMAP server (RFC 3501) with one folder, as far as a reader of bounces needs one."""

import re
import socketserver
from base64 import b64decode
from threading import Thread
from typing import Self

USER, PASSWORD, UNICODE_PASSWORD = "fees@example.org", "pass word", "pässwörd"


class ImapServer(socketserver.ThreadingTCPServer):
    """Serves messages with the uids 1, 2, … from INBOX on a free port of this machine."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, messages: list[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.messages = messages
        self.seen: set[int] = set()
        self.hang_up_after_fetches: int | None = None
        self.fetches = 0

    def place(self, user: str, password: str, folder: str = "INBOX") -> str:
        return f"imap://{user}:{password}@127.0.0.1:{self.server_address[1]}/{folder}"

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: ImapServer

    def handle(self) -> None:
        self.say("* OK ready")
        for line in self.rfile:
            tag, _, command = line.decode().strip().partition(" ")
            if not self.answer(tag, command):
                return

    def say(self, line: str, literal: bytes = b"") -> None:
        self.wfile.write(line.encode() + literal + b"\r\n")

    def answer(self, tag: str, command: str) -> bool:
        """Answer a command; False ends the connection."""
        verb = " ".join(command.split()[: 2 if command.upper().startswith("UID") else 1]).upper()
        match verb:
            case "CAPABILITY":
                self.say("* CAPABILITY IMAP4rev1 AUTH=PLAIN")
            case "LOGIN" | "AUTHENTICATE" if not self.knows(verb, command):
                self.say(f"{tag} NO wrong")
                return True
            case "SELECT" if command not in {'SELECT "INBOX"', 'SELECT "Zur&APw-ck &- \\"da\\""'}:
                self.say(f"{tag} NO such folder")
                return True
            case "SELECT":
                self.say(f"* {len(self.server.messages)} EXISTS")
            case "UID SEARCH":
                unseen = (uid for uid in range(1, len(self.server.messages) + 1) if uid not in self.server.seen)
                self.say("* SEARCH " + " ".join(map(str, unseen)))
            case "UID FETCH":
                if not self.fetch(int(command.split()[2]), command):
                    return False
            case "UID STORE":
                assert command.endswith(r"+FLAGS.SILENT (\Seen)")
                self.server.seen.add(int(command.split()[2]))
            case "LOGOUT":
                self.say("* BYE")
        self.say(f"{tag} OK done")
        return verb != "LOGOUT"

    def knows(self, verb: str, command: str) -> bool:
        if verb == "LOGIN":
            return command.replace(f'"{USER}"', USER) == f'LOGIN {USER} "{PASSWORD}"'
        self.say("+ ")
        return b64decode(self.rfile.readline()).decode() == f"\0{USER}\0{UNICODE_PASSWORD}"

    def fetch(self, uid: int, command: str) -> bool:
        if self.server.fetches == self.server.hang_up_after_fetches:
            return False
        self.server.fetches += 1
        content = self.server.messages[uid - 1]
        if re.search(r"\(RFC822\.SIZE\)$", command):
            self.say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(content)})")
        else:
            assert command.endswith("(BODY.PEEK[])"), "to look must not flag it as seen"
            self.say(f"* {uid} FETCH (UID {uid} BODY[] {{{len(content)}}}", b"\r\n" + content + b")")
        return True
