"""django-post_office as a peer: it runs in an environment of its own and takes orders, a line of JSON each."""

import json
import logging
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import django  # type: ignore[import-not-found] # it is in the peer's environment only
from django.conf import settings  # type: ignore[import-not-found]
from django.core.management import call_command  # type: ignore[import-not-found]


def set_up(database: dict[str, Any], mail_port: int) -> None:
    """Configure Django with nothing but what sending takes."""
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **database}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "post_office"],
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=mail_port,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        POST_OFFICE={"BATCH_SIZE": 100, "THREADS_PER_PROCESS": 5, "LOG_LEVEL": 1, "BATCH_DELIVERY_TIMEOUT": 600},
    )
    django.setup()
    logging.disable(logging.INFO)  # it tells of each batch
    call_command("migrate", verbosity=0)


def fill(count: int, subject: str, text: str, html: str) -> dict[str, Any]:
    """Queue so many emails, rendered beforehand."""
    from post_office.models import STATUS, Email  # type: ignore[import-not-found] # noqa: PLC0415  after set_up()

    Email.objects.all().delete()
    Email.objects.bulk_create(
        Email(
            from_email="Example Hoops Club <fees@example.org>",
            to=[f"ek{number}@example.com"],
            subject=subject,
            message=text,
            html_message=html,
            status=STATUS.queued,
            priority=2,
        )
        for number in range(count)
    )
    return {"queued": count}


def send(batch: int, threads: int, processes: int) -> dict[str, Any]:
    """Send all that is queued, as `manage.py send_queued_mail` does."""
    from post_office.mail import send_queued_mail_until_done  # type: ignore[import-not-found] # noqa: PLC0415
    from post_office.models import STATUS, Email  # noqa: PLC0415

    settings.POST_OFFICE.update(BATCH_SIZE=batch, THREADS_PER_PROCESS=threads)
    cpu, began = cpu_seconds(), time.monotonic()
    send_queued_mail_until_done(processes=processes)
    seconds, cpu = time.monotonic() - began, cpu_seconds() - cpu
    return {"sent": Email.objects.filter(status=STATUS.sent).count(), "seconds": seconds, "cpu_seconds": cpu}


def cpu_seconds() -> float:
    """Return what we and our processes that have ended have taken."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


ORDERS: dict[str, Callable[..., Any]] = {"set_up": set_up, "fill": fill, "send": send}


if __name__ == "__main__":
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(ORDERS[order.pop("do")](**order)), flush=True)
