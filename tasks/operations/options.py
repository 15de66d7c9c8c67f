"""What a person can choose about messages that went wrong: the forms of the operators' flows."""

from typing import Annotated, Literal

from pydantic import Field

from tasks.campaigns.options import AnyTournament
from tasks.core.forms import A_LINE, A_NAME, A_NUMBER, ON, SOME, Form, Rule, Schema, both, either, expecting, has, no

# Titles and descriptions, those of the classes among them, are what the forms in the Prefect UI say. What is left out
# is empty or 0, since a form asks of each field that may be None which of two types it is to have.

MessageIds = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...],
    Field(
        title="Only these messages",
        description="Their numbers, as the report and the list of uncertain messages show them. Empty: all.",
        max_length=10_000,
    ),
]
Count = Annotated[
    int,
    Field(
        title="How many",
        description="How many messages you mean; 0: not said. If another number is found, nothing is done. "
        "It is needed where you decide on uncertain ones.",
        ge=0,
    ),
]
YourName = Annotated[
    str,
    Field(
        title="Your name",
        description="Kept beside what you decide.",
        max_length=100,
        json_schema_extra=expecting(A_LINE, "your name"),
    ),
]
WhoDecides = Annotated[
    str,
    Field(
        title="Your name",
        description="Kept beside what you decide; it is needed where you decide something.",
        max_length=100,
    ),
]
CHANGE: Schema = {"not": {"const": "show"}}
SUPPRESS: Schema = {"const": "suppress"}
LIFT: Schema = {"const": "lift"}
PURGE: Schema = {"const": "purge"}
YOUR_NAME = "your name (kept beside what you decide)"


class RetryChoice(Form):
    """What to send again, beside what is due by itself; left as it is, only that."""

    rules = (
        Rule(
            either(has(message_ids=SOME), has(count=A_NUMBER)),
            either(has(failed=ON), has(uncertain=ON)),
            "a choice of failed or uncertain ones (messages or their number are chosen)",
        ),
        Rule(either(has(failed=ON), has(uncertain=ON)), has(by=A_NAME), YOUR_NAME),
        Rule(
            has(uncertain=ON),
            has(count=A_NUMBER),
            "how many uncertain messages you mean (they may have been delivered)",
        ),
    )

    tournament: AnyTournament = ""
    failed: Annotated[
        bool,
        Field(title="Failed ones too", description="Send those again that failed, once their cause is mended."),
    ] = False
    uncertain: Annotated[
        bool,
        Field(
            title="Uncertain ones too",
            description="Send those again that may have been delivered. Their parents may get them twice.",
        ),
    ] = False
    message_ids: MessageIds = ()
    count: Count = 0
    by: WhoDecides = ""

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses of what is chosen by hand; none where only what is due is meant."""
        return tuple(name for name, chosen in (("failed", self.failed), ("uncertain", self.uncertain)) if chosen)


class SettleChoice(Form):
    """Which uncertain messages, and what became of them."""

    rules = (
        Rule(has(action=CHANGE), has(by=A_NAME), YOUR_NAME),
        Rule(has(action=CHANGE), has(count=A_NUMBER), "how many uncertain messages you mean"),
    )

    action: Annotated[
        Literal["show", "mark as sent", "send again"],
        Field(
            title="What to do",
            description="'show' lists the evidence and changes nothing. 'mark as sent' where the mail server's log "
            "says that it took them. 'send again' where it says that it did not.",
        ),
    ] = "show"
    tournament: AnyTournament = ""
    message_ids: MessageIds = ()
    count: Count = 0
    by: WhoDecides = ""


class SuppressChoice(Form):
    """Whom not to mail any more, or whom to mail again."""

    rules = (
        Rule(has(action=CHANGE), has(by=A_NAME), YOUR_NAME),
        Rule(has(action=SUPPRESS), has(reason=A_NAME), "a reason (kept beside who is not mailed)"),
        Rule(
            has(action=SUPPRESS),
            both(has(message_ids=SOME), no(has(suppression_ids=SOME))),
            "a choice of messages and none of entries of the list",
        ),
        Rule(
            has(action=LIFT),
            both(has(suppression_ids=SOME), no(has(message_ids=SOME))),
            "a choice of entries of the list and none of messages",
        ),
    )

    action: Annotated[
        Literal["show", "suppress", "lift"],
        Field(
            title="What to do",
            description="'show' lists who is not mailed. 'suppress' puts the recipients of the messages below on the "
            "list. 'lift' takes the entries below off it: the next run mails them again.",
        ),
    ] = "show"
    message_ids: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...],
        Field(title="Recipients of these messages", description="To suppress: numbers of messages.", max_length=10_000),
    ] = ()
    suppression_ids: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...],
        Field(title="These entries", description="To lift: numbers of entries of the list.", max_length=10_000),
    ] = ()
    reason: Annotated[str, Field(title="Reason", description="Why, to suppress.", max_length=200)] = ""
    by: WhoDecides = ""


class PurgeChoice(Form):
    """Whose data goes, for good."""

    rules = (
        Rule(has(action=PURGE), has(by=A_NAME), YOUR_NAME),
        Rule(has(action=PURGE), has(count=A_NUMBER), "how many records you mean (a run with 'count' says how many)"),
    )

    action: Annotated[
        Literal["count", "purge"],
        Field(
            title="What to do",
            description="'count' says what would go and changes nothing. 'purge' takes it away for good.",
        ),
    ] = "count"
    tournament: AnyTournament = ""
    count: Annotated[
        int,
        Field(
            title="How many records",
            description="As 'count' has said; if another number is found, nothing is done. It is needed to purge.",
            ge=0,
        ),
    ] = 0
    by: WhoDecides = ""


class StopChoice(Form):
    """Which campaign to stop for good."""

    kind: Annotated[str, Field(title="Kind", description="What it mails.", max_length=50)] = "fee_notice"
    sequence: Annotated[
        str, Field(title="Which notice", description="Its number or date, as it was started.", max_length=50)
    ] = "1"
