"""Prefect's view of the steps: thin shells. Only ids, names and counts cross a task boundary."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

from prefect import Task, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import ObjectNotFound
from prefect.futures import PrefectFuture, PrefectFutureList, as_completed
from prefect.runtime import flow_run
from prefect.states import Failed

from tasks import report, stopping
from tasks.alerts import announce
from tasks.campaign import Batch, Campaign, CampaignOptions
from tasks.errors import ConfigurationError, PermanentError, TransientError
from tasks.refresh import RefreshBatch, RefreshOptions
from tasks.refresh_report import refresh_markdown, refresh_sentence
from tasks.services import open_services, utc_now
from tasks.steps import check_ready as ready_step
from tasks.steps import deliver_batch as delivery_step
from tasks.steps import open_campaign as campaign_step
from tasks.steps import plan_batches as planning_step
from tasks.steps import plan_refresh as refresh_planning
from tasks.steps import prepare_refresh as refresh_preparation
from tasks.steps import refresh_batch as refresh_step
from tasks.steps import summarize as summary_step
from tasks.steps import summarize_refresh as refresh_summary
from tasks.steps import sweep as sweeping_step

P = ParamSpec("P")
R = TypeVar("R")


def in_words(work: Callable[P, R]) -> Callable[P, R]:
    """Let an error that a person can act on end a run in its one sentence; anything else is a bug and stays loud.

    Prefect would log a traceback for each level that an exception passes: the sentence would drown in them.
    """

    @wraps(work)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return work(*args, **kwargs)
        except (ConfigurationError, PermanentError, TransientError) as error:
            return cast("R", Failed(message=str(error), data=error))  # Prefect takes a state in place of any result

    return told


def shell(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Show a step in the UI as a task run of this name; an error of ours ends it in words and goes on to the flow.

    Its result is not kept: a retried run takes every step again, since only the ledger knows what is still owed.
    """

    def decorate(step: Callable[P, R]) -> Callable[P, R]:
        shown = task(task_run_name=name, persist_result=False, cache_policy=NO_CACHE)(in_words(step))

        @wraps(step)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            state: State[R] = shown(*args, **kwargs, return_state=True)
            return state.result()  # raises the error that the step ended with

        return run

    return decorate


def _is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry what may go better later, and nothing else: a wrong setting stays wrong."""
    return not stopping.stop_wanted() and isinstance(state.result(raise_on_failure=False), TransientError)


def batch_shell(step: Callable[P, R]) -> Task[P, R]:
    """Show a step as a task run named for its batch, which can be mapped and is retried where that may help."""
    return task(
        task_run_name="{batch}",
        retries=3,
        retry_delay_seconds=[5, 15, 45],
        retry_condition_fn=_is_transient,
        persist_result=False,
        cache_policy=NO_CACHE,
    )(in_words(step))


def _run_id() -> UUID | None:
    run_id = flow_run.get_id()
    return UUID(run_id) if run_id else None


@contextmanager
def one_run_a_tournament(tournament: str) -> Iterator[None]:
    """Wait until no other run is at work on a tournament; what the block began stops where the block is cancelled.

    Raises a PermanentError where the run was deleted meanwhile: it has nobody any more who wants its work.
    """
    waited = False

    def say_so() -> None:
        nonlocal waited
        waited = True
        get_run_logger().info("Another run is at work on this tournament: this one goes on when it has ended")

    name = f"tournament-fees {tournament.strip().casefold()}"
    with open_services() as services, services.database.turn(name, say_so), stopping.stoppable():
        if waited and _is_deleted():
            raise PermanentError("This run was deleted while it waited: nothing was done")
        yield


def _is_deleted() -> bool:
    """Say whether Prefect does not know this flow run any more."""
    with get_client(sync_client=True) as client:
        try:
            client.read_flow_run(UUID(flow_run.get_id()))
        except ObjectNotFound:
            return True
    return False


@shell("check that everything is ready")
def check_ready() -> None:
    """Fail before anything is done where the job could not be finished."""
    with open_services() as services:
        ready_step.check_ready(services)


@shell("open the campaign")
def open_campaign(tournament: str, options: CampaignOptions, *, require_approval: bool = False) -> Campaign:
    """Queue a message for each mailbox that is owed one."""
    with open_services() as services:
        return campaign_step.open_campaign(
            services, tournament, options.kind, options, require_approval=require_approval
        )


@shell("sweep Stripe's lists")
def sweep(campaign: Campaign) -> None:
    """Learn what became of sessions that the orders do not show."""
    with open_services() as services:
        outcomes = sweeping_step.sweep(services, campaign)
    if outcomes:
        said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        get_run_logger().info("Stripe's lists show more of some orders than they say; they are now: %s", said)


@shell("plan the batches")
def plan_batches(campaign: Campaign, at_most: int) -> list[Batch]:
    """Cut what is owed into batches, all of it rendered once."""
    with open_services() as services:
        batches = planning_step.plan_batches(services, campaign, at_most, get_run_logger().warning)
    get_run_logger().info("%d messages to look at", sum(len(batch.message_ids) for batch in batches))
    return batches


@batch_shell
def deliver_batch(campaign: Campaign, batch: Batch) -> Counter[str]:
    """Make the links of a batch live, render, send and record."""
    with open_services() as services:
        statuses = delivery_step.deliver_batch(services, campaign, batch, _run_id(), stopping.stop_wanted)
    get_run_logger().info("%s: %s", batch, ", ".join(f"{count} {status}" for status, count in sorted(statuses.items())))
    return statuses


def follow(deliveries: PrefectFutureList[Any], batches: Sequence[Batch | RefreshBatch], what: str = "messages") -> None:
    """Wait for all batches and show how much of them is through; an early raise would cancel the rest."""
    if not deliveries:
        return
    size = {delivery.task_run_id: len(batch) for delivery, batch in zip(deliveries, batches, strict=True)}
    done, everything = 0, sum(size.values())
    progress: UUID = create_progress_artifact(  # type: ignore[assignment] # not awaited, it runs here and now
        progress=0.0, description=f"0 of {everything} {what} are through"
    )
    for delivery in settled(deliveries):
        done += size[delivery.task_run_id]
        said = f"{done} of {everything} {what} are through"
        update_progress_artifact(progress, progress=100 * done / everything, description=said)


def settled(deliveries: list[PrefectFuture[Any]]) -> Iterator[PrefectFuture[Any]]:
    """Yield each as it ends, with its own state: what Prefect's server knows of a task run may come seconds late."""
    for delivery in as_completed(deliveries):
        delivery.wait()
        yield delivery


