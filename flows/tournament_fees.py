"""The main job."""

from typing import Any

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFutureList, wait
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from tasks import report
from tasks.campaign import CampaignOptions
from tasks.shells import check_ready, deliver_batch, open_campaign, plan_batches, publish_report
from tasks.steps.summarize import Summary

KIND = "fee_notice"
BATCHES_AT_ONCE = 4


@flow(
    name="tournament-fees",
    flow_run_name="fees-{tournament}",
    task_runner=ThreadPoolTaskRunner(max_workers=BATCHES_AT_ONCE),  # type: ignore[arg-type] # Prefect leaves it generic
)
def tournament_fees(tournament: str, options: CampaignOptions = CampaignOptions()) -> State[Any]:  # noqa: B008  frozen
    """Mail every committed player's parents a payment link that works.

    Run it again at any time: it takes up only what is still owed, so nobody is mailed twice and nobody is left out.

    Args:
        tournament: The tournament's name, as the club has it.
        options: What a person can choose about the campaign.
    """
    check_ready()
    campaign = open_campaign(tournament, KIND, options)
    deliveries = deliver_batch.map(unmapped(campaign), plan_batches(campaign))
    wait(deliveries)  # before anything is asked of them: a failed one must not cancel the rest
    return _conclude(publish_report(campaign), deliveries)


def _conclude(summary: Summary, deliveries: PrefectFutureList[Any]) -> State[Any]:
    """End red only where a person has to act: skips are no failures."""
    said = report.sentence(summary)
    broken = [delivery.state for delivery in deliveries if not delivery.state.is_completed()]
    if broken:
        return Failed(
            message=f"{said}; {len(broken)} batches failed ({broken[0].message}): run the campaign again",
            data=summary,
        )
    if summary.having("failed", "uncertain"):
        return Failed(message=said, data=summary)
    return Completed(message=said, data=summary)
