"""Hold back, after a restore from a backup, what could have gone out since."""

from datetime import datetime
from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import Field

from tasks.operations.options import YourName
from tasks.prefect_tasks import operations
from tasks.prefect_tasks.parameters import run_in_words


@flow(name="hold-after-restore", flow_run_name="hold what may have gone out", persist_result=False)
@run_in_words
def hold_after_restore(
    backup_at: Annotated[
        datetime, Field(title="Time of the backup", description="What it has is known; what came later is forgotten.")
    ],
    by: YourName,
) -> State[Any]:
    """Call uncertain each message that could have gone out after the backup; nothing is sent until that is settled.

    The mail server's log settles it, in a terminal: deployments.cli settle-after-restore. See deployments/README.md.

    Args:
        backup_at: When the backup was made.
        by: Your name.
    """
    said = operations.hold_after_restore(backup_at, by)
    return Completed(message="; ".join(said))
