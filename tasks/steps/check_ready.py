"""Before anything is done: all that the job needs can be reached and is as it must be."""

from tasks.mail.rehearsal import rehearse
from tasks.migrations import check_club_tables, check_migrated
from tasks.restores import check_not_restored
from tasks.services import Services


def check_ready(services: Services) -> None:
    """Raise one clear error where the database, Stripe, the mail server or a template would fail the job.

    Raises ConfigurationError where a person has to mend a setting, TransientError where a server is out of reach.
    """
    check_club_tables(services.database)
    check_migrated(services.database)
    check_not_restored(services.database)
    rehearse(services.renderer)
    services.stripe.check()
    with services.mailer() as mailer:
        mailer.check()
