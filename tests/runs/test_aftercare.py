"""What an operator does afterwards, from the forms in the Prefect UI: after a restore, and when a season is over."""

from datetime import timedelta

import httpx
import pytest

from tests.support.harness import Pipeline
from tests.support.served import Served

HOLD = "hold-after-restore/hold-after-restore"
PURGE = "purge-season/purge-season"


@pytest.mark.only_long
def test_what_was_held_is_told_and_people_are_purged_by_the_forms(served: Served, club: Pipeline) -> None:
    assert served.trigger().wait().type == "COMPLETED"
    held = served.start(HOLD, {"backup_at": club.clock().isoformat(), "by": "Ann Operator"})
    state = held.wait()
    assert (state.type, state.message.partition(";")[0][:44]) == (
        "COMPLETED",
        "0 messages of 0 campaigns are held: they may",
    )
    (told,) = held.artifacts("markdown")
    assert "settle-after-restore" in told["data"]
    refused = served.trigger().wait()
    assert (refused.type, "what was sent since is not settled" in refused.message) == ("FAILED", True)

    club.sql("UPDATE tournaments SET event_date = '2020-03-01', payment_deadline = NULL")
    for table in ("campaigns", "messages"):
        club.sql(f"UPDATE tournament_fees.{table} SET changed_at = '2020-02-01'")  # noqa: S608  names of the test
    before = (club.clock() - timedelta(days=30)).date().isoformat()
    counted = served.start(PURGE, {"before": before, "choice": {"action": "count"}})
    state = counted.wait()
    assert state.type == "COMPLETED"
    count = int(state.message.split()[0])
    assert count > 0
    (table_of,) = counted.artifacts("markdown")
    assert "| messages: address, mailbox, family | 32 |" in table_of["data"]
    with pytest.raises(httpx.HTTPStatusError):
        served.start(PURGE, {"before": before, "choice": {"action": "purge", "by": "Ann Operator"}})
    gone = served.start(PURGE, {"before": before, "choice": {"action": "purge", "count": count, "by": "Ann Operator"}})
    assert gone.wait().message.startswith(f"{count} records of people from before {before} are gone, of 1 campaigns")
    assert club.sql("SELECT FROM tournament_fees.messages WHERE address IS NOT NULL") == []
