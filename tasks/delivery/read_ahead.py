"""Reads the messages of a batch with all that they are written from, and writes them, ahead of their turn."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, replace
from email.utils import parseaddr
from time import monotonic
from typing import Any, NamedTuple

from tasks.campaigns.charges import charges_for
from tasks.campaigns.letters import compose
from tasks.campaigns.message import Draft, Message
from tasks.campaigns.options import Campaign
from tasks.club.model import CommittedPlayer, Tournament
from tasks.club.players import players_with_orders
from tasks.core.errors import ConfigurationError, TransientError
from tasks.delivery.outbox import Claim
from tasks.links.kept_links import kept_links
from tasks.links.model import Charge, LinkKind, LinkResult
from tasks.mail.mime import build_message
from tasks.mail.transport import Envelope
from tasks.services import Services

READ_AHEAD = 10
"""So many messages are read at once, with all that they are written from: that costs as many statements as one does."""

BEGIN_AT = 3
"""When so few are left the next are read: early enough for a quick line, late enough for a slow one."""

READ_SECONDS = 10.0
"""What was read so long ago is read again before it is used: people correct addresses, and parents pay."""


@dataclass(frozen=True)
class Ready:
    """A message and what it is written from, as the tables said at a moment of our own clock."""

    message: Message
    players: Mapping[int, CommittedPlayer]
    charges: Mapping[int, Charge]
    links: Mapping[int, LinkResult]
    """Those of its orders that need nothing done; the others have to be looked after."""

    read_at: float
    draft: Future[Draft] | None = None
    """The message, where all of its links are right: it is being written already."""

    @property
    def is_old(self) -> bool:
        """Whether it has to be read again."""
        return monotonic() - self.read_at > READ_SECONDS


class Coming(NamedTuple):
    """Messages that are being read."""

    first: int
    read: Future[dict[int, Ready]]


class ReadAhead:
    """The messages that one worker holds, each ready when its turn comes: read and written while others go out.

    Its methods are called by the worker alone; what they begin is done by `writer`, one thing after the other.
    """

    def __init__(
        self, services: Services, campaign: Campaign, tournament: Tournament, claim: Claim, writer: Executor
    ) -> None:
        self.services = services
        self.campaign = campaign
        self.tournament = tournament
        self.claim = claim
        self._writer = writer
        self._ahead: dict[int, Ready] = {}
        self._coming: Coming | None = None

    def next_one(self, message_id: int) -> Ready | None:
        """Return a message as it was read a moment ago; where it was not, read it, and with it some that follow."""
        if message_id not in self.claim.ids:  # one that has just taken the place of another
            return self.read([message_id]).get(message_id)
        if self._coming is not None and self._coming.first == message_id:
            self._ahead = self._take_coming()
        ready = self._ahead.pop(message_id, None)
        if ready is None or ready.is_old:
            self._forget()
            self._ahead = self._read_on(message_id)
            ready = self._ahead.pop(message_id, None)
        if self._coming is None and len(self._ahead) <= BEGIN_AT:
            self._begin_reading(max(self._ahead, default=message_id))
        return ready

    def _take_coming(self) -> dict[int, Ready]:
        coming, self._coming = self._coming, None
        return coming.read.result() if coming else {}

    def _forget(self) -> None:
        """Let go of what is being read, and wait for its end: two who read the same orders are in each other's way."""
        coming, self._coming = self._coming, None
        if coming is not None and not coming.read.cancel():
            wait([coming.read])

    def _begin_reading(self, last: int) -> None:
        """Let the messages after this one be read, in time for their turn."""
        first = next((id_ for id_ in self.claim.ids if id_ > last), None)
        if first is not None:
            self._coming = Coming(first, self._writer.submit(self._read_on, first))

    def _read_on(self, message_id: int) -> dict[int, Ready]:
        """Read a message and some that follow, or it alone where one of those cannot be read: that is none of its."""
        following = [other for other in self.claim.ids if other > message_id][: READ_AHEAD - 1]
        try:
            ahead = self.read([message_id, *following])
        except (ConfigurationError, TransientError):
            raise
        except Exception:  # noqa: BLE001  it comes again with the message that it is about
            return self.read([message_id])
        return {id_: replace(ready, draft=self._begin_writing(ready)) for id_, ready in ahead.items()}

    def _begin_writing(self, ready: Ready) -> Future[Draft] | None:
        """Let a message be written that is sure to go out as it was read."""
        if not ready.links or ready.links.keys() != set(ready.message.order_ids):
            return None
        return self._writer.submit(self.write, ready, list(ready.links.values()))

    def read(self, message_ids: Sequence[int]) -> dict[int, Ready]:
        """Read those of the messages that are still ours, whom they are about, and which of their links are right."""
        read_at, zone = monotonic(), self.services.settings.club_time_zone
        messages = self.claim.take(*message_ids)
        orders = [order for message in messages if not message.suppressed for order in message.order_ids]
        with self.services.database.transaction() as connection:
            players = players_with_orders(connection, self.tournament.id, orders) if orders else {}
            charges = charges_for(connection, self.tournament, players, zone) if players else {}
        kind = LinkKind(self.campaign.link_kind)
        kept = kept_links(self.services.keeper, charges, kind, mailing=True) if charges else {}
        if kept:
            self.claim.record_links(list(kept.values()))

        def own(message: Message, of_all: Mapping[int, Any]) -> dict[int, Any]:
            return {order: of_all[order] for order in message.order_ids if order in of_all}

        return {
            message.id: Ready(message, own(message, players), own(message, charges), own(message, kept), read_at)
            for message in messages
        }

    def write(self, ready: Ready, links: Sequence[LinkResult]) -> Draft:
        """Render the message with its links, as it goes to its one recipient."""
        message, settings = ready.message, self.services.settings
        letter = compose(message.kind, self.tournament, ready.players, links, self.campaign.note)
        repeated = message.dated_at if message.maybe_delivered else None
        dated_at = repeated or self.services.clock().replace(microsecond=0)
        content = build_message(
            self.services.renderer.render(letter),
            sender=settings.mail_from,
            reply_to=settings.mail_reply_to,
            to_address=message.address,
            to_name=letter.parent,
            message_id=message.message_id,
            date=dated_at,
            unsubscribe_url=settings.mail_unsubscribe_url,
        )
        envelope = Envelope(parseaddr(settings.mail_from)[1], message.address, content)
        return Draft(envelope, dated_at, [link for link in links if link.url])
