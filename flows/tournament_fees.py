"""The main job."""

from typing import Any

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFutureList
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.campaigns import report
from tasks.campaigns.options import CampaignOptions, TournamentName
from tasks.campaigns.preview_report import preview_sentence
from tasks.campaigns.summary import Summary
from tasks.prefect_tasks.approval import approve, check_can_ask, publish_preview, send_test
from tasks.prefect_tasks.campaigns import check_ready, deliver_batch, open_campaign, plan_batches, publish_report, sweep
from tasks.prefect_tasks.parameters import run_in_words
from tasks.prefect_tasks.task import follow, one_run_a_tournament

BATCHES_AT_ONCE = 4


def _run_name() -> str:
    """Say in the UI which tournament a run is for, and what it does."""
    parameters = flow_run.get_parameters()
    options = CampaignOptions.model_validate(parameters.get("options") or {})
    return f"{parameters['tournament']}: {options.kind.replace('_', ' ')}, {options.mode}"


@flow(
    name="tournament-fees",
    flow_run_name=_run_name,
    persist_result=False,
    task_runner=ThreadPoolTaskRunner(max_workers=BATCHES_AT_ONCE),  # type: ignore[arg-type] # Prefect leaves it generic
)
@run_in_words
def tournament_fees(
    tournament: TournamentName,
    options: CampaignOptions = CampaignOptions(),  # noqa: B008  frozen
    *,
    require_approval: bool = False,
) -> State[Any]:
    """Mail every committed player's parents a payment link that works.

    Run it again at any time: it sends only what is still owed, so nobody is mailed twice and nobody is left out.

    Args:
        tournament: Its name, as the club has it.
        options: What can be chosen; it is fine as it is.
        require_approval: Before anything is sent, the run stops with a form that shows what that would be, and goes on
            when somebody approves it. A campaign that was begun so stays so. A preview and a test ask nothing.
    """
    options.check()
    if options.mode == "preview":
        check_ready()
        preview = publish_preview(tournament, options)
        return Completed(message=preview_sentence(preview), data=preview)
    if options.mode == "test":
        check_ready()
        return Completed(message=f"{send_test(tournament, options)} test messages were sent, and none to a parent")
    if require_approval:
        check_can_ask()
    return _send(tournament, options, require_approval=require_approval)


def _send(tournament: str, options: CampaignOptions, *, require_approval: bool) -> State[Any]:
    """Mail what is owed; where it has to be approved first, the run ends here and begins anew with the answer."""
    with one_run_a_tournament(tournament):
        check_ready()
        campaign = open_campaign(tournament, options, require_approval=require_approval)
        sweep(campaign)
        rejected = approve(campaign, options)
        if rejected:
            return Cancelled(name="Rejected", message=f"Nothing was sent: {rejected}. Another run asks again")
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
    if broken or summary.having("failed", "uncertain") or summary.awaiting:
        return Failed(message=said, data=summary)
    return Completed(message=said, data=summary)
