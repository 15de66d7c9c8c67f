"""What the task wrappers are made of: steps as task runs, one run a tournament, cancellation and progress."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

from prefect import Task, get_run_logger, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import ObjectNotFound
from prefect.futures import PrefectFuture, PrefectFutureList, as_completed
from prefect.runtime import flow_run
from prefect.states import Failed

from tasks.campaigns.options import Batch
from tasks.core.errors import ConfigurationError, PermanentError, TransientError
from tasks.prefect_tasks import cancellation
from tasks.refresh.options import RefreshBatch
from tasks.services import open_services, utc_now

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


def as_task(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
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
    return not cancellation.is_cancelled() and isinstance(state.result(raise_on_failure=False), TransientError)


def as_batch_task(step: Callable[P, R]) -> Task[P, R]:
    """Show a step as a task run named for its batch, which can be mapped and is retried where that may help."""
    return task(
        task_run_name="{batch}",
        retries=3,
        retry_delay_seconds=[5, 15, 45],
        retry_condition_fn=_is_transient,
        persist_result=False,
        cache_policy=NO_CACHE,
    )(in_words(step))


def run_id() -> UUID | None:
    """Return the id of the flow run that this is part of; None outside of any."""
    here = flow_run.get_id()
    return UUID(here) if here else None


def required_run_id() -> UUID:
    """Return the id of the flow run, by which its work is kept."""
    here = run_id()
    if here is None:
        raise RuntimeError("this keeps what it does by its flow run, and there is none")
    return here


@contextmanager
def cancellable_run() -> Iterator[datetime]:
    """Give the moment at which a run began; what the block began stops where the block is cancelled."""
    with cancellation.cancellable():
        yield utc_now()


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
    with open_services() as services, services.database.turn(name, say_so), cancellation.cancellable():
        if waited and _is_deleted():
            raise PermanentError("This run was deleted while it waited: nothing was done")
        yield


def _is_deleted() -> bool:
    """Return True if Prefect does not know this flow run any more."""
    with get_client(sync_client=True) as client:
        try:
            client.read_flow_run(UUID(flow_run.get_id()))
        except ObjectNotFound:
            return True
    return False


def follow(deliveries: PrefectFutureList[Any], batches: Sequence[Batch | RefreshBatch], what: str = "messages") -> None:
    """Wait for all batches and show how much of them is through; an early raise would cancel the rest."""
    if not deliveries:
        return
    size = {delivery.task_run_id: len(batch) for delivery, batch in zip(deliveries, batches, strict=True)}
    done, everything = 0, sum(size.values())
    progress: UUID = create_progress_artifact(  # type: ignore[assignment] # not awaited, it runs here and now
        progress=0.0, description=f"0 of {everything} {what} are through"
    )
    for delivery in as_they_end(deliveries):
        done += size[delivery.task_run_id]
        said = f"{done} of {everything} {what} are through"
        update_progress_artifact(progress, progress=100 * done / everything, description=said)


def as_they_end(deliveries: list[PrefectFuture[Any]]) -> Iterator[PrefectFuture[Any]]:
    """Yield each as it ends, with its own state: what Prefect's server knows of a task run may come seconds late."""
    for delivery in as_completed(deliveries):
        delivery.wait()
        yield delivery
