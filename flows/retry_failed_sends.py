"""Send what is due again, and what a person sends again."""

from collections.abc import Sequence
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFutureList
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.campaigns import report
from tasks.campaigns.summary import Summary
from tasks.operations.options import RetryChoice
from tasks.prefect_tasks.campaigns import check_ready, deliver_batch, plan_batches, publish_report
from tasks.prefect_tasks.cancellation import cancellable
from tasks.prefect_tasks.operations import retry_messages
from tasks.prefect_tasks.parameters import run_in_words
from tasks.prefect_tasks.task import follow

BATCHES_AT_ONCE = 4
ANY_NUMBER = 100_000
"""A campaign's own cap was looked at when it was first sent; what is left of it is no more than that."""


def _run_name() -> str:
    """Say in the UI whether a run is the scheduled one, or what a person has chosen."""
    choice = RetryChoice.model_validate(flow_run.get_parameters().get("choice") or {})
    return f"{choice.tournament or 'all tournaments'}: what is due{''.join(f', {name}' for name in choice.statuses)}"


@flow(
    name="retry-failed-sends",
    flow_run_name=_run_name,
    persist_result=False,
    task_runner=ThreadPoolTaskRunner(max_workers=BATCHES_AT_ONCE),  # type: ignore[arg-type] # Prefect leaves it generic
)
@run_in_words
def retry_failed_sends(choice: RetryChoice = RetryChoice()) -> State[Any]:  # noqa: B008  frozen
    """Send what waits and is due, in all campaigns that are being sent; links are checked and messages written again.

    What was sent is never touched, and nobody new joins.

    Args:
        choice: What to send again beside that; left as it is, nothing.
    """
    with cancellable():
        retried = retry_messages(choice)
        campaigns = retried.campaigns
        if campaigns:
            check_ready()
        work = [(campaign, batch) for campaign in campaigns for batch in plan_batches(campaign, ANY_NUMBER)]
        deliveries = deliver_batch.map([campaign for campaign, _ in work], [batch for _, batch in work])
        follow(deliveries, [batch for _, batch in work])
        return _conclude([publish_report(campaign) for campaign in campaigns], deliveries, retried.lost)


def _conclude(summaries: Sequence[Summary], deliveries: PrefectFutureList[Any], lost: int) -> State[Any]:
    """End red only where this run met what a person has to act on: earlier failures have been told by their own run."""
    told = [f"{summary.campaign.tournament}: {report.sentence(summary)}" for summary in summaries]
    if lost:
        told.append(f"{lost} messages that lost workers had on the wire are uncertain: settle-uncertain shows them")
    said = "; ".join(told) or "Nothing is due"
    broken = [delivery.state.message for delivery in deliveries if not delivery.state.is_completed()]
    if broken:
        said += f"; {len(broken)} batches failed ({broken[0]})"
    to_act = any(summary.deliveries.keys() & {"failed", "uncertain"} or summary.awaiting for summary in summaries)
    if broken or lost or to_act:
        return Failed(message=said)
    return Completed(message=said)
