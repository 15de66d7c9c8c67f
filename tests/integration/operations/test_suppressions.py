"""Who is not mailed any more: how a mailbox comes on the list, that nothing goes to it, and how it comes off."""

from typing import Any

import pytest

from tasks.campaigns.batches import plan_batches
from tasks.core.errors import ConfigurationError
from tasks.delivery.deliver_batch import deliver_batch
from tasks.mail.transport import Delivery, DeliveryOutcome, Phase
from tasks.operations.options import SuppressChoice
from tasks.operations.suppress import (
    change,
    import_suppressions,
    lift_address,
    suppress_address,
    suppressed_rows,
    suppressions,
)
from tests.integration.delivery.test_outbox import drafted, ids, ready
from tests.support.harness import Pipeline
from tests.support.small_club import CUP, SmallClub


@pytest.fixture
def club(small_club: Pipeline) -> SmallClub:
    club = SmallClub.on(small_club)
    club.family("Ek", "Jo.Ek@gmail.com")
    club.family("Berg", "berg@example.com")
    return club


def suppress(club: SmallClub, address: str = "joek@googlemail.com") -> None:
    assert suppress_address(club.pipeline.services, address, reason="asked for it", by="Ann")


def reasons(club: SmallClub) -> list[tuple[str, str | None]]:
    return [(row.status, row.reason) for row in club.messages()]


def refuse(club: SmallClub, reply: str, code: int = 550) -> None:
    with ready(club) as (claim, message, _links):
        claim.record(message, Delivery(DeliveryOutcome.FAILED, Phase.RCPT, code, reply))


def test_a_suppressed_mailbox_is_skipped_by_name_however_it_is_spelled(club: SmallClub) -> None:
    suppress(club)
    summary = club.pipeline.run(CUP)
    assert summary.messages == {("skipped", "suppressed"): 1, ("sent", ""): 1}
    assert [mail["X-Envelope-To"] for mail in club.pipeline.inbox.messages()] == ["berg@example.com"]


def test_one_that_is_suppressed_while_its_message_waits_is_not_mailed(club: SmallClub) -> None:
    club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    with ready(club) as (claim, message, links):
        suppress(club)
        assert not claim.enter_sending(message, drafted(message, links))
        (again,) = claim.take(message.id)
        assert again.suppressed
    club.pipeline.retry()
    assert reasons(club) == [("skipped", "suppressed"), ("sent", None)]


def test_a_batch_that_is_under_way_skips_it(club: SmallClub) -> None:
    """Suppressed after the plan was made, before its message is looked at: nothing is asked of Stripe for it."""
    campaign = club.open_campaign()
    batches = plan_batches(club.pipeline.services, campaign, 10)
    suppress(club)
    (statuses,) = [deliver_batch(club.pipeline.services, campaign, batch, None) for batch in batches]
    assert statuses == {"skipped": 1, "sent": 1}
    assert len(club.calls("POST")) == 1


def test_lifting_it_brings_them_back_on_the_next_run(club: SmallClub) -> None:
    suppress(club)
    club.pipeline.run(CUP)
    assert club.pipeline.run(CUP).sent == 0
    lift_address(club.pipeline.services, "JOEK@gmail.com", by="Bea")
    assert club.pipeline.run(CUP).sent == 1
    (entry,) = club.sql("SELECT by_whom, lifted_by, lifted_at FROM tournament_fees.suppressions")
    assert (entry.by_whom, entry.lifted_by) == ("Ann", "Bea")
    suppress(club)
    assert len(club.sql("SELECT id FROM tournament_fees.suppressions")) == 2, "what was lifted is kept"


@pytest.mark.parametrize(
    ("reply", "suppressed"),
    [
        ("5.1.1 no such user", True),
        pytest.param("5.1.10 null MX", True, marks=pytest.mark.only_long),
        pytest.param("5.1.6 has moved", True, marks=pytest.mark.only_long),
        pytest.param("5.2.1 mailbox disabled", True, marks=pytest.mark.only_long),
        ("5.2.2 mailbox full", False),
        ("5.7.1 we do not like you", False),
        pytest.param("5.1.2 no such domain", False, marks=pytest.mark.only_long),
        pytest.param("no such user here", False, marks=pytest.mark.only_long),
        ("unknown user 5.1.1", False),
    ],
)
def test_the_mail_servers_reply_suppresses_where_it_is_about_the_mailbox(
    club: SmallClub, reply: str, *, suppressed: bool
) -> None:
    club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    refuse(club, reply)
    entries = club.sql("SELECT mailbox, source, by_whom FROM tournament_fees.suppressions")
    assert [tuple(entry) for entry in entries] == ([("joek@gmail.com", "reply", "pipeline")] if suppressed else [])
    other_notice = club.pipeline.run(CUP, sequence=2)
    assert other_notice.sent == (1 if suppressed else 2)


