"""Settle messages that may or may not have been delivered."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.retry_failed_sends import retry_failed_sends
from tasks.operations.options import RetryChoice, SettleChoice
from tasks.prefect_tasks.operations import mark_sent, publish_evidence
from tasks.prefect_tasks.parameters import run_in_words


def _run_name() -> str:
    choice = SettleChoice.model_validate(flow_run.get_parameters().get("choice") or {})
    return f"{choice.tournament or 'all tournaments'}: uncertain messages, {choice.action}"


@flow(name="settle-uncertain", flow_run_name=_run_name, persist_result=False)
@run_in_words
def settle_uncertain(choice: SettleChoice = SettleChoice()) -> State[Any]:  # noqa: B008  frozen
    """Show what is known of messages whose delivery is uncertain, and settle them as you have found out.

    Look into the mail server's log first: their Message-ID is in it where it took them.

    Args:
        choice: Which ones, and what became of them.
    """
    if choice.action == "send again":
        chosen = choice.model_dump(exclude={"action"})
        resent = retry_failed_sends(RetryChoice(uncertain=True, **chosen), return_state=True)
        end = Completed if resent.is_completed() else Failed  # Prefect would tell of another run's state in its words
        return end(message=resent.message)
    marked = mark_sent(choice) if choice.action == "mark as sent" else 0
    left = publish_evidence(choice.model_copy(update={"message_ids": ()}) if marked else choice)
    done = f"{marked} marked as sent; " if marked else ""
    return Completed(message=f"{done}{left} uncertain messages: the artifact has what is known of them")
