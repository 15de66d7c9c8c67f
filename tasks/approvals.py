"""What people are asked to approve and what they decide: kept in the ledger, where every send looks it up."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from tasks.database import fetch, run
from tasks.errors import ConfigurationError
from tasks.forecast import Forecast


@dataclass(frozen=True)
class Approvals:
    """The approvals of one campaign, in a transaction."""

    connection: Connection
    campaign_id: int
    digests: Mapping[str, str]
    """Of the templates and note that each kind of message is written with."""
    now: datetime

    def settle(self) -> None:
        """Mark the unsent messages that wait for an approval, as orders, mailboxes and templates stand now."""
        run(
            self.connection,
            "settle_approvals",
            campaign_id=self.campaign_id,
            digests=json.dumps(dict(self.digests)),
            now=self.now,
        )

    def propose(self, forecasts: Sequence[Forecast], messages: int, run_id: UUID) -> int:
        """Keep what a person is asked to approve, as it was shown, and return its id."""
        rows = fetch(
            self.connection, "propose", campaign_id=self.campaign_id, run_id=run_id, messages=messages, now=self.now
        )
        asked = [(one.message, fee) for one in forecasts for fee in one.fees]
        fetch(
            self.connection,
            "propose_orders",
            approval_id=rows[0].id,
            order_ids=[fee.order_id for _, fee in asked],
            mailboxes=[message.mailbox for message, _ in asked],
            amounts=[fee.amount for _, fee in asked],
            currencies=[fee.currency for _, fee in asked],
            digests=[self.digests[message.kind] for message, _ in asked],
        )
        fetch(self.connection, "await_approval", campaign_id=self.campaign_id, now=self.now)
        return int(rows[0].id)

    def decide(self, approval_id: int, *, approved: bool, by: str, note: str) -> int:
        """Keep what a person decided, with the name, and return how many messages that is about.

        Raises ConfigurationError without a name: nothing is decided then.
        """
        if not by.strip():
            raise ConfigurationError("Your name is missing: it is kept beside what you decide, nothing was done")
        rows = fetch(
            self.connection,
            "decide",
            approval_id=approval_id,
            state="approved" if approved else "rejected",
            by_whom=by.strip(),
            note=note or None,
            now=self.now,
        )
        self.settle()
        return int(rows[0].messages) if rows else 0
