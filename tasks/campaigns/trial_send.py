"""Mail a few of a campaign's messages, as they would go out, to one address of the club's; nothing of it is kept."""

from collections.abc import Iterable
from dataclasses import replace
from email.utils import parseaddr
from itertools import islice
from uuid import uuid4

from tasks.campaigns.dry_run import DryRun, dry_run
from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.preview import try_open
from tasks.core.email_address import mask_in, parse_address, wire_address
from tasks.core.errors import PermanentError
from tasks.mail.display_names import display_safe
from tasks.mail.letter import Letter
from tasks.mail.mime import build_message
from tasks.mail.renderer import MAX_SUBJECT
from tasks.mail.smtp import Mailer
from tasks.mail.transport import Delivery, DeliveryOutcome, Envelope
from tasks.services import Services

MARK = "[TEST]"
MOST_LOOKED_AT = 200
"""Messages among which those that differ most are looked for."""


def send_test(services: Services, tournament_name: str, options: CampaignOptions) -> int:
    """Send the chosen few, and return how many.

    Their links are replaced, and their subjects marked. Raises ConfigurationError as open_campaign does, PermanentError
    where there is nothing to send or the mail server takes one of them not; TransientError where one is out of reach.
    """
    campaign, owed, _ = try_open(services, tournament_name, options)
    would_go = (one for one in dry_run(services, campaign, owed) if one.letter is not None)
    letters = choose(islice(would_go, MOST_LOOKED_AT), options.test_messages)
    if not letters:
        raise PermanentError("No message would go out now: there is nothing to test")
    with services.mailer() as mailer:
        for sent, letter in enumerate(letters):
            delivery = _send(services, mailer, letter, options.test_address)
            if delivery.outcome is not DeliveryOutcome.SENT:
                said = mask_in(" ".join(str(part) for part in (delivery.code, delivery.reply) if part))
                raise PermanentError(f"{sent} of {len(letters)} test messages were sent, then the mail server: {said}")
    return len(letters)


def choose(dry_runs: Iterable[DryRun], most: int) -> list[Letter]:
    """Return the letters of so many messages at most: first one of each look, then the others in their order."""
    letters = [one.letter for one in dry_runs if one.letter is not None]
    first = {_look(letter): number for number, letter in reversed(list(enumerate(letters)))}
    order = sorted(range(len(letters)), key=lambda number: (first[_look(letters[number])] != number, number))
    return [letters[number] for number in order[:most]]


def _look(letter: Letter) -> tuple[object, ...]:
    """Return what makes a letter look unlike others."""
    states = tuple(sorted({line.state for line in letter.lines}))
    return (letter.kind, letter.brands, letter.language, len(letter.lines) > 1, states)


def _send(services: Services, mailer: Mailer, letter: Letter, to: str) -> Delivery:
    settings = services.settings
    address = parse_address(to)
    if address is None:
        raise PermanentError("The address for the test is not a mail address")
    mail = services.renderer.render(replace(letter, is_test=True))
    content = build_message(
        replace(mail, subject=display_safe(f"{MARK} {mail.subject}", MAX_SUBJECT)),
        sender=settings.mail_from,
        reply_to=settings.mail_reply_to,
        to_address=wire_address(address),
        to_name="",
        message_id=f"<{uuid4()}@{settings.mail_domain}>",
        date=services.clock().replace(microsecond=0),
    )
    if services.sending is not None:
        services.sending.wait()
    envelope = Envelope(parseaddr(settings.mail_from)[1], wire_address(address), content)
    return mailer.deliver(envelope, lambda: True)
