"""A campaign's summary in words: the artifact that an administrator reads, and the sentence a run ends with."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tasks.campaigns.queries import Wait
from tasks.campaigns.summary import NOT_LOOKED_AT, Problem, Summary
from tasks.links.model import LinkOutcome
from tasks.mail.local_format import LocalFormat

WORDS = {
    "no_address": "no address",
    "invalid_address": "not a mail address",
    "no_order": "no order",
    "moved": "the address was corrected",
    "not_committed": "not committed any more",
    "not_owed": "its order is cancelled or refunded",
    "link_under_review": "link under review",
    "put_off_by_server": "put off by the mail server",
    "refused_by_server": "refused by the mail server",
    "cannot_be_written": "cannot be written",
    "gave_up": "put off too often",
    "bug": "a fault of the pipeline",
    "leased": "another worker has them in hand, or was lost with them",
    "no_reply": "the mail server's reply was lost",
    "worker_lost": "the process that sent it was lost",
    "order_changes": "its order changed, or the mail server was too slow, each time it was about to go out",
    "suppressed": "on the suppression list",
    "came_back": "it came back undelivered",
    "quota": "over the sending limit",
    "quiet_hours": "it is night there",
    "mailed_recently": "mailed a short while ago",
    "reminded_enough": "reminded often enough",
    "deadline_passed": "the payment deadline is over",
    "resend": "sent again by hand",
    "retry": "sent again by hand",
    "restored": "it may have gone out before a restore from a backup",
    "found_in_log": "the mail server's log has it",
    "renewed": "another message has taken its place",
    "confirmed_by_hand": "a person found that it was sent",
    "campaign_stopped": "the campaign was stopped",
    "excluded": "left out by choice",
    "awaiting_approval": "waits for an approval",
}
"""The reasons of the ledger as people read them; a reason that is a word already stands for itself."""

TO_DO = {
    "no_address": "store the parent's address, then run this again",
    "invalid_address": "correct the parent's address, then run this again",
    "no_order": "make an order for the player, then run this again",
    "link_under_review": "mend what the detail says, then run this again",
    "refused_by_server": "correct the parent's address if it is wrong, then retry the failed messages",
    "cannot_be_written": "correct what the detail says, then retry the failed messages",
    "bug": "show the run's log to an engineer; then retry the failed messages",
    "gave_up": "ask the mail server's operator, then retry the failed messages",
    "awaiting_approval": "run tournament-fees in the UI, and approve what it shows",
    "no_reply": "ask the parent or the mail server's operator whether it came, then mark it as sent or resend it",
    "restored": "settle it by the mail server's log: deployments.cli settle-after-restore (deployments/README.md)",
    "worker_lost": "ask the parent or the mail server's operator whether it came, then mark it as sent or resend it",
}
"""What a person can do about a message in a state for a reason; what heals by itself is not here."""

MOST_NAMED = 50

ADVICE = {
    "failed": "mend the cause, then run retry-failed-sends",
    "uncertain": "decide about each in settle-uncertain",
}
"""What a person does about the states that make a run red: the flows that do it."""

AWAITING = (
    "wait for an approval, or for another since a price, address or template changed: run tournament-fees in the UI"
)
"""What a person does about messages that no approval covers as they stand now."""

USUAL = {
    LinkOutcome.KEPT,
    LinkOutcome.BACKFILLED,
    LinkOutcome.MADE,
    LinkOutcome.RENEWED,
    LinkOutcome.FOUND_PAID,
    LinkOutcome.SET_ASIDE,
}


def sentence(summary: Summary) -> str:
    """Say in one line what a run did and what is left to do."""
    skipped, waiting = summary.having("skipped"), summary.having("queued", "claimed", "sending")
    said = f"{summary.sent} sent, {skipped} skipped, {waiting} still to send"
    approval = [f"{summary.awaiting} {AWAITING}"] if summary.awaiting else []
    troubles = [f"{count} {status}: {advice}" for status, advice in ADVICE.items() if (count := summary.having(status))]
    return "; ".join([said, *map(wait_words, summary.waits), *approval, *troubles])


def stopped_sentence(summary: Summary) -> str:
    """Say of a campaign that was stopped what was sent and what was not."""
    unsent = {
        "cancelled": summary.having("cancelled"),
        "skipped": summary.having("skipped"),
        "failed": summary.having("failed"),
    }
    said = f"Stopped for good: {summary.having('sent', 'resent')} sent, {sum(unsent.values())} not sent"
    details = ", ".join(f"{count} {status}" for status, count in unsent.items() if count)
    open_ends = [
        f"{count} {words}"
        for status, words in (("uncertain", "uncertain: decide about each"), ("sending", "on the wire at this moment"))
        if (count := summary.having(status))
    ]
    return "; ".join([said + (f" ({details})" if details else ""), *open_ends])


def wait_words(wait: Wait) -> str:
    """Say how many messages wait for what, and when they go."""
    last = "" if wait.first_due == wait.last_due else f", the last at {moment(wait.last_due)}"
    return f"{wait.messages} wait ({reason_words(wait.reason)}): due from {moment(wait.first_due)}{last}"


def moment(at: datetime) -> str:
    """Return a time to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def money(amount: int, currency: str) -> str:
    """Return an amount in Stripe's smallest unit as people read it."""
    return LocalFormat.of("en", "UTC").money(amount, currency.upper())