def test_a_deferral_with_such_a_code_does_not_suppress(club: SmallClub) -> None:
    club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    with ready(club) as (claim, message, _links):
        claim.record(message, Delivery(DeliveryOutcome.DEFERRED, Phase.RCPT, 450, "4.1.1 ask later"))
    assert club.sql("SELECT id FROM tournament_fees.suppressions") == []


# By hand


def test_the_form_takes_messages_by_number_and_shows_no_address(club: SmallClub) -> None:
    club.open_campaign()
    services = club.pipeline.services
    first, _ = ids(club)
    choice = SuppressChoice(action="suppress", message_ids=(first,), reason="asked for it", by="Ann")
    assert change(services, choice) == 1
    assert change(services, choice) == 0
    (entry,) = suppressions(services)
    assert suppressed_rows([entry])[0][1:4] == ("J…@gmail.com", "asked for it", "hand")
    assert change(services, SuppressChoice(action="lift", suppression_ids=(entry.id,), by="Bea")) == 1
    assert suppressions(services) == []


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"action": "suppress", "message_ids": (1_000_000,), "reason": "x", "by": "Ann"}, "address 1000000: nothing"),
        ({"action": "suppress", "message_ids": (), "reason": "x", "by": "Ann"}, "A choice of messages"),
        ({"action": "suppress", "message_ids": (1,), "by": "Ann"}, "A reason .* was expected"),
        ({"action": "suppress", "message_ids": (1,), "reason": "x"}, "Your name .* was expected"),
        ({"action": "lift", "suppression_ids": (1_000_000,), "by": "Ann"}, "No active suppression 1000000"),
        ({"action": "lift", "by": "Ann"}, "A choice of entries"),
    ],
)
def test_a_choice_that_cannot_be_meant_changes_nothing(club: SmallClub, choice: dict[str, Any], said: str) -> None:
    suppress(club)
    before = club.sql("SELECT * FROM tournament_fees.suppressions")
    with pytest.raises(ConfigurationError, match=said):
        change(club.pipeline.services, SuppressChoice(**choice))
    assert club.sql("SELECT * FROM tournament_fees.suppressions") == before


def test_of_several_entries_one_unknown_keeps_all_on_the_list(club: SmallClub) -> None:
    suppress(club)
    (entry,) = suppressions(club.pipeline.services)
    with pytest.raises(ConfigurationError, match=f"No active suppression {entry.id + 1}"):
        change(
            club.pipeline.services, SuppressChoice(action="lift", suppression_ids=(entry.id, entry.id + 1), by="Ann")
        )
    assert len(suppressions(club.pipeline.services)) == 1


@pytest.mark.parametrize("address", ["", "ask her father", "a@example.com, b@example.com"])
def test_what_is_no_address_is_refused(club: SmallClub, address: str) -> None:
    services = club.pipeline.services
    with pytest.raises(ConfigurationError, match="not a mail address"):
        suppress_address(services, address, reason="asked for it", by="Ann")
    with pytest.raises(ConfigurationError, match="not a mail address"):
        lift_address(services, address, by="Ann")
    with pytest.raises(ConfigurationError, match="not on the suppression list"):
        lift_address(services, "nobody@example.com", by="Ann")


def test_a_file_is_taken_over_whole_or_not_at_all(club: SmallClub) -> None:
    services = club.pipeline.services
    with pytest.raises(ConfigurationError, match="line 3 has no mail address"):
        import_suppressions(services, b"address\nberg@example.com\nnobody\n", by="Ann")
    assert suppressions(services) == []
    assert import_suppressions(services, b"address,since\nberg@example.com,2026-01-02\n", by="Ann") == (1, 1)
    assert import_suppressions(services, b"address\nberg@example.com\nBERG@example.com\n", by="Ann") == (2, 0)
    assert [(f"{one.since:%Y-%m-%d}", one.source) for one in suppressions(services)] == [("2026-01-02", "csv")]
    assert club.pipeline.run(CUP).sent == 1
