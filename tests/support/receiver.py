"""Somebody whom alerts are sent to, as JSON over HTTP."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.web_server import web_server


@dataclass
class Receiver:
    """What they got so far, each with its `title` and `message`."""

    address: str = ""
    """Where they are, as Apprise has it."""
    got: list[dict[str, str]] = field(default_factory=list)

    def titles(self) -> Counter[str]:
        """How often they got what."""
        return Counter(alert["title"] for alert in self.got)

    def has(self, title: str, times: int) -> bool:
        """Whether they got this so often."""
        return self.titles()[title] == times

    def take(self, _path: str, body: bytes) -> tuple[int, str]:
        self.got.append(json.loads(body))
        return 200, ""


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listen, and keep what comes."""
    told = Receiver()
    with web_server(told.take) as place:
        told.address = f"json://{place}"
        yield told
