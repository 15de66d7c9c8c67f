"""Serve the embedded stack with Prefect's UI, a worker and the deployments, until Ctrl-C: `make serve`."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from sqlalchemy import text

from deployments.local.demo_club import TOURNAMENT, is_demo_club, load_demo_club_for
from deployments.local.given import check_given
from deployments.local.home import HomeInUseError, stack_home
from deployments.local.prefect_login import AT_ITS_CLIENTS, how_to_log_in
from deployments.local.processes import Child, ChildFailedError
from deployments.local.stack import Stack, given_settings, local_stack
from deployments.worker import POOL, python_first
from tasks.core.database import Database
from tasks.core.errors import ConfigurationError, TransientError
from tasks.core.migrations import check_club_tables, migrate
from tasks.core.settings_source import load_settings
from tasks.services import open_services

# One club's worker may ask more often than a league's hundred: a click is answered within seconds.
PROMPT = {"PREFECT_WORKER_QUERY_SECONDS": "2", "PREFECT_WORKER_HEARTBEAT_SECONDS": "10"}

console = Console(soft_wrap=True, highlight=False)


def main() -> int:
    """Serve, and return the exit code."""
    try:
        given = given_settings()
        check_given(given)
        with served(stack_home(given) / "serve", given, console.print) as (stack, worker):
            tell(stack, given)
            stay(worker)
    except (ConfigurationError, TransientError, HomeInUseError, ChildFailedError) as error:
        console.print(f"Error: {error}", style="red")
        return 2
    except KeyboardInterrupt:
        console.print("Stopped. What was done is kept for the next time.")
    return 0


@contextmanager
def served(home: Path, given: Mapping[str, str], progress: Callable[[str], None]) -> Iterator[tuple[Stack, Child]]:
    """Run the stack and a worker, ready for what a person triggers, until the end of the block; as local_stack()."""
    with local_stack(home, given=given, progress=progress) as stack:
        prepare(stack, given, progress)
        yield stack, start_worker(stack)


def prepare(stack: Stack, given: Mapping[str, str], progress: Callable[[str], None]) -> None:
    """Make what is not there yet: the demo's club, the pipeline's tables, the work pool and the deployments."""
    with open_services(load_settings(stack.environment)) as services:
        if stack.stripe_url and not has_club(services.database):
            progress("Loading a club of invented people")
            load_demo_club_for(services, stack.stand_in())
        if stack.stripe_url and given.get("DATABASE_URL"):
            check_may_play(services.database)
        check_club_tables(services.database)
        migrate(services.database)
    progress("Deploying the flows")
    run_verb(stack, "deploy")


def check_may_play(database: Database) -> None:
    """Raise a ConfigurationError where a club's orders would get links of Stripe's stand-in, which lead nowhere."""
    if not is_demo_club(database):
        raise ConfigurationError(
            f"{database.place} (DATABASE_URL) has a club that is not the demo's, and there is no STRIPE_API_KEY: its "
            "orders would get links that lead nowhere. Set that too (a test key will do), or name an empty database"
        )


def has_club(database: Database) -> bool:
    """Return True if the database has a club's tables."""
    with database.transaction() as connection:
        return connection.execute(text("SELECT to_regclass('orders')")).scalar() is not None


def run_verb(stack: Stack, verb: str) -> None:
    """Run a verb of the pipeline's own on the stack; its words are shown only where it fails."""
    command = [sys.executable, "-m", "deployments.cli", verb]
    child = stack.children.start(verb, command, environment=stack.environment)
    child.wait_until(lambda: child.process.poll() == 0)


def start_worker(stack: Stack) -> Child:
    """Start the worker that runs what is triggered, and wait until it looks for work."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    # Workers make a folder of one fixed name in the temporary one: the machine's may have another user's already.
    scratch = stack.children.home / "scratch"
    scratch.mkdir(exist_ok=True)
    environment = {**stack.environment, **python_first(), **PROMPT, "TMPDIR": str(scratch)}
    # Not in the repository, whose .env may say what of another Prefect is.
    worker = stack.children.start("worker", command, folder=stack.home, environment=environment)
    worker.wait_until(lambda: "started!" in worker.log.read_text(errors="replace"))
    return worker


def tell(stack: Stack, given: Mapping[str, str]) -> None:
    """Print where everything is, and how to get in."""
    console.print(f"\nPrefect: {stack.prefect_url}/deployments   start the flow there: Run, Custom run, {TOURNAMENT}")
    console.print(f"Log in:  {how_to_log_in(stack.home, stack.environment[AT_ITS_CLIENTS], given)}")
    if stack.mail_url:
        console.print(f"Mail:    {stack.mail_url}   what was sent")
    console.print("Ctrl-C stops it; what was done is kept.")


def stay(worker: Child) -> None:
    """Wait for Ctrl-C; a worker that ends by itself is an error."""
    worker.process.wait()
    raise ChildFailedError(f"The worker ended by itself: see {worker.log}")


if __name__ == "__main__":
    sys.exit(main())