@shell("report")
def publish_report(campaign: Campaign) -> summary_step.Summary:
    """Count what the ledger has, and show it as an artifact."""
    with open_services() as services:
        summary = summary_step.summarize(services, campaign, _run_id())
        announce(services)
    for problem in summary.problems:
        get_run_logger().warning("%s", report.problem_line(problem))
    create_markdown_artifact(key="tournament-fees", markdown=report.markdown(summary), description=campaign.tournament)
    return summary


@contextmanager
def stoppable_run() -> Iterator[datetime]:
    """Give the moment at which a run began; what the block began stops where the block is cancelled."""
    with stopping.stoppable():
        yield utc_now()


@shell("take up, make and sweep")
def prepare_refresh(options: RefreshOptions) -> Mapping[str, int]:
    """Do what comes before the orders."""
    with open_services() as services:
        return refresh_preparation.prepare_refresh(services, options)


@shell("plan the batches")
def plan_refresh(options: RefreshOptions) -> list[RefreshBatch]:
    """Cut the orders to look at into batches."""
    with open_services() as services:
        batches = refresh_planning.plan_refresh(services, options)
    get_run_logger().info("%d orders to look at", sum(len(batch) for batch in batches))
    return batches


@batch_shell
def refresh_batch(options: RefreshOptions, batch: RefreshBatch) -> Counter[str]:
    """Look after the links of a batch's orders."""
    with open_services() as services:
        outcomes = refresh_step.refresh_batch(services, options, batch, _refresh_id(), stopping.stop_wanted)
    get_run_logger().info("%s: %s", batch, ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()))
    return outcomes


@shell("report")
def publish_refresh(
    options: RefreshOptions, prepared: Mapping[str, int], began: datetime
) -> refresh_summary.RefreshSummary:
    """Count and list what the run did, and show it as an artifact."""
    with open_services() as services:
        summary = refresh_summary.summarize_refresh(services, options, prepared, _refresh_id(), began)
        announce(services)
    for row in summary.set_asides:
        get_run_logger().warning("order %d waits for a person: %s", row.order_id, row.detail)
    create_markdown_artifact(
        key="refresh-checkout-links", markdown=refresh_markdown(summary), description=refresh_sentence(summary)
    )
    return summary


def _refresh_id() -> UUID:
    run_id = _run_id()
    if run_id is None:
        raise RuntimeError("a refresh keeps what it did by its flow run, and there is none")
    return run_id
