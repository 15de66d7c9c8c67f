"""A refresh in words: the artifact that an administrator reads, and the sentence its run ends with."""

from tasks.campaigns.report import moment, money, plain, table
from tasks.links.model import LinkOutcome
from tasks.refresh.summary import MOST_ROWS, RefreshSummary


def refresh_sentence(summary: RefreshSummary) -> str:
    """Say in one line what a run did, or would do, and what is left to do."""
    found = ", ".join(f"{orders} {outcome}" for outcome, orders in summary.outcomes.items()) or "no unpaid orders"
    said = [f"Would end as: {found}" if summary.options.dry_run else found]
    if summary.prepared["missing orders"]:
        verb = "would be made" if summary.options.dry_run else "made"
        said.append(f"{summary.prepared['missing orders']} missing orders {verb}")
    if summary.prepared["released"]:
        said.append(f"{summary.prepared['released']} set-aside orders taken up again")
    if summary.set_asides:
        said.append(f"{len(summary.set_asides)} orders wait for a person")
    if strange := summary.prepared["strange sessions"]:
        said.append(
            f"{strange} open sessions merely name an order and are left open (CLUB_REFERENCE says whose they are)"
        )
    if LinkOutcome.NO_LIVE_LINK in summary.outcomes and not summary.options.renew:
        said.append("run it with renew to make new links")
    return "; ".join(said)


def refresh_markdown(summary: RefreshSummary) -> str:
    """Return the report as Markdown, by order ids."""
    title = "Checkout links: what a refresh would do" if summary.options.dry_run else "Checkout links: refreshed"
    parts = [
        f"# {title}",
        refresh_sentence(summary) + ".",
        table(("How the link stands", "Orders"), list(summary.outcomes.items())),
    ]
    if summary.changes:
        changed = [(row.order_id, row.outcome, plain(row.detail or "")) for row in summary.changes]
        parts += ["## Orders", table(("Order", "Link", "Detail"), changed)]
    if summary.duplicates:
        parts += [
            "## Second sessions of the club's own system, closed",
            table(("Order", "Closed"), [(row.order_id, moment(row.rival_closed_at)) for row in summary.duplicates]),
        ]
    if summary.set_asides:
        aside = [(row.order_id, row.reason, plain(row.detail), moment(row.set_aside_at)) for row in summary.set_asides]
        parts += ["## Waiting for a person", table(("Order", "Reason", "Detail", "Since"), aside)]
    if summary.payments:
        paid = [
            (row.order_id, money(row.amount, row.currency), row.finding, moment(row.recorded_at))
            for row in summary.payments
        ]
        parts += ["## Payments for the treasurer", table(("Order", "Paid", "Finding", "Found"), paid)]
    if len(summary.changes) == MOST_ROWS:
        parts.append(f"Only the first {MOST_ROWS} orders are listed.")
    return "\n\n".join(parts) + "\n"
