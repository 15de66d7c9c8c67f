"""What names a campaign, and what a person can choose about it."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

KINDS = ("fee_notice",)


class CampaignOptions(BaseModel):
    """What a person can choose about a campaign."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sequence: Annotated[
        str,
        Field(
            title="Which notice",
            description="Leave at 1. The same number goes on with the same campaign, which mails nobody twice; "
            "another one starts a new campaign, which mails everybody who still owes.",
            pattern=r"^[A-Za-z0-9-]{1,40}$",
        ),
    ] = "1"


@dataclass(frozen=True)
class Batch:
    """Messages that one task run delivers; `first` and `last` count from 1 among what the run owes."""

    first: int
    message_ids: tuple[int, ...]

    @property
    def last(self) -> int:
        """The number of its last message."""
        return self.first + len(self.message_ids) - 1

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
    players_without_order: int = 0
