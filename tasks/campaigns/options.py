"""What names a campaign, and what a person can choose about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from tasks.core.email_address import parse_address
from tasks.core.errors import ConfigurationError
from tasks.core.forms import A_LINE, A_NAME, Form, Rule, Schema, expecting, has

TEMPLATES = Path(__file__).parents[2] / "templates"
SENT_BY_OTHER_FLOWS = frozenset({"reminder", "renewed_link"})
DEFAULT_LINK_KIND: Literal["checkout_session"] = "checkout_session"
MOST_NOTE = 1000
"""Characters of a note: a paragraph that a parent still reads before the fee."""

TournamentName = Annotated[
    str,
    Field(
        title="Tournament",
        description="Its name, as the club has it.",
        max_length=200,
        json_schema_extra=expecting(A_LINE, "the name of a tournament"),
    ),
]
AnyTournament = Annotated[
    str,
    Field(title="Tournament", description="Its name, as the club has it. Empty: all tournaments.", max_length=200),
]
Ids = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=10_000)]
TeamNames = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")], ...], Field(max_length=1000)
]
TEST: Schema = {"const": "test"}
AN_ADDRESS_OR_NONE: Schema = {"type": "string", "pattern": r"^\s*([^@\s]+@[^@\s]+)?\s*$"}


def campaign_kinds() -> Sequence[str]:
    """Return the kinds of message of a campaign: the folders of templates/, but those that other flows send."""
    folders = sorted(subject.parent.name for subject in TEMPLATES.glob("*/subject.txt"))
    return [kind for kind in folders if kind not in SENT_BY_OTHER_FLOWS]


def _offer_kinds(schema: dict[str, Any]) -> None:
    schema["enum"] = campaign_kinds()


class CampaignOptions(Form):
    """What can be chosen; it is fine as it is."""

    # Titles and descriptions, this class's among them, are what the form in the Prefect UI says.

    model_config = ConfigDict(str_strip_whitespace=True)
    rules = (
        Rule(has(mode=TEST), has(test_address=A_NAME), "an address for the test"),
        Rule(has(test_address=A_NAME), has(mode=TEST), "the mode test (an address for a test is given)"),
    )
    renamed: ClassVar[Mapping[str, str]] = {
        "only_teams": "teams",
        "only_players": "player_ids",
        "only_orders": "order_ids",
        "without_players": "without_player_ids",
        "without_orders": "without_order_ids",
    }

    mode: Annotated[
        Literal["send", "preview", "test"],
        Field(
            title="What to do",
            description="'preview' shows every message and who is skipped, and mails nobody. 'test' mails a few of the "
            "messages to one address of yours. 'send' mails the parents.",
        ),
    ] = "send"
    kind: Annotated[
        str,
        Field(
            title="Kind of message",
            description="fee_notice: the fee and its link. correction: an earlier email was wrong, forget it.",
            max_length=50,
            json_schema_extra=_offer_kinds,
        ),
    ] = "fee_notice"
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
    link_kind: Annotated[
        Literal["checkout_session", "payment_link"],
        Field(
            title="Kind of link",
            description="'checkout_session' works for up to 24 hours: right where parents pay on the day, or are "
            "reminded. 'payment_link' works until it is paid through once, or the payment deadline is over: right "
            "where they open their mail days later. Of simulated parents mailed once, 44% pay with the one and 91% "
            "with the other; with reminders, 95% and 100%. Payment links need the schedule of refresh-checkout-links "
            "switched on: it closes what is paid in cash, cancelled or past the deadline.",
        ),
    ] = DEFAULT_LINK_KIND
    note: Annotated[
        str,
        Field(
            title="Note to the parents",
            description="A paragraph above the fees, such as what was wrong in the earlier email. No names and no "
            "links: every parent reads the same, and it is kept with the run.",
            max_length=MOST_NOTE,
        ),
    ] = ""
    teams: Annotated[
        TeamNames,
        Field(title="Only these teams", description="Their names, as the club has them; none: all."),
    ] = ()
    player_ids: Annotated[
        Ids,
        Field(
            title="Only these players",
            description="Their ids in the club's database; none: all. One id mails one player's link. Teams, players "
            "and orders narrow each other.",
        ),
    ] = ()
    order_ids: Annotated[
        Ids, Field(title="Only these orders", description="Their ids in the club's database; none: all.")
    ] = ()
    without_teams: Annotated[TeamNames, Field(title="Leave out these teams", description="Their names.")] = ()
    without_player_ids: Annotated[
        Ids,
        Field(
            title="Leave out these players",
            description="Their ids. Who is left out is mailed by a later run of the same notice that does not leave "
            "them out; a sister who is not gets her message alone.",
        ),
    ] = ()
    without_order_ids: Annotated[Ids, Field(title="Leave out these orders", description="Their ids.")] = ()
    test_address: Annotated[
        str,
        Field(
            title="Address for a test",
            description="Your own or a colleague's, not a parent's: it is kept with the run.",
            max_length=320,
            json_schema_extra=expecting(AN_ADDRESS_OR_NONE, "a mail address"),
        ),
    ] = ""
    test_messages: Annotated[
        int,
        Field(
            title="How many messages for a test",
            description="Those that differ most come first. The payment links in them are replaced.",
            ge=1,
            le=20,
        ),
    ] = 3
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

    def check(self) -> None:
        """Raise one ConfigurationError for what contradicts itself or is not there."""
        super().check()
        if self.kind not in campaign_kinds():
            raise ConfigurationError(
                f"There is no kind {self.kind!r} for a campaign: it is one of {', '.join(campaign_kinds())}"
            )
        if self.test_address and parse_address(self.test_address) is None:
            raise ConfigurationError("The address for the test is not a mail address: nothing was done")
        self._check_nobody_is_both()

    def _check_nobody_is_both(self) -> None:
        only, without = ({name.casefold() for name in names} for names in (self.teams, self.without_teams))
        both = [f"team {name}" for name in sorted(only & without)]
        both += [f"player {number}" for number in sorted({*self.player_ids} & {*self.without_player_ids})]
        both += [f"order {number}" for number in sorted({*self.order_ids} & {*self.without_order_ids})]
        if both:
            raise ConfigurationError(f"Both chosen and left out: {', '.join(both)}. Nothing was done")


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
    left_out: int = 0
    """How many unpaid orders the run was told to leave out."""
    link_kind: Literal["checkout_session", "payment_link"] = "checkout_session"
    """By what its messages are to be paid."""
    note: str = ""
    """What a person has to say to all parents beside the fees."""
