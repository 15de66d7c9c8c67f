"""Ends in words a run whose stored parameters its flow cannot take.

Prefect's server refuses to make such a run where it looks. It does not look at what a schedule has stored, at a run
that is made past the deployment, or where it is asked not to; and Prefect binds what is stored to the flow's function
before anything of the flow could tell what is wrong: the process ends in a traceback, and the run is called crashed.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar, get_type_hints
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Abort
from prefect.logging.loggers import flow_run_logger
from prefect.runtime import flow_run
from prefect.states import Failed
from pydantic import ValidationError, validate_call

from tasks.core.form_errors import Names, wrong_words
from tasks.prefect_tasks.task import in_words

P = ParamSpec("P")
R = TypeVar("R")


def run_in_words(work: Callable[P, R]) -> Callable[P, R]:
    """Let a flow's run end in one sentence where a person can act on what is wrong, its parameters among that.

    Prefect imports a flow in the process of its run: one that the flow cannot take ends there and then.
    """
    refuse_misfits(work)
    return in_words(work)


def refuse_misfits(work: Callable[..., Any]) -> None:
    """End the run that this process is for, where it is one of this flow and its parameters will not do."""
    run_id = flow_run.get_id()
    if run_id is None:
        return
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(run_id))
        wrong = misfit(work, run.parameters)
        if wrong and client.read_flow(run.flow_id).name == flow_name(work):
            _refuse(client, run, flow_name(work), wrong)


def _refuse(client: SyncPrefectClient, run: FlowRun, name: str, wrong: str) -> None:
    said = (
        f"Nothing was done, for these parameters will not do: {wrong}. "
        "Correct them where they come from (a schedule, an automation, a script) and start another run"
    )
    flow_run_logger(run).error("%s", said)
    client.set_flow_run_name(run.id, f"{name}: refused")  # alerts tell of a run by its name
    client.set_flow_run_state(run.id, Failed(message=said))
    raise Abort(said)  # Prefect leaves the run as it is and ends its process well


def misfit(work: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """Say in a line what of this a flow's function cannot take; nothing where it can take it all."""

    @validate_call
    @wraps(work)
    def take(*_args: object, **_kwargs: object) -> None:
        """Take what the flow takes."""

    try:
        take(**given)
    except ValidationError as error:
        return wrong_words(error, _names(work))
    return ""


def flow_name(work: Callable[..., Any]) -> str:
    """Return the name of a function's flow."""
    return work.__name__.replace("_", "-")


def _names(work: Callable[..., Any]) -> Names:
    types = get_type_hints(work)
    return {name: tuple(getattr(types[name], "model_fields", ())) for name in signature(work).parameters}
