"""Prefect's view of the steps, as far as it needs no server."""

from concurrent.futures import Future
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import State
from prefect.futures import PrefectConcurrentFuture
from prefect.states import Completed, Failed

from tasks.prefect_tasks.task import as_they_end


@pytest.mark.parametrize("state", [Completed(message="2 sent"), Failed(message="a bug")])
def test_how_a_batch_ended_is_known_though_the_server_has_not_heard_of_it(state: State[None]) -> None:
    work: Future[State[None]] = Future()
    work.set_result(state)
    batch = PrefectConcurrentFuture(uuid4(), work)
    (ended,) = as_they_end([batch])
    assert ended.state == state