def markdown(summary: Summary) -> str:
    """Return the report as Markdown: links and messages by state, and what a person should look at."""
    campaign = summary.campaign
    parts = [
        f"# {plain(campaign.tournament)}: {campaign.kind.replace('_', ' ')}",
        sentence(summary) + ".",
        "## Links",
        table(("How the link stands", "Orders"), link_rows(summary)),
        "## Messages",
        table(("State", "Reason", "Messages"), message_rows(summary)),
    ]
    if summary.problems:
        rows = [
            (
                problem.message_id,
                problem.parent_id,
                problem.order_id or "",
                plain(problem.address),
                problem.status,
                reason_words(problem.reason),
                plain(problem.detail),
            )
            for problem in summary.problems
        ]
        head = ("Message", "Parent", "Order", "Address", "State", "Reason", "Detail")
        note = "Parent and Order are the ids of the club's own tables."
        if len(rows) < summary.problems_in_all:
            note = f"These are the first {len(rows)} of {summary.problems_in_all}. {note}"
        parts += ["## To look at", table(head, rows), note]
        reasons = dict.fromkeys(problem.reason for problem in summary.problems)
        advice = [f"- {reason_words(reason)}: {TO_DO[reason]}" for reason in reasons if reason in TO_DO]
        parts += ["What to do:", "\n".join(advice)] if advice else []
    parts += _duplicates(summary)
    if campaign.players_without_order:
        parts.append(without_order_words(campaign.players_without_order))
    if campaign.left_out:
        parts.append(left_out_words(campaign.left_out))
    return "\n\n".join(parts) + "\n"


def without_order_words(players: Sequence[int]) -> str:
    """Name the committed players without an order by their ids, the first of them where there are many."""
    named = ", ".join(map(str, players[:MOST_NAMED]))
    more = f" and {len(players) - MOST_NAMED} more" if len(players) > MOST_NAMED else ""
    return f"Committed players without an order, and so without a link (ids of players): {named}{more}."


def left_out_words(orders: int) -> str:
    """Say how many unpaid orders the run was told to leave out."""
    return f"{orders} unpaid orders are left out by choice: a later run that does not leave them out mails them."


def _duplicates(summary: Summary) -> list[str]:
    """Tell of second sessions: the club's own system should not make them."""
    if not summary.duplicates:
        return []
    orders = ", ".join(str(order_id) for order_id in summary.duplicates)
    said = "The club's own system made a second session for these orders, which could be paid beside the first"
    return [f"{said}; it is closed now: {orders}."]


def problem_line(problem: Problem) -> str:
    """Say in one line what a person should look at."""
    whose = f"message {problem.message_id} to {problem.address} (parent {problem.parent_id})"
    about = f"{whose}: {problem.status}, {reason_words(problem.reason)}"
    return f"{about} ({problem.detail})" if problem.detail else about


def link_rows(summary: Summary) -> list[tuple[str, int]]:
    """Return how many links stand how; the usual ones also where there are none."""
    shown = [outcome.value for outcome in LinkOutcome if outcome in USUAL or outcome in summary.links]
    return [(link, summary.links.get(link, 0)) for link in shown] + [
        ("not looked at (nobody to mail)", count) for link, count in summary.links.items() if link == NOT_LOOKED_AT
    ]


def message_rows(summary: Summary) -> list[tuple[str, str, int]]:
    """Return how many messages are in which state for which reason."""
    return [(status, reason_words(reason), count) for (status, reason), count in sorted(summary.messages.items())]


def reason_words(reason: str) -> str:
    """Return a reason of the ledger as people read it."""
    return WORDS.get(reason, reason)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def plain(text: str) -> str:
    """Return text that cannot break out of a table cell or turn into a link."""
    return " ".join(
        "".join(f"\\{character}" if character in "\\|[]<>`*_#" else character for character in text).split()
    )
