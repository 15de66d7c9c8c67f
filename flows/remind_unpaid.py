"""Remind parents who have not paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.campaigns import report
from tasks.campaigns.reminders import ReminderOptions
from tasks.club.model import Tournament
from tasks.core.errors import ConfigurationError
from tasks.prefect_tasks.campaigns import (
    check_ready,
    deliver_batch,
    open_reminders,
    plan_batches,
    publish_report,
    sweep,
    tournaments_to_remind,
)
from tasks.prefect_tasks.parameters import run_in_words
from tasks.prefect_tasks.task import follow, one_run_a_tournament

BATCHES_AT_ONCE = 4


@dataclass(frozen=True)
class Ending:
    """What a run has to say of one tournament, and whether a person has to act."""

    words: str
    red: bool = False


def _run_name() -> str:
    """Say in the UI whom a run reminds."""
    options = ReminderOptions.model_validate(flow_run.get_parameters().get("options") or {})
    return f"{options.tournament or 'all tournaments'}: reminders"


@flow(
    name="remind-unpaid",
    flow_run_name=_run_name,
    persist_result=False,
    task_runner=ThreadPoolTaskRunner(max_workers=BATCHES_AT_ONCE),  # type: ignore[arg-type] # Prefect leaves it generic
)
@run_in_words
def remind_unpaid(options: ReminderOptions = ReminderOptions()) -> State[Any]:  # noqa: B008  frozen
    """Remind parents who were mailed and have not paid, with links that work when they open them.

    Nobody is reminded who has paid, also in cash, who was mailed a short while ago or often enough, in quiet hours, or
    after the payment deadline. Run it as often as you like.

    Args:
        options: Whom to remind; as it is, everybody whose link has died or who was mailed days ago.
    """
    tournaments = tournaments_to_remind(options)
    if tournaments:
        check_ready()
    return _conclude([_remind(tournament, options) for tournament in tournaments])


def _remind(tournament: Tournament, options: ReminderOptions) -> Ending:
    """Send the reminders of one tournament; what is wrong with it alone does not keep the others from theirs."""
    try:
        with one_run_a_tournament(tournament.name):
            campaign = open_reminders(tournament.id, options)
            if campaign is None:
                return Ending(f"{tournament.name}: nobody to remind")
            sweep(campaign)
            batches = plan_batches(campaign, options.at_most)
            deliveries = deliver_batch.map(unmapped(campaign), batches)
            follow(deliveries, batches)
            summary = publish_report(campaign)
    except ConfigurationError as error:
        return Ending(f"{tournament.name}: {error}", red=True)
    said = f"{tournament.name}: {report.sentence(summary)}"
    broken = [delivery.state.message for delivery in deliveries if not delivery.state.is_completed()]
    if broken:
        said += f"; {len(broken)} batches failed, retry this run when the cause is mended ({broken[0]})"
    return Ending(said, red=bool(broken) or bool(summary.having("failed", "uncertain")))


def _conclude(endings: Sequence[Ending]) -> State[Any]:
    """End red only where a person has to act."""
    end = Failed if any(ending.red for ending in endings) else Completed
    nobody = "No tournament that was mailed can still be paid for: nobody to remind"
    return end(message="; ".join(ending.words for ending in endings) or nobody)
