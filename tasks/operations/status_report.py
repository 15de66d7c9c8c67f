"""How a tournament stands, in words: the artifact, the sentence and the treasurer's table."""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal

from tasks.campaigns.letters import whole
from tasks.campaigns.report import TO_DO, moment, money, plain, reason_words, table
from tasks.core.email_address import mask
from tasks.mail.local_format import decimals
from tasks.operations.order_status import OWED, PAID, OrderStatus, TreasurerOrder
from tasks.operations.status import Status
from tasks.operations.treasurer_csv import Cell, treasurer_csv

MOST_LISTED = 200

WORTH_A_LINE = (
    OrderStatus.PAID_STRIPE,
    OrderStatus.PAID_CASH,
    OrderStatus.WAIVED,
    OrderStatus.LIVE,
    OrderStatus.DEAD,
    OrderStatus.NOT_MAILED,
)
"""What a treasurer looks for, also where there is none of it."""

ADVICE = {
    OrderStatus.DEAD: "remind-unpaid mails them a link that works, within its limits",
    OrderStatus.NOT_MAILED: "run tournament-fees: it mails them, or says why it cannot",
    OrderStatus.NO_ORDER: "make orders in the club's system, or by refresh-checkout-links (create missing orders)",
    OrderStatus.PAID_OTHERWISE: "see in the club's system how they were paid",
    OrderStatus.PROCESSING: "nothing: a slow payment takes days, and the next refresh takes it over",
    OrderStatus.SET_ASIDE: "deal with what is said below, then release them in refresh-checkout-links",
    OrderStatus.UNCERTAIN: "decide about each in settle-uncertain",
    OrderStatus.NOT_COMMITTED: "nothing: they are not asked to pay",
}
"""What a person can do about orders that stand so."""

CSV_HEAD = (
    "Order",
    "Player",
    "Team",
    "Parent",
    "Address",
    "Standing",
    "Amount",
    "Currency",
    "Payment method",
    "Paid at (UTC)",
    "Due",
    "Last mailed (UTC)",
    "Times mailed",
    "To look at",
)


def counts(status: Status) -> Counter[OrderStatus]:
    """Count the orders by how they stand."""
    return Counter(order.order_status for order in status.orders)


def status_sentence(status: Status) -> str:
    """Say in a line who has paid, what is owed, and what waits for a person."""
    by = counts(status)
    committed = len({order.player_id for order in status.orders if order.committed})
    mailed = len({order.player_id for order in status.orders if order.committed and order.mailing.mailed_at})
    said = [
        f"{committed} committed, {mailed} mailed",
        f"paid: {by[OrderStatus.PAID_STRIPE]} through Stripe, {by[OrderStatus.PAID_CASH]} in cash"
        + (f", {by[OrderStatus.PAID_OTHERWISE]} otherwise" if by[OrderStatus.PAID_OTHERWISE] else ""),
        f"waived: {by[OrderStatus.WAIVED]}",
        f"money in: {_sum(status, PAID)}, outstanding: {_sum(status, OWED)}",
    ]
    if by[OrderStatus.DEAD]:
        said.append(f"{by[OrderStatus.DEAD]} links died unpaid")
    aside = {order.order_id for order in status.orders if order.set_aside} | {paid.order_id for paid in status.payments}
    awaiting = [trouble for trouble in status.troubles if trouble.reason == "awaiting_approval"]
    if awaiting:
        said.append(f"{len(awaiting)} messages wait for an approval")
    waiting = len(status.troubles) - len(awaiting) + len(aside)
    if waiting:
        said.append(f"{waiting} things wait for a person")
    return "; ".join(said)


def status_markdown(status: Status) -> str:
    """Return the report as Markdown: counts and sums, what to do, and what waits for a person, by ids."""
    by = counts(status)
    shown = [one for one in OrderStatus if by[one] or one in WORTH_A_LINE]
    rows = [(one.value, by[one], _sum(status, {one}), ADVICE.get(one, "")) for one in shown]
    rows = [(name, count, money, advice if count else "") for name, count, money, advice in rows]
    parts = [
        f"# {plain(status.tournament.name)}: where the money is",
        f"{status_sentence(status)}.",
        f"As of {moment(status.at)}. Stripe was not asked: refresh-checkout-links takes over what it knows.",
        table(("How it stands", "Orders", "Money", "What to do"), rows),
        *_to_look_at(status),
    ]
    return "\n\n".join(parts) + "\n"


def status_csv(status: Status) -> bytes:
    """Return the treasurer's table: names, no whole addresses, no payment links; safe in a spreadsheet."""
    return treasurer_csv(CSV_HEAD, [_csv_row(order) for order in status.orders])


def _to_look_at(status: Status) -> list[str]:
    parts = []
    if status.payments:
        paid = [
            (p.order_id, money(p.amount, p.currency), p.finding.replace("_", " "), p.payment_intent_id)
            for p in status.payments
        ]
        parts += [
            "## Payments to refund, or to settle with the parent",
            table(("Order", "Paid", "Why", "Stripe's payment"), paid[:MOST_LISTED]),
            "Refund in Stripe what was paid too often or too much, then release the order in refresh-checkout-links.",
        ]
    aside = [(o.order_id, plain(o.set_aside)) for o in status.orders if o.set_aside]
    if aside:
        parts += ["## Orders set aside", table(("Order", "Why"), aside[:MOST_LISTED])]
    if status.troubles:
        rows = [
            (t.message_id, t.parent_id, plain(t.address), t.status, reason_words(t.reason), plain(t.detail))
            for t in status.troubles
        ]
        reasons = dict.fromkeys(trouble.reason for trouble in status.troubles)
        advice = [f"- {reason_words(reason)}: {TO_DO[reason]}" for reason in reasons if reason in TO_DO]
        head = ("Message", "Parent", "Address", "State", "Reason", "Detail")
        parts += ["## Messages", table(head, rows[:MOST_LISTED]), "\n".join(advice)]
    crossed = [str(order.order_id) for order in status.orders if order.crossed]
    if crossed:
        parts.append(
            "Paid a moment before their email went out, which asked for it all the same (nothing to do unless paid "
            f"twice): orders {', '.join(crossed[:MOST_LISTED])}."
        )
    return [part for part in parts if part]


def _sum(status: Status, wanted: AbstractSet[OrderStatus]) -> str:
    """Add up the orders of these statuses, a sum a currency."""
    sums: Counter[str] = Counter()
    for order in status.orders:
        if order.order_status in wanted:
            sums[(order.currency or "").upper()] += _cents(order)
    return " + ".join(money(total, currency) for currency, total in sorted(sums.items()) if total) or "none"


def _cents(order: TreasurerOrder) -> int:
    """Return an order's amount; a negative one belongs to an order that is set aside."""
    return max(0, whole(order.amount))


def _csv_row(order: TreasurerOrder) -> Sequence[Cell]:
    digits = decimals((order.currency or "").upper())
    amount = Decimal(_cents(order)).scaleb(-digits) if order.order_id is not None else None
    return (
        order.order_id,
        order.player_name,
        order.team,
        order.parent_name,
        mask(order.email) if order.email else "",
        order.order_status.value,
        amount,
        (order.currency or "").upper(),
        order.payment_method,
        moment(order.paid_at).removesuffix(" UTC") if order.paid_at else "",
        order.due_by,
        moment(order.mailing.mailed_at).removesuffix(" UTC") if order.mailing.mailed_at else "",
        order.mailing.mailings,
        order.set_aside,
    )
