"""The main job."""

from typing import Any

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFutureList
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from tasks import report
from tasks.campaign import CampaignOptions, TournamentName
from tasks.shells import (
    check_ready,
    deliver_batch,
    follow,
    in_words,
    one_run_a_tournament,
    open_campaign,
    plan_batches,
    publish_report,
    sweep,
)
from tasks.steps.summarize import Summary

KIND = "fee_notice"
BATCHES_AT_ONCE = 4


def _run_name() -> str:
    """Say in the UI which tournament a run is for, and what it does."""
    return f"{flow_run.get_parameters()['tournament']}: fee notice, send"


@flow(
    name="tournament-fees",
    flow_run_name=_run_name,
    persist_result=False,
    task_runner=ThreadPoolTaskRunner(max_workers=BATCHES_AT_ONCE),  # type: ignore[arg-type] # Prefect leaves it generic
)
@in_words
def tournament_fees(
    tournament: TournamentName,
    options: CampaignOptions = CampaignOptions(),  # noqa: B008  frozen
) -> State[Any]:
    """Mail every committed player's parents a payment link that works.

    Run it again at any time: it takes up only what is still owed, so nobody is mailed twice and nobody is left out.

    Args:
        tournament: Its name, as the club has it.
        options: What can be chosen; it is fine as it is.
    """
    with one_run_a_tournament(tournament):
        check_ready()
        campaign = open_campaign(tournament, KIND, options)
        sweep(campaign)
        batches = plan_batches(campaign, options.at_most)
        deliveries = deliver_batch.map(unmapped(campaign), batches)
        follow(deliveries, batches)
        return _conclude(publish_report(campaign), deliveries)


def _conclude(summary: Summary, deliveries: PrefectFutureList[Any]) -> State[Any]:
    """End red only where a person has to act: skips are no failures."""
    said = report.sentence(summary)
    broken = [delivery.state.message for delivery in deliveries if not delivery.state.is_completed()]
    if broken:
        said += f"; {len(broken)} batches failed, retry this run when the cause is mended ({broken[0]})"
    if broken or summary.having("failed", "uncertain"):
        return Failed(message=said, data=summary)
    return Completed(message=said, data=summary)
