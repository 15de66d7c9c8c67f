"""What the outbox tells people: no address of a parent leaves it with a mail server's words."""

from tasks.campaigns.report import markdown
from tasks.campaigns.summary import summarize
from tasks.mail.transport import Delivery, DeliveryOutcome, Phase
from tests.integration.pipeline.harness import Pipeline
from tests.integration.pipeline.small_club import SmallClub
from tests.integration.pipeline.test_outbox import outbox


def test_a_mail_server_that_repeats_the_address_does_not_bring_it_into_the_report(small_club: Pipeline) -> None:
    club = SmallClub.on(small_club)
    club.family("Ek", "Jo.Ek@example.com")
    campaign = club.open_campaign()
    club.sql("UPDATE tournament_fees.campaigns SET state = 'sending'")
    words = "5.1.1 <jo.ek@example.com>: Recipient address rejected: User unknown"
    (row,) = club.messages()
    with outbox(club).claim([row.id]) as claim:
        (message,) = claim.take(row.id)
        claim.record(message, Delivery(DeliveryOutcome.FAILED, Phase.RCPT, 550, words))
    report = markdown(summarize(club.pipeline.services, campaign, None))
    assert "User unknown" in report
    assert "jo.ek" not in report.casefold()
