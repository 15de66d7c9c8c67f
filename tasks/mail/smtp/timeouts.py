from dataclasses import dataclass, fields
from typing import Self

from tasks.core.settings import Settings


@dataclass(frozen=True)
class Timeouts:
    """How many seconds to wait for the mail server: what RFC 5321 section 4.5.3.2 asks for, or less where set so."""

    greeting: float = 300
    """For the connection and its 220 (4.5.3.2.1)."""

    command: float = 300
    """For EHLO, STARTTLS, AUTH and RSET, of which the RFC says nothing, and to get a command out."""

    mail: float = 300
    """4.5.3.2.2"""

    rcpt: float = 300
    """4.5.3.2.3"""

    data: float = 120
    """For the 354 (4.5.3.2.4), and for the answer to the lone dot that takes a DATA back."""

    body: float = 180
    """To get the body out, as a whole (4.5.3.2.5 has it for each piece): a lease has to outlive it."""

    reply: float = 600
    """For the server's last word, after the final dot (4.5.3.2.6). RFC 1047 says why so long."""

    goodbye: float = 5
    """For the answer to QUIT, on which nothing depends."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the RFC's, none but the last reply's longer than SMTP_COMMAND_TIMEOUT_SECONDS."""
        most = settings.smtp_command_timeout_seconds
        shorter = {field.name: min(getattr(cls, field.name), most) for field in fields(cls)}
        return cls(**shorter | {"reply": settings.smtp_reply_timeout_seconds})
