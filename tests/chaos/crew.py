"""The workers of a chaos run: always as many as wanted, and each can be killed at any moment."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from uuid import UUID, uuid4

from tasks.campaigns.options import Campaign
from tests.chaos.worker import work
from tests.support.copies import COPIES

DISMISSED = "dismissed"


@dataclass
class Crew:
    """Three workers, say; whoever is killed is replaced by another with a name of its own."""

    settings: Mapping[str, str]
    campaign: Campaign
    mail_port: int
    size: int
    places: Sequence[str] = ("",)
    """The network namespaces that the workers are in, in turn; an empty name: this one."""
    kills: Counter[str] = field(default_factory=Counter)
    """By the point of the conversation, or `anywhere`."""
    dead: list[UUID] = field(default_factory=list)
    _living: dict[str, ForkServerProcess] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fill(self) -> None:
        """Start as many workers as are missing."""
        with self._lock:
            self._check()
            while len(self._living) < self.size:
                run_id = uuid4()
                given = {**self.settings, "SMTP_URL": f"smtp://{run_id.hex}:x@127.0.0.1:{self.mail_port}"}
                place = self.places[len(self._living) % len(self.places)]
                process = COPIES.Process(target=work, args=(given, self.campaign, run_id, place))
                process.start()
                self._living[run_id.hex] = process

    def names(self) -> list[str]:
        """Who is there; it is an error where one has ended by itself."""
        with self._lock:
            self._check()
            return list(self._living)

    def _check(self) -> None:
        for name, process in self._living.items():
            assert process.is_alive(), f"worker {name} ended by itself: {process.exitcode}"

    def kill(self, name: str, where: str = "anywhere") -> bool:
        """End a worker as kill -9 does, and say whether it was alive."""
        with self._lock:
            process = self._living.pop(name, None)
        if process is None:
            return False
        process.kill()
        process.join()
        self.kills[where] += 1
        self.dead.append(UUID(name))
        return True

    def killed(self) -> Counter[str]:
        """How many were killed where, before all were dismissed."""
        return Counter({where: times for where, times in self.kills.items() if where != DISMISSED})

    def dismiss(self) -> None:
        """End all."""
        with self._lock:
            names = list(self._living)
        for name in names:
            self.kill(name, DISMISSED)
