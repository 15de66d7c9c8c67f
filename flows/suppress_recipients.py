"""Keep the list of those who are not mailed."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.operations.options import SuppressChoice
from tasks.prefect_tasks.operations import change_suppressions, publish_suppressions
from tasks.prefect_tasks.parameters import run_in_words


@flow(name="suppress-recipients", flow_run_name="suppression list", persist_result=False)
@run_in_words
def suppress_recipients(choice: SuppressChoice = SuppressChoice()) -> State[Any]:  # noqa: B008  frozen
    """Show who is not mailed, put the recipients of messages on the list, or take entries off it.

    Messages and entries go by their numbers, since addresses are not to stand in a run's parameters. The terminal
    takes addresses and CSV files.

    Args:
        choice: What to do, and about whom.
    """
    changed = change_suppressions(choice) if choice.action != "show" else 0
    entries = publish_suppressions()
    done = f"{changed} {'lifted' if choice.action == 'lift' else 'added'}; " if choice.action != "show" else ""
    return Completed(message=f"{done}{entries} mailboxes are on the list")
