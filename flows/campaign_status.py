"""Say where a tournament's money is."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.campaigns.options import TournamentName
from tasks.prefect_tasks.operations import publish_status
from tasks.prefect_tasks.parameters import run_in_words


@flow(name="campaign-status", flow_run_name="{tournament}: status", persist_result=False)
@run_in_words
def campaign_status(tournament: TournamentName) -> State[Any]:
    """Count who is committed, was mailed and has paid, what is owed, and what waits for a person; nothing is changed.

    The report under Artifacts has no names and no whole addresses. A table with names, for the treasurer, is made in a
    terminal: deployments.cli status --csv.

    Args:
        tournament: Its name, as the club has it.
    """
    return Completed(message=publish_status(tournament))
