from collections.abc import Callable

from tasks.core.settings import Settings
from tasks.mail.smtp.connection import Connection
from tasks.mail.smtp.conversation import Conversation
from tasks.mail.smtp.health import ServerHealth
from tasks.mail.smtp.opening import open_connection, server_name
from tasks.mail.smtp.timeouts import Timeouts
from tasks.mail.transport import Delivery, DeliveryOutcome, Envelope


class Mailer:
    """A worker's line to the mail server: opened when first needed, used again, renewed when worn; close it at last.

    A message costs two round trips where the server offers PIPELINING: one up to its 354, one for the body.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.timeouts = Timeouts.of(settings)
        self._health = ServerHealth(server_name(settings))
        self._connection: Connection | None = None

    def check(self) -> None:
        """Raise unless the server can be reached, is encrypted where it must be, takes our login, and fares well."""
        self._health.check()
        self._ready()

    def deliver(self, envelope: Envelope, begin_body: Callable[[], bool]) -> Delivery:
        """Hand one message to the server; `begin_body` is asked after its 354, and False from it withdraws the message.

        Raises TransientError where the server is away or in trouble, ConfigurationError where it refuses us: in both
        cases this message was not begun. What `begin_body` raises goes through; the body is not sent then.
        """
        self._health.check()
        delivery, worn_out = self._talk(envelope, begin_body)
        if worn_out:
            delivery, _ = self._talk(envelope, begin_body)
        self._health.note(delivery)
        return delivery

    def close(self) -> None:
        """Say goodbye, if there is somebody to say it to."""
        if self._connection is not None and self._connection.is_open:
            self._connection.quit(self.timeouts.goodbye)
        self._connection = None

    def _talk(self, envelope: Envelope, begin_body: Callable[[], bool]) -> tuple[Delivery, bool]:
        """Return what became of the message, and whether that is only because a used connection had come to its end.

        Servers close a connection that has idled, or has served its share, when it suits them. That says nothing about
        the message that meets it, and before the body a second try on a new connection is safe.
        """
        connection = self._ready()
        used = connection.messages > 0
        begun = False

        def begin() -> bool:
            nonlocal begun
            begun = True
            return begin_body()

        try:
            delivery = Conversation(connection, envelope, self.timeouts).run(begin)
        except BaseException:
            connection.hang_up()
            raise
        lost = delivery.outcome is DeliveryOutcome.DEFERRED and not connection.is_open
        return delivery, used and lost and not begun

    def _ready(self) -> Connection:
        """Return a connection that is open and not worn."""
        connection = self._connection
        if connection is not None and connection.is_open:
            if connection.has_gone():
                connection.hang_up()
            elif connection.messages >= self._settings.smtp_messages_per_connection:
                connection.quit(self.timeouts.goodbye)
            else:
                return connection
        self._connection = open_connection(self._settings, self.timeouts)
        return self._connection
