"""A preview in words: the artifact and the form that an administrator reads, and the sentence a preview ends with."""

from collections.abc import Sequence
from datetime import datetime

from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.preview import EXCLUDED, MOST_ROWS, Preview, Row
from tasks.campaigns.report import left_out_words, moment, plain, reason_words, table, without_order_words

HEAD = ("Parent", "Address", "Order and its link", "To pay", "Look at")


def preview_sentence(preview: Preview) -> str:
    """Say in one line what would be sent."""
    said = f"{_would_go(preview)}, {sum(preview.skipped.values())} skipped"
    warnings = f"; {len(preview.warnings)} kinds of warnings" if preview.warnings else ""
    return f"Preview: {said}{warnings}; nothing was sent. Every message: {preview.page}"


def preview_markdown(preview: Preview, options: CampaignOptions) -> str:
    """Return the preview as Markdown: sums, warnings, the messages and who is skipped; addresses masked, no names."""
    campaign = preview.campaign
    parts = [
        f"# {plain(campaign.tournament)}: {campaign.kind.replace('_', ' ')}, preview",
        f"{_would_go(preview)}. Every message as it would look: `{preview.page}`",
    ]
    if preview.messages > options.at_most:
        parts.append(f"**That is more than the {options.at_most} allowed in a run (at_most): a send would stop.**")
    parts += _warnings(preview)
    parts += ["## Would be sent", table(HEAD, _cells(preview.rows)), *_more(preview.messages, len(preview.rows))]
    parts += _skipped(preview)
    parts += [f"{preview.waiting} wait for a later time."] if preview.waiting else []
    parts += [f"{preview.sent_before} were sent before."] if preview.sent_before else []
    parts += [left_out_words(campaign.left_out)] if campaign.left_out else []
    if campaign.players_without_order:
        parts.append(without_order_words(campaign.players_without_order))
    return "\n\n".join(parts) + "\n"


def approval_question(preview: Preview, until: datetime) -> str:
    """Return what the form says above its fields, the weightiest first: on a small screen Prefect cuts the end."""
    skipped = ", ".join(f"{count} {reason_words(reason)}" for reason, count in preview.skipped.items())
    warnings = "; ".join(f"{count} messages: {plain(warning)}" for warning, count in preview.warnings.items())
    parts = [
        f"**{plain(preview.campaign.tournament)}: {_would_go(preview)}.**",
        f"Warnings: {warnings}." if warnings else "",
        "Every message as it would look is on this page; the run's artifact *approval* lists them:",
        f"`{preview.page}`",
        f"Without an answer until {moment(until)} nothing is sent, and the run fails.",
        f"Skipped: {skipped}." if skipped else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _would_go(preview: Preview) -> str:
    if not preview.messages:
        return "no message would go out"
    return f"{preview.messages} messages would go out, about {preview.orders} orders: {preview.money}"


def _warnings(preview: Preview) -> list[str]:
    if not preview.warnings:
        return []
    lines = [
        f"- {count} of {preview.messages} messages: {plain(warning)}" for warning, count in preview.warnings.items()
    ]
    return ["## Warnings", "\n".join(lines)]


def _skipped(preview: Preview) -> list[str]:
    if not preview.skipped:
        return []
    counts = table(("Reason", "Messages"), [(reason_words(reason), n) for reason, n in preview.skipped.items()])
    rows = [(one.parent_id, plain(one.address), reason_words(one.reason), plain(one.detail)) for one in preview.skips]
    told = sum(count for reason, count in preview.skipped.items() if reason != EXCLUDED)
    named = [table(("Parent", "Address", "Why", "Detail"), rows), *_more(told, len(rows))] if rows else []
    return ["## Skipped", counts, *named]


def _cells(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    return [(row.parent_id, plain(row.address), row.orders, row.money, plain(row.said)) for row in rows]


def _more(messages: int, shown: int) -> list[str]:
    return [f"And {messages - shown} more: the page has all."] if messages > shown == MOST_ROWS else []
