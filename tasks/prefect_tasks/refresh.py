"""Prefect's view of the refresh's steps: thin task wrappers. Only ids, names and counts cross a task boundary."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from tasks.prefect_tasks.alerts import announce
from tasks.prefect_tasks.cancellation import is_cancelled
from tasks.prefect_tasks.task import as_batch_task, as_task, required_run_id
from tasks.refresh import batch as one_batch
from tasks.refresh import plan, prepare
from tasks.refresh.options import RefreshBatch, RefreshOptions
from tasks.refresh.report import refresh_markdown, refresh_sentence
from tasks.refresh.summary import RefreshSummary, summarize_refresh
from tasks.services import open_services


@as_task("release, make and sweep")
def prepare_refresh(options: RefreshOptions) -> Mapping[str, int]:
    """Do what comes before the orders."""
    with open_services() as services:
        return prepare.prepare_refresh(services, options)


@as_task("plan the batches")
def plan_refresh(options: RefreshOptions) -> list[RefreshBatch]:
    """Cut the orders to look at into batches."""
    with open_services() as services:
        batches = plan.plan_refresh(services, options)
    get_run_logger().info("%d orders to look at", sum(len(batch) for batch in batches))
    return batches


@as_batch_task
def refresh_batch(options: RefreshOptions, batch: RefreshBatch) -> Counter[str]:
    """Look after the links of a batch's orders."""
    with open_services() as services:
        outcomes = one_batch.refresh_batch(services, options, batch, required_run_id(), is_cancelled)
    get_run_logger().info("%s: %s", batch, ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()))
    return outcomes


@as_task("report")
def publish_refresh(options: RefreshOptions, prepared: Mapping[str, int], began: datetime) -> RefreshSummary:
    """Count and list what the run did, and show it as an artifact."""
    with open_services() as services:
        summary = summarize_refresh(services, options, prepared, required_run_id(), began)
        announce(services)
    for row in summary.set_asides:
        get_run_logger().warning("order %d waits for a person: %s", row.order_id, row.detail)
    create_markdown_artifact(
        key="refresh-checkout-links", markdown=refresh_markdown(summary), description=refresh_sentence(summary)
    )
    return summary
