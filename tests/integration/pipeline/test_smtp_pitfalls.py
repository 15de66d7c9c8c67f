"""The mail server's rarer answers: a login that is refused for now."""

import pytest

from tasks.errors import TransientError
from tests.integration.pipeline.test_smtp import Script, mailer_to


def test_a_login_that_cannot_be_checked_just_now_is_tried_again_later() -> None:
    # RFC 4954 section 6: 454 says that the server's own user base is away, not that the password is wrong.
    played = Script({"AUTH": ["454 4.7.0 temporary authentication failure"]}, extensions=("AUTH PLAIN",))
    with mailer_to(played, login="fees:invented@") as mailer, pytest.raises(TransientError):
        mailer.check()
