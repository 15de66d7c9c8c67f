"""Take people's data of seasons past out of the pipeline's tables."""

from datetime import date
from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import Field

from tasks.operations.options import PurgeChoice
from tasks.prefect_tasks.operations import publish_purge
from tasks.prefect_tasks.parameters import run_in_words


@flow(name="purge-season", flow_run_name="people's data from before {before}", persist_result=False)
@run_in_words
def purge_season(
    before: Annotated[
        date, Field(title="Tournaments that ended before", description="A day that is a week past, or more.")
    ],
    choice: PurgeChoice = PurgeChoice(),  # noqa: B008  frozen
) -> State[Any]:
    """Take parents' and children's data of finished seasons away; what money needs stays. As it is, it only counts.

    Campaigns that are not finished stay, and so do those of which messages are uncertain.

    Args:
        before: Which tournaments are meant.
        choice: Whether to take it away, and who says so.
    """
    return Completed(message=publish_purge(before, choice))
