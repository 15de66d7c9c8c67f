"""Take in mail that came back."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.operations.bounces import tally_words
from tasks.prefect_tasks import operations
from tasks.prefect_tasks.parameters import run_in_words


@flow(name="read-bounces", flow_run_name="read what came back", persist_result=False)
@run_in_words
def read_bounces() -> State[Any]:
    """Read the delivery reports in BOUNCE_MAILBOX: mailboxes that do not exist are not mailed any more.

    Each report is taken in once; what is none, and what is malformed, is left unread.
    """
    tally = operations.read_bounces()
    if tally.malformed:
        return Failed(message=f"{tally_words(tally)}: look at them in the mailbox, then mark them as read")
    return Completed(message=tally_words(tally))
