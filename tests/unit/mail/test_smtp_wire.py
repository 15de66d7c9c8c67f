"""A message's bytes on the wire (RFC 5321 section 4.5.2), and the server's words in the ledger."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from tasks.mail.smtp.wire import dot_stuffed

CONTENT = st.lists(st.sampled_from([b".", b"..", b"a", b"\r\n", b"\n", b"\r", b"\x00", b"\xff", b". ", b"\x0b"])).map(
    b"".join
)


def received(wire: bytes) -> bytes:
    """What a server stores, of what came before the final dot."""
    lines = wire.split(b"\r\n")
    assert lines.pop() == b""
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)


@given(CONTENT)
@example(b".")
@example(b"a\r\n.\r\nb")
@example(b"a\n.\nb")
@example(b"a\r.\rb")
def test_the_server_gets_each_line_as_it_was(content: bytes) -> None:
    as_lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    expected = as_lines if as_lines.endswith(b"\r\n") else as_lines + b"\r\n"
    assert received(dot_stuffed(content)) == expected


@given(CONTENT)
def test_no_message_ends_before_its_end(content: bytes) -> None:
    wire = b"\r\n" + dot_stuffed(content)
    assert b"\r\n.\r\n" not in wire
    assert wire.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", wire), "a bare CR or LF lets some servers see another end (smuggling)"


def test_a_message_with_right_line_ends_is_left_alone() -> None:
    assert dot_stuffed(b"Subject: x\r\n\r\n.hidden\r\n") == b"Subject: x\r\n\r\n..hidden\r\n"
