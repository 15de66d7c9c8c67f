"""Stop a campaign for good."""

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import Field

from tasks.campaigns import report
from tasks.campaigns.options import TournamentName
from tasks.operations.options import StopChoice, YourName
from tasks.prefect_tasks import operations
from tasks.prefect_tasks.campaigns import publish_report
from tasks.prefect_tasks.parameters import run_in_words


@flow(name="stop-campaign", flow_run_name="{tournament}: stop for good", persist_result=False)
@run_in_words
def stop_campaign(
    tournament: TournamentName,
    by: YourName,
    why: Annotated[str, Field(title="Why", description="Kept beside the stopped campaign.", max_length=500)] = "",
    campaign: StopChoice = StopChoice(),  # noqa: B008  frozen
) -> State[Any]:
    """Stop a campaign: what is not on the wire yet is never sent, by no retry either. This cannot be undone.

    To pause instead, cancel its run and switch off the schedule of retry-failed-sends.

    Args:
        tournament: Its name, as the club has it.
        by: Your name.
        why: Why it is stopped.
        campaign: Which one of the tournament's.
    """
    stopped = operations.stop_campaign(tournament, campaign, by, why)
    return Completed(message=report.stopped_sentence(publish_report(stopped)))
