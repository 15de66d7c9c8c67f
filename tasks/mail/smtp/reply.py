from dataclasses import dataclass

GO_AHEAD = 354
SERVICE_CLOSING = 421
AUTHENTICATION_REQUIRED = 530


@dataclass(frozen=True)
class Reply:
    """What the server answers; the first digit of its code is what counts (RFC 5321 section 4.2.1)."""

    code: int
    text: str

    @property
    def accepts(self) -> bool:
        """Whether it agrees."""
        return self.code // 100 == 2  # noqa: PLR2004  RFC 5321's digits say more than names for them would

    @property
    def puts_off(self) -> bool:
        """Whether it says no for now."""
        return self.code // 100 == 4  # noqa: PLR2004

    @property
    def refuses(self) -> bool:
        """Whether it says no for good."""
        return self.code // 100 == 5  # noqa: PLR2004

    @property
    def ends_the_connection(self) -> bool:
        """Whether nothing more can be said: the server is closing, or says what does not belong here."""
        return self.code == SERVICE_CLOSING or not (self.accepts or self.puts_off or self.refuses)


def one_line(text: bytes | str) -> str:
    """Return a server's words as one line of text that a ledger can hold."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join("".join(character if character.isprintable() else " " for character in words).split())[:500]
