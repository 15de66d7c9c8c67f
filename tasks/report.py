"""A campaign's summary in words: the artifact that an administrator reads, and the sentence a run ends with."""

from collections.abc import Iterable, Sequence

from tasks.links.model import LinkOutcome
from tasks.steps.summarize import NOT_LOOKED_AT, Problem, Summary

WORDS = {
    "no_address": "no address",
    "invalid_address": "not a mail address",
    "no_order": "no order",
    "moved": "the address was corrected",
    "not_committed": "not committed any more",
    "link_under_review": "link under review",
    "put_off_by_server": "put off by the mail server",
    "refused_by_server": "refused by the mail server",
    "cannot_be_written": "cannot be written",
    "gave_up": "put off too often",
    "no_reply": "the mail server's reply was lost",
    "worker_lost": "the process that sent it was lost",
    "order_changes": "its order changes all the time",
}
"""The reasons of the ledger as people read them; a reason that is a word already stands for itself."""

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
    troubles = [
        f"{count} {status}: {advice}"
        for status, advice in (("failed", "mend the cause, then retry them"), ("uncertain", "decide about each"))
        if (count := summary.having(status))
    ]
    return "; ".join([said, *troubles])


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
                plain(problem.address),
                problem.status,
                reason_words(problem.reason),
                plain(problem.detail),
            )
            for problem in summary.problems
        ]
        parts += ["## To look at", table(("Message", "Address", "State", "Reason", "Detail"), rows)]
    if campaign.players_without_order:
        parts.append(f"{campaign.players_without_order} committed players have no order and so no link.")
    return "\n\n".join(parts) + "\n"


def problem_line(problem: Problem) -> str:
    """Say in one line what a person should look at."""
    about = f"message {problem.message_id} to {problem.address}: {problem.status}, {reason_words(problem.reason)}"
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
