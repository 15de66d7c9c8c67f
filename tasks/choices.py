"""What a person can choose about messages that went wrong: the forms of the operators' flows."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import ConfigurationError

# Titles and descriptions, those of the classes among them, are what the forms in the Prefect UI say.

AnyTournament = Annotated[
    str | None,
    Field(title="Tournament", description="Its name, as the club has it. Empty: all tournaments.", max_length=200),
]
MessageIds = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...],
    Field(
        title="Only these messages",
        description="Their numbers, as the report and the list of uncertain messages show them. Empty: all.",
        max_length=10_000,
    ),
]
Count = Annotated[
    int | None,
    Field(
        title="How many",
        description="How many messages you mean. If another number is found, nothing is done.",
        ge=1,
    ),
]
YourName = Annotated[
    str, Field(title="Your name", description="Kept beside what you decide.", max_length=100, pattern=r"\S")
]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RetryChoice(_Form):
    """What to send again, beside what is due by itself; left as it is, only that."""

    tournament: AnyTournament = None
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
    count: Count = None
    by: Annotated[str | None, Field(title="Your name", description="Kept beside what you decide.", max_length=100)] = (
        None
    )

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses of what is chosen by hand; none where only what is due is meant."""
        return tuple(name for name, chosen in (("failed", self.failed), ("uncertain", self.uncertain)) if chosen)

    def check(self) -> None:
        """Raise one ConfigurationError for a choice that contradicts itself."""
        if not self.statuses and (self.message_ids or self.count):
            raise ConfigurationError(
                "Messages are chosen, but neither failed nor uncertain ones: choose which, nothing was done"
            )
        if self.statuses and not (self.by or "").strip():
            raise ConfigurationError("Your name is missing: it is kept beside what is sent again, nothing was done")
        if self.uncertain and self.count is None:
            raise ConfigurationError(
                "Uncertain messages may have been delivered: say how many you mean to send again (count), "
                "nothing was done"
            )


class SettleChoice(_Form):
    """Which uncertain messages, and what became of them."""

    action: Annotated[
        Literal["show", "mark as sent", "send again"],
        Field(
            title="What to do",
            description="'show' lists the evidence and changes nothing. 'mark as sent' where the mail server's log "
            "says that it took them. 'send again' where it says that it did not.",
        ),
    ] = "show"
    tournament: AnyTournament = None
    message_ids: MessageIds = ()
    count: Count = None
    by: Annotated[str | None, Field(title="Your name", description="Kept beside what you decide.", max_length=100)] = (
        None
    )

    def check(self) -> None:
        """Raise one ConfigurationError where something is to be decided without its count or its person."""
        if self.action == "show":
            return
        if self.count is None:
            raise ConfigurationError("Say how many uncertain messages you mean (count): nothing was done")
        if not (self.by or "").strip():
            raise ConfigurationError("Your name is missing: it is kept beside what you decide, nothing was done")


class SuppressChoice(_Form):
    """Whom not to mail any more, or whom to mail again."""

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
    by: Annotated[str | None, Field(title="Your name", description="Kept beside what you decide.", max_length=100)] = (
        None
    )

    def check(self) -> None:
        """Raise one ConfigurationError where something is to be changed without its reason or its person."""
        if self.action == "show":
            return
        if not (self.by or "").strip():
            raise ConfigurationError("Your name is missing: it is kept beside what you decide, nothing was done")
        if self.action == "suppress" and not self.reason.strip():
            raise ConfigurationError("The reason is missing: it is kept beside who is not mailed, nothing was done")


class StopChoice(_Form):
    """Which campaign to stop for good."""

    kind: Annotated[str, Field(title="Kind", description="What it mails.", max_length=50)] = "fee_notice"
    sequence: Annotated[
        str, Field(title="Which notice", description="Its number or date, as it was started.", max_length=50)
    ] = "1"
