"""A campaign's summary as tables for a terminal."""

from rich.console import Console
from rich.table import Table

from tasks.campaigns.report import link_rows, message_rows
from tasks.campaigns.summary import Summary


def show(summary: Summary, console: Console) -> None:
    """Print how the campaign's links and messages stand, and what this run sent."""
    links = Table("how the link stands", "orders", title="Links", title_justify="left")
    for link, count in link_rows(summary):
        links.add_row(link, str(count))
    messages = Table("state", "reason", "messages", title="Messages", title_justify="left")
    for status, reason, count in message_rows(summary):
        messages.add_row(status, reason, str(count))
    console.print(links)
    console.print(messages)
    console.print(f"Sent in this run: {summary.sent}")
