"""A ledger restored from a backup has forgotten what was sent since: nothing goes out until that is settled."""

from tasks.database import Database
from tasks.errors import ConfigurationError


def check_not_restored(database: Database) -> None:
    """Raise a ConfigurationError where the ledger was restored, or copied, and what was sent since is not settled."""
    (state,) = database.fetch("restore_state")
    if state.moved:
        raise ConfigurationError(
            f"The pipeline's tables in {database.place} were restored or moved here, and may have forgotten what was "
            "sent: run `python -m deployments.cli hold-after-restore` (deployments/README.md), nothing was sent"
        )
    if state.open:
        raise ConfigurationError(
            "The database was restored from a backup, and what was sent since is not settled: run `python -m "
            "deployments.cli settle-after-restore` with the mail server's log (deployments/README.md), nothing was sent"
        )
