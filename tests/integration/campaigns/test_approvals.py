"""An approval: what was shown and approved goes out, and nothing else, whichever way a message comes to be sent."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from tasks.campaigns import approvals
from tasks.campaigns.approvals import Proposal, open_proposals
from tasks.campaigns.batches import plan_batches
from tasks.campaigns.letters import template_digests
from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import Campaign, CampaignOptions
from tasks.campaigns.report import sentence
from tasks.campaigns.summary import Summary, summarize
from tasks.core.errors import ConfigurationError
from tasks.delivery.deliver_batch import deliver_batch
from tasks.delivery.outbox import Outbox
from tasks.mail.renderer import Renderer
from tasks.mail.template_files import TEMPLATES
from tasks.mail.transport import Delivery, DeliveryOutcome, Phase
from tests.integration.campaigns.test_preview import into
from tests.integration.delivery.test_outbox import drafted
from tests.support.harness import Pipeline, nothing_happened
from tests.support.small_club import CUP, FEE, SmallClub

RUN = UUID(int=7)


@pytest.fixture
def club(small_club: Pipeline, tmp_path: Path) -> SmallClub:
    """A club with three families, of whom one has two children."""
    club = SmallClub.on(into(small_club, tmp_path))
    for surname, children in (("Ek", 2), ("Berg", 1), ("Chen", 1)):
        club.family(surname, f"{surname.lower()}@example.com", children)
    return club


def begin(club: SmallClub, *, require: bool = True, **chosen: Any) -> Campaign:  # noqa: ANN401  as the form takes it
    options = CampaignOptions(**chosen)
    return open_campaign(club.pipeline.services, CUP, options.kind, options, require_approval=require)


def ask(club: SmallClub, campaign: Campaign, at_most: int = 500) -> Proposal | None:
    return approvals.propose(club.pipeline.services, campaign, RUN, at_most)


def decide(club: SmallClub, campaign: Campaign, proposal: Proposal | None, *, approved: bool = True) -> None:
    assert proposal is not None
    approvals.decide(club.pipeline.services, campaign, proposal.id, approved=approved, by="Kim Doe", note="looks right")


def send(club: SmallClub, campaign: Campaign) -> Summary:
    run_id = uuid4()
    for batch in plan_batches(club.pipeline.services, campaign, 500):
        deliver_batch(club.pipeline.services, campaign, batch, run_id)
    return summarize(club.pipeline.services, campaign, run_id)


def approved_run(club: SmallClub, **chosen: Any) -> Campaign:  # noqa: ANN401  as the form takes it
    """A campaign, all of whose messages are approved and not sent yet."""
    campaign = begin(club, **chosen)
    decide(club, campaign, ask(club, campaign))
    return campaign


def orders_of(club: SmallClub, surname: str) -> list[int]:
    rows = club.sql(
        "SELECT o.id FROM orders o JOIN players p ON p.id = o.player_id WHERE p.last_name = :name ORDER BY o.id",
        name=surname,
    )
    return [row.id for row in rows]


def waiting(club: SmallClub) -> list[str]:
    """The families whose messages wait for an approval."""
    return [row.family for row in club.messages() if (row.status, row.reason) == ("queued", "awaiting_approval")]


# Asking


def test_nothing_goes_out_before_it_is_approved_and_everything_after(club: SmallClub) -> None:
    campaign = begin(club)
    proposal = ask(club, campaign)
    assert proposal is not None
    assert (proposal.preview.messages, proposal.preview.orders, proposal.preview.money) == (3, 4, "$220.00")
    assert Path(proposal.preview.page).exists()
    assert club.one("SELECT state FROM tournament_fees.campaigns") == "awaiting_approval"
    summary = send(club, campaign)
    assert summary.messages == {("queued", "awaiting_approval"): 3}
    assert "3 wait for an approval, or for another since" in sentence(summary)
    assert club.pipeline.retry() == []
    nothing_happened(club.pipeline)

    decide(club, campaign, proposal)
    assert ask(club, campaign) is None
    assert send(club, campaign).messages == {("sent", ""): 3}
    assert club.one("SELECT state FROM tournament_fees.campaigns") == "done"


def test_who_approved_what_and_when_is_kept(club: SmallClub) -> None:
    approved_run(club)
    (kept,) = club.sql("SELECT * FROM tournament_fees.approvals")
    assert (kept.state, kept.by_whom, kept.note, kept.messages, kept.run_id) == (
        "approved", "Kim Doe", "looks right", 3, RUN,
    )  # fmt: skip
    assert kept.proposed_at <= kept.decided_at
    orders = club.sql("SELECT order_id, mailbox, amount, currency FROM tournament_fees.approved_orders ORDER BY 1")
    assert [tuple(row) for row in orders] == [
        (order, f"{name.lower()}@example.com", FEE, "usd")
        for name in ("Ek", "Berg", "Chen")
        for order in orders_of(club, name)
    ]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE tournament_fees.approvals SET state = 'rejected'",
        "DELETE FROM tournament_fees.approvals",
        "UPDATE tournament_fees.approved_orders SET amount = 1",
        "DELETE FROM tournament_fees.approved_orders",
    ],
)
def test_what_was_decided_cannot_be_changed(club: SmallClub, change: str) -> None:
    approved_run(club)
    with pytest.raises((DBAPIError, RuntimeError)):
        club.sql(change)


def test_a_decision_needs_a_name_and_is_made_once(club: SmallClub) -> None:
    campaign, services = begin(club), club.pipeline.services
    proposal = ask(club, campaign)
    assert proposal is not None
    with pytest.raises(ConfigurationError, match="Your name is missing"):
        approvals.decide(services, campaign, proposal.id, approved=True, by="  ")
    assert open_proposals(services, campaign, RUN) == [proposal.id]
    assert approvals.decide(services, campaign, proposal.id, approved=False, by="Kim") == 3
    assert approvals.decide(services, campaign, proposal.id, approved=True, by="Lee") == 0
    assert open_proposals(services, campaign, RUN) == []
    assert send(club, campaign).sent == 0


def test_what_was_rejected_is_not_sent_and_is_asked_for_again(club: SmallClub) -> None:
    campaign = begin(club)
    decide(club, campaign, ask(club, campaign), approved=False)
    assert send(club, campaign).sent == 0
    decide(club, campaign, ask(club, campaign))
    assert send(club, campaign).sent == 3


def test_a_campaign_that_was_begun_with_an_approval_stays_so(club: SmallClub) -> None:
    begin(club)
    assert club.pipeline.run(CUP).messages == {("queued", "awaiting_approval"): 3}
    nothing_happened(club.pipeline)


def test_a_campaign_without_one_asks_nothing(club: SmallClub) -> None:
    campaign = begin(club, require=False)
    assert ask(club, campaign) is None
    assert send(club, campaign).sent == 3


def test_more_messages_than_allowed_are_not_even_proposed(club: SmallClub) -> None:
    campaign = begin(club)
    with pytest.raises(ConfigurationError, match="3 messages would go out, more than the 2 allowed"):
        ask(club, campaign, at_most=2)
    assert club.sql("SELECT * FROM tournament_fees.approvals") == []


# In between


def test_a_payment_in_between_asks_nobody_again(club: SmallClub) -> None:
    first, second = orders_of(club, "Ek")
    session = club.own_session(first)
    campaign = approved_run(club)
    club.pipeline.stand_in.pay(session)
    club.set_order(orders_of(club, "Berg")[0], status="paid", payment_method="cash")
    campaign = begin(club)
    assert ask(club, campaign) is None
    assert send(club, campaign).messages == {("sent", ""): 2, ("skipped", "paid"): 1}
    assert club.order_now(first).status == "paid"
    assert club.order_now(second).status == "pending"


CHANGES: dict[str, Callable[[SmallClub], object]] = {
    "a price": lambda club: club.set_order(orders_of(club, "Ek")[0], amount=FEE - 500),
    "a currency": lambda club: club.set_order(orders_of(club, "Ek")[0], currency="eur"),
    "an address": lambda club: club.sql("UPDATE parents SET email = 'new@example.org' WHERE last_name = 'Ek'"),
    "another child": lambda club: club.order(club.player(1, "Late")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_after_the_approval_is_asked_for_again_and_only_that(club: SmallClub, change: str) -> None:
    campaign = approved_run(club)
    CHANGES[change](club)
    campaign = begin(club)
    proposal = ask(club, campaign)
    assert waiting(club) == ["ek"]
    assert proposal is not None
    assert proposal.preview.messages == 1
    assert (send(club, campaign).having("sent"), waiting(club)) == (2, ["ek"])
    decide(club, campaign, proposal)
    assert (send(club, campaign).having("sent"), waiting(club)) == (3, [])


def with_templates(club: SmallClub, folder: Path, file: str, old: str, new: str) -> SmallClub:
    """The club after somebody has changed a template."""
    templates = copytree(TEMPLATES, folder / "templates")
    source = (templates / file).read_text(encoding="utf-8")
    assert old in source
    (templates / file).write_text(source.replace(old, new), encoding="utf-8")
    services = replace(club.pipeline.services, renderer=Renderer(templates))
    return SmallClub(replace(club.pipeline, services=services))


@pytest.mark.parametrize(
    ("file", "old"),
    [
        ("fee_notice/words.jinja", "is on the roster"),
        ("shared/words.jinja", "Already paid, or"),
        ("brands/default.toml", "The club office"),
    ],
)
def test_a_template_that_changes_after_the_approval_is_asked_for_again(
    club: SmallClub, tmp_path: Path, file: str, old: str
) -> None:
    approved_run(club)
    changed = with_templates(club, tmp_path, file, old, f"{old} now")
    campaign = begin(changed)
    assert changed.pipeline.retry() == []
    assert send(changed, campaign).messages == {("queued", "awaiting_approval"): 3}
    decide(changed, campaign, ask(changed, campaign))
    assert send(changed, campaign).messages == {("sent", ""): 3}


def test_another_note_is_asked_for_again(club: SmallClub) -> None:
    approved_run(club, note="The gym has changed")
    campaign = begin(club, note="The gym and the hour have changed")
    assert send(club, campaign).sent == 0
    assert ask(club, campaign) is not None


def test_an_order_that_joins_after_the_send_needs_an_approval_of_its_own(club: SmallClub) -> None:
    assert send(club, approved_run(club)).sent == 3
    club.order(club.player(1, "Late"))
    campaign = begin(club)
    proposal = ask(club, campaign)
    assert proposal is not None
    assert (proposal.preview.messages, proposal.preview.sent_before) == (1, 3)
    assert send(club, campaign).sent == 0
    decide(club, campaign, proposal)
    assert send(club, campaign).sent == 1
    assert len(club.pipeline.inbox.to("ek@example.com")) == 2


def test_who_is_paid_at_stripe_only_is_not_asked_about_and_recorded_all_the_same(club: SmallClub) -> None:
    campaign = begin(club, player_ids=[3])
    (order,) = orders_of(club, "Berg")
    club.pipeline.stand_in.pay(club.own_session(order))
    assert ask(club, campaign) is None
    summary = send(club, campaign)
    assert ("skipped", "paid") in summary.messages
    assert club.order_now(order).status == "paid"


def test_an_order_that_cannot_be_charged_holds_up_no_sister(club: SmallClub) -> None:
    odd, _ = orders_of(club, "Ek")
    club.set_order(odd, amount=0)
    campaign = approved_run(club)
    assert send(club, campaign).messages == {("sent", ""): 3}


def test_what_was_shown_as_skipped_is_asked_about_once_it_is_owed(club: SmallClub) -> None:
    session = club.own_session(orders_of(club, "Berg")[0])
    club.pipeline.stand_in.pay(session, slow=True)
    campaign = begin(club)
    shown = ask(club, campaign)
    assert shown is not None
    assert (shown.preview.messages, dict(shown.preview.skipped)) == (2, {"processing": 1})
    decide(club, campaign, shown)
    assert send(club, campaign).messages == {("sent", ""): 2, ("skipped", "processing"): 1}
    club.pipeline.stand_in.fail(session)
    campaign = begin(club)
    again = ask(club, campaign)
    assert again is not None
    assert again.preview.messages == 1
    assert send(club, campaign).messages == {("sent", ""): 2, ("queued", "awaiting_approval"): 1}
    decide(club, campaign, again)
    assert send(club, campaign).messages == {("sent", ""): 3}


# By every way that a message can take


def test_a_retry_sends_what_is_covered_and_holds_what_is_not(club: SmallClub) -> None:
    approved_run(club)
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    club.set_order(orders_of(club, "Berg")[0], amount=FEE + 500)
    (summary,) = club.pipeline.retry()
    assert summary.messages == {("sent", ""): 2, ("queued", "awaiting_approval"): 1}
    assert club.calls() != []
    assert club.sessions(orders_of(club, "Berg")[0]) == [], "no session is made for what is not approved"
    assert club.pipeline.retry() == []


def test_a_price_that_changes_while_a_batch_is_at_work_holds_the_message(club: SmallClub) -> None:
    campaign = approved_run(club)
    (batch,) = plan_batches(club.pipeline.services, campaign, 500)
    club.set_order(orders_of(club, "Ek")[1], amount=FEE + 500)
    assert deliver_batch(club.pipeline.services, campaign, batch, None) == {"sent": 2, "queued": 1}
    assert waiting(club) == ["ek"]


def test_a_failed_one_that_is_sent_again_by_hand_is_covered_by_its_approval(club: SmallClub) -> None:
    campaign = approved_run(club, player_ids=[3])
    (batch,) = plan_batches(club.pipeline.services, campaign, 500)
    with box(club, campaign).claim(batch.message_ids) as claim:
        (message,) = claim.take(claim.ids[0])
        claim.record(message, Delivery(DeliveryOutcome.FAILED, Phase.RCPT, 550, "no relaying"))
    (summary,) = club.pipeline.retry(failed=True, by="Ann")
    assert summary.sent == 1


def test_an_uncertain_one_that_cannot_go_unchanged_waits_for_an_approval_of_its_new_words(club: SmallClub) -> None:
    campaign = approved_run(club, player_ids=[3])
    assert send(club, campaign).sent == 1
    club.sql("UPDATE tournament_fees.messages SET status = 'uncertain', reason = 'no_reply' WHERE status = 'sent'")
    club.sql("UPDATE players SET first_name = 'Maximilian' WHERE id = 3")
    club.pipeline.retry(uncertain=True, count=1, by="Ann")
    assert len(club.pipeline.inbox.messages()) == 1
    (renewed,) = [row for row in club.messages() if row.kind == "renewed_link"]
    assert (renewed.status, renewed.reason) == ("queued", "awaiting_approval")
    campaign = begin(club, player_ids=[3])
    decide(club, campaign, ask(club, campaign))
    assert send(club, campaign).sent == 1


def test_an_approval_of_another_campaign_covers_nothing(club: SmallClub) -> None:
    approved_run(club)
    campaign = begin(club, sequence=2)
    assert send(club, campaign).sent == 0
    assert waiting(club) == ["ek", "berg", "chen"]


def test_a_stopped_campaign_stays_stopped_whatever_is_approved(club: SmallClub) -> None:
    campaign = begin(club)
    proposal = ask(club, campaign)
    club.sql("UPDATE tournament_fees.campaigns SET state = 'stopped'")
    decide(club, campaign, proposal)
    with pytest.raises(ConfigurationError, match="stopped for good"):
        begin(club)
    with pytest.raises(ConfigurationError, match="stopped for good"):
        send(club, campaign)
    nothing_happened(club.pipeline)


def box(club: SmallClub, campaign: Campaign) -> Outbox:
    services = club.pipeline.services
    digests = template_digests(services.renderer, campaign.kind, campaign.note)
    return Outbox(services.database, campaign.id, services.clock, 3, 20, run_id=uuid4(), digests=digests)


@pytest.mark.parametrize("changed", ["nothing", "words", "mailbox", "rejected"])
def test_the_ledger_lets_nothing_on_the_wire_that_no_approval_covers(club: SmallClub, changed: str) -> None:
    campaign = begin(club, player_ids=[3])
    proposal = ask(club, campaign)
    decide(club, campaign, proposal, approved=changed != "rejected")
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    outbox = box(club, campaign)
    if changed == "words":
        outbox = replace(outbox, digests={"fee_notice": "of other words"})
    if changed == "mailbox":
        club.sql("UPDATE tournament_fees.messages SET mailbox = 'other@example.org' WHERE status = 'queued'")
    ids = [row.id for row in club.messages() if row.status == "queued"]
    with outbox.claim(ids) as claim:
        (message,) = claim.take(claim.ids[0])
        assert message.approved == (changed == "nothing")
        links = [club.ensure_link(order) for order in message.order_ids]
        claim.record_links(links)
        assert claim.enter_sending(message, drafted(message, links)) == (changed == "nothing")
