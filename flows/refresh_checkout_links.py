"""Keep the checkout links of unpaid orders as Stripe and the club's tables have them."""

from typing import Any

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFutureList
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.prefect_tasks.parameters import run_in_words
from tasks.prefect_tasks.refresh import plan_refresh, prepare_refresh, publish_refresh, refresh_batch
from tasks.prefect_tasks.task import cancellable_run, follow
from tasks.refresh.options import RefreshOptions
from tasks.refresh.report import refresh_sentence
from tasks.refresh.summary import RefreshSummary

BATCHES_AT_ONCE = 2
"""Each looks after many orders at once: a second one fills the first one's pauses."""


def _run_name() -> str:
    """Say in the UI what a run is about, and what it may do."""
    options = RefreshOptions.model_validate(flow_run.get_parameters()["options"])
    about = options.tournament or "tournaments to come"
    return f"{about}: {'dry run' if options.dry_run else 'renew' if options.renew else 'reconcile'} links"


@flow(
    name="refresh-checkout-links",
    flow_run_name=_run_name,
    persist_result=False,
    task_runner=ThreadPoolTaskRunner(max_workers=BATCHES_AT_ONCE),  # type: ignore[arg-type] # Prefect leaves it generic
)
@run_in_words
def refresh_checkout_links(
    options: RefreshOptions = RefreshOptions(),  # noqa: B008  frozen
) -> State[Any]:
    """Bring unpaid orders in line with Stripe: payments that were missed, links that are missing, wrong or dead.

    Nobody is mailed. Run it at any time, also beside a campaign; an open link of the right price is never closed
    before its last day to pay is over.

    Args:
        options: What can be chosen; as it is, all unpaid orders are looked at and no new links made.
    """
    with cancellable_run() as began:
        prepared = prepare_refresh(options)
        batches = plan_refresh(options)
        refreshes = refresh_batch.map(unmapped(options), batches)
        follow(refreshes, batches, "orders")
        return _conclude(publish_refresh(options, prepared, began), refreshes)


def _conclude(summary: RefreshSummary, refreshes: PrefectFutureList[Any]) -> State[Any]:
    """End red only where the run has not done its work; what waits for a person is in its report."""
    said = refresh_sentence(summary)
    broken = [refresh.state.message for refresh in refreshes if not refresh.state.is_completed()]
    if broken:
        said += f"; {len(broken)} batches failed, retry this run when the cause is mended ({broken[0]})"
        return Failed(message=said, data=summary)
    return Completed(message=said, data=summary)
