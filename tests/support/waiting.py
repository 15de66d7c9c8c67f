"""Wait for what tells nobody that it has happened."""

import time
from collections.abc import Callable

LOOK_SECONDS = 0.01


def until(happened: Callable[[], object]) -> None:
    """Look again and again, with a rest in between: what is waited for wants the processor too."""
    while not happened():
        time.sleep(LOOK_SECONDS)  # what is waited for (a mail, a row, a process) has no way to wake us
