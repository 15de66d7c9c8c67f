"""What names a campaign, and what a person can choose about it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from tasks.form_rules import A_LINE, Form, expecting

TournamentName = Annotated[
    str,
    Field(
        title="Tournament",
        description="Its name, as the club has it.",
        max_length=200,
        json_schema_extra=expecting(A_LINE, "the name of a tournament"),
    ),
]


class CampaignOptions(Form):
    """What can be chosen; it is fine as it is."""

    # Titles and descriptions, this class's among them, are what the form in the Prefect UI says.

    sequence: Annotated[
        int,
        Field(
            title="Which notice",
            description="Leave it at 1. The same number goes on with the same campaign, which mails nobody twice. "
            "Another one, such as 2, is a new campaign: it mails everybody who still owes.",
            ge=1,
            le=99,
        ),
    ] = 1
    at_most: Annotated[
        int,
        Field(
            title="Never more messages than",
            description="If more would go out in this run, it stops before the first one.",
            ge=1,
            le=100_000,
        ),
    ] = 500
    shared_mailboxes: Annotated[
        Literal["a message a family", "one message"],
        Field(
            title="Families that share a mailbox",
            description="What families with different surnames get, who have the same address. "
            "Rows of one family are always merged.",
        ),
    ] = "a message a family"

    @property
    def merges_families(self) -> bool:
        """Whether families that share a mailbox get one message."""
        return self.shared_mailboxes == "one message"


@dataclass(frozen=True)
class Batch:
    """Messages that one task run delivers; `first` and `last` count from 1 among what the run owes."""

    first: int
    message_ids: tuple[int, ...]

    @property
    def last(self) -> int:
        """The number of its last message."""
        return self.first + len(self.message_ids) - 1

    def __len__(self) -> int:
        """Count its messages."""
        return len(self.message_ids)

    def __str__(self) -> str:
        """Name the task run in the UI."""
        return f"messages {self.first} to {self.last}"


@dataclass(frozen=True)
class Campaign:
    """An open campaign: ids, names and counts only, so that it may stand in run history."""

    id: int
    kind: str
    tournament_id: int
    tournament: str
    players_without_order: tuple[int, ...] = ()
    """Ids of committed players for whom nobody has made an order: they get no link, and a sibling's message goes."""
