"""Approvals: what none covers yet is shown to a person before it is sent, and the decision kept."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection

from tasks.campaigns import queries
from tasks.campaigns.dry_run import DryRun, check_cap, dry_run
from tasks.campaigns.letters import template_digests
from tasks.campaigns.options import Campaign
from tasks.campaigns.preview import Preview, gather, read_progress
from tasks.core.errors import ConfigurationError
from tasks.services import Services


@dataclass(frozen=True)
class Proposal:
    """What a person is asked to approve: its id in the ledger, and what is shown of it."""

    id: int
    preview: Preview


@dataclass(frozen=True)
class Approvals:
    """The approvals of one campaign, in a transaction."""

    connection: Connection
    campaign_id: int
    digests: Mapping[str, str]
    """Of the templates and note that each kind of message is written with."""
    now: datetime

    def mark_unapproved(self) -> None:
        """Mark the unsent messages that wait for an approval, as orders, mailboxes and templates stand now."""
        digests = json.dumps(dict(self.digests))
        queries.mark_unapproved_messages(self.connection, campaign_id=self.campaign_id, digests=digests, now=self.now)

    def propose(self, dry_runs: Sequence[DryRun], messages: int, run_id: UUID) -> int:
        """Keep what a person is asked to approve, as it was shown, and return its id."""
        approval_id = queries.record_proposal(
            self.connection,
            campaign_id=self.campaign_id,
            run_id=run_id,
            messages=messages,
            now=self.now,
        )
        asked = [(one.message, fee) for one in dry_runs for fee in one.fees]
        queries.record_proposed_orders(
            self.connection,
            approval_id=approval_id,
            order_ids=[fee.order_id for _, fee in asked],
            mailboxes=[message.mailbox for message, _ in asked],
            amounts=[fee.amount for _, fee in asked],
            currencies=[fee.currency for _, fee in asked],
            digests=[self.digests[message.kind] for message, _ in asked],
        )
        queries.await_approval(self.connection, campaign_id=self.campaign_id, now=self.now)
        return approval_id

    def decide(self, approval_id: int, *, approved: bool, by: str, note: str) -> int:
        """Keep what a person decided, with the name, and return how many messages that is about.

        Zero where it was decided before. Raises ConfigurationError without a name: nothing is decided then.
        """
        if not by.strip():
            raise ConfigurationError("Your name is missing: it is kept beside what you decide, nothing was done")
        messages = queries.record_decision(
            self.connection,
            approval_id=approval_id,
            state="approved" if approved else "rejected",
            by_whom=by.strip(),
            note=note or None,
            now=self.now,
        )
        self.mark_unapproved()
        return messages or 0


@dataclass
class _Asked:
    """Passes on what is to be approved or skipped, keeps what an approval compares, counts what was approved before.

    What would be skipped is shown as such and is in no sum: an approval covers none of it, also where it is owed later.
    """

    dry_runs: Iterable[DryRun]
    kept: list[DryRun] = field(default_factory=list)
    approved_before: int = 0

    def __iter__(self) -> Iterator[DryRun]:
        for one in self.dry_runs:
            if not one.skip and not one.message.awaits_approval:
                self.approved_before += 1
                continue
            if not one.skip:
                self.kept.append(replace(one, letter=None, mail=None))
            yield one


def propose(services: Services, campaign: Campaign, run_id: UUID, at_most: int) -> Proposal | None:
    """Keep and return what has to be approved before it can be sent; None where that is nothing.

    Raises ConfigurationError for a broken template, for more messages than `at_most`, and where the page cannot be
    written; TransientError where Stripe or the database is out of reach.
    """
    digests, now = template_digests(services.renderer, campaign.kind, campaign.note), services.clock()
    with services.database.transaction() as connection:
        Approvals(connection, campaign.id, digests, now).mark_unapproved()
        owed = queries.list_owed_messages(connection, campaign_id=campaign.id, now=now)
        progress = read_progress(connection, campaign.id, now)
    if not any(message.awaits_approval for message in owed):
        return None
    asked = _Asked(dry_run(services, campaign, owed))
    preview = gather(services, campaign, asked, progress)
    if not preview.messages:
        Path(preview.page).unlink(missing_ok=True)
        return None
    check_cap(preview.messages + asked.approved_before, at_most)
    with services.database.transaction() as connection:
        approvals = Approvals(connection, campaign.id, digests, now)
        return Proposal(approvals.propose(asked.kept, preview.messages, run_id), preview)


def open_proposals(services: Services, campaign: Campaign, run_id: UUID) -> list[int]:
    """Return the ids of what a run has asked about this campaign and nobody has decided, the oldest first."""
    return queries.list_open_proposals(services.database, run_id=run_id, campaign_id=campaign.id)


def decide(services: Services, campaign: Campaign, approval_id: int, *, approved: bool, by: str, note: str = "") -> int:
    """Keep what a person decided about a proposal, and return how many messages that is about.

    Zero where it was decided before. Raises ConfigurationError without a name.
    """
    digests = template_digests(services.renderer, campaign.kind, campaign.note)
    with services.database.transaction() as connection:
        approvals = Approvals(connection, campaign.id, digests, services.clock())
        return approvals.decide(approval_id, approved=approved, by=by, note=note)
