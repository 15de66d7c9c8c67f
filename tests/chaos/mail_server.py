"""A mail server that cuts connections, and kills the workers at their other end, in every phase of a conversation.

Each worker logs in under its own name, so that a connection tells whom to kill. What is taken is recorded before it is
answered: what the workers make of it is held against that.
"""

import random
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes

from tests.support.smtp_server import DROP, PIPELINED, Reaction, Script, Talk

KILL = "kill"
POINTS = ("connect", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "body", "dot", "taken", "answered")
"""`answered`: the last word is out, and perhaps not yet recorded."""

IN_HAND = {"body", "dot", "taken"}
"""A connection that is cut here is cut with a message in hand: the worker cannot know what became of it."""

PUT_OFFS = {
    "connect": ["421 4.3.2 too many connections"],
    "MAIL": ["451 4.3.0 later", "421 4.7.0 enough for now"],
    "RCPT": ["450 4.2.1 busy", "421 4.3.2 closing"],
    "DATA": ["451 4.3.0 later", "421 4.3.2 closing"],
    "dot": ["452 4.3.1 disk full", "421 4.3.2 closing"],
}


@dataclass
class Chaos(Script):
    """What happens is drawn by a seeded die; `kill` ends the worker of a name."""

    extensions: tuple[str, ...] = ("AUTH PLAIN", *PIPELINED)
    kill: Callable[[str, str], bool] = lambda _name, _point: False
    die: random.Random = field(default_factory=random.Random)
    odds: float = 0.02
    kills_wanted: int = 0
    """How many more workers may be killed."""
    cuts: Counter[str] = field(default_factory=Counter)

    def answer(self, point: str, usual: str) -> Reaction:
        roll = self.die.random()
        if roll < self.odds and self.kills_wanted > 0:
            return KILL
        if roll < 2 * self.odds and point != "answered":
            self.cuts[point] += 1
            return DROP
        if roll < 3 * self.odds and usual.startswith(("2", "3")) and point in PUT_OFFS:
            return self.die.choice(PUT_OFFS[point])
        return usual

    def taken(self) -> Counter[str]:
        """How often each message has been taken, by its Message-ID."""
        return Counter(str(message_from_bytes(content)["Message-ID"]) for content in self.stored)


class ChaoticTalk(Talk):
    """One connection, which may end at any point, by the server's will or by its client's death."""

    script: Chaos

    def setup(self) -> None:
        super().setup()
        self.name = ""

    def obey(self, verb: str, line: str) -> bool:
        if verb == "AUTH":
            self.name = b64decode(line.rsplit(maxsplit=1)[-1]).split(b"\0")[1].decode()
        if verb == "RCPT" and "<gone" in line:
            return self.react("550 5.1.1 no such user")
        goes_on = super().obey(verb, line)
        if verb == "DATA" and goes_on:
            self.answer("answered", "")
        return goes_on

    def answer(self, point: str, usual: str) -> Reaction:
        reaction = self.script.answer(point, usual)
        if reaction == KILL:
            self.script.kill(self.name, point)
            return usual  # to a client that is no more: the server takes what had reached it
        return reaction
