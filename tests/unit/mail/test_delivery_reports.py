"""Delivery reports as mail servers write them, and what is none."""

from base64 import encodebytes
from quopri import encodestring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.mail.delivery_reports import MalformedReportError, ReportedRecipient, read_report
from tasks.mail.suppressions import NO_SUCH_MAILBOX, enhanced_status

POSTFIX = """\
From: MAILER-DAEMON@mail.example.org (Mail Delivery System)
To: fees@example.org
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

This is a MIME-encapsulated message.

--b1
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org
X-Postfix-Queue-ID: 4F1A
Arrival-Date: Sun,  1 Mar 2026 10:00:00 +0000 (UTC)

Final-Recipient: rfc822; jo.ek@example.com
Original-Recipient: rfc822;jo.ek@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 550 5.1.1 <jo.ek@example.com>: Recipient address
    rejected: User unknown

--b1
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: Example Hoops Club <fees@example.org>
To: jo.ek@example.com
Message-ID: <0f3e@example.org>
Subject: Tournament fee

Hello
--b1--
"""


def report(text: str = POSTFIX, **changes: str) -> bytes:
    for old, new in changes.items():
        assert REPLACED[old] in text
        text = text.replace(REPLACED[old], new)
    return text.replace("\n", "\r\n").encode()


REPLACED = {
    "status": "Status: 5.1.1",
    "action": "Action: failed",
    "final": "Final-Recipient: rfc822; jo.ek@example.com",
    "original": "Original-Recipient: rfc822;jo.ek@example.com\n",
    "returned": "Content-Type: message/rfc822",
    "id": "Message-ID: <0f3e@example.org>\n",
    "reporter": "Reporting-MTA: dns; mail.example.org\n",
    "diagnostic": "550 5.1.1 <jo.ek",
}


def only(content: bytes) -> ReportedRecipient:
    found = read_report(content)
    assert found is not None
    (recipient,) = found.recipients
    return recipient


def test_a_report_as_postfix_writes_it() -> None:
    found = read_report(report())
    assert found is not None
    assert found.message_ids == {"<0f3e@example.org>"}
    assert only(report()) == ReportedRecipient(
        frozenset({"jo.ek@example.com"}),
        "failed",
        "5.1.1",
        "550 5.1.1 <jo.ek@example.com>: Recipient address rejected: User unknown",
    )


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822-headers", "message/global-headers"])
def test_the_returned_headers_alone_name_the_message(kind: str) -> None:
    found = read_report(report(returned=f"Content-Type: {kind}"))
    assert found is not None
    assert found.message_ids == {"<0f3e@example.org>"}


def test_a_report_that_a_scanner_has_wrapped_names_the_message() -> None:
    head = b"From: scanner@example.org\r\nContent-Type: multipart/mixed; boundary=w\r\n\r\n--w\r\n"
    notice = b"\r\n--w\r\nContent-Type: text/plain\r\n\r\nScanned.\r\n--w--\r\n"
    assert read_report(head + report() + notice) == read_report(report())


def test_the_envelope_id_names_the_message_where_nothing_is_returned() -> None:
    found = read_report(
        report(id="", reporter="Reporting-MTA: dns; m.example.org\nOriginal-Envelope-Id: a+2Bb@example.org\n")
    )
    assert found is not None
    assert found.message_ids == {"<a+b@example.org>"}


def test_an_address_in_xtext_is_decoded() -> None:
    recipient = only(report(original="Original-Recipient: rfc822;jo+2Bhoops@example.com\n"))
    assert recipient.addresses == {"jo.ek@example.com", "jo+hoops@example.com", "jo+2Bhoops@example.com"}


@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_a_report_about_an_address_beyond_ascii_is_read(encoding: str) -> None:
    begin, end = POSTFIX.index("Reporting-MTA"), POSTFIX.index("--b1\nContent-Description: Undelivered")
    fields = POSTFIX[begin:end].replace("rfc822; jo.ek", "utf-8; jösé.ek").encode()
    encoded = {"8bit": fields, "base64": encodebytes(fields), "quoted-printable": encodestring(fields)}
    wire = encoded[encoding].decode()
    part = f"Content-Type: message/global-delivery-status\nContent-Transfer-Encoding: {encoding}\n\n{wire}"
    head = POSTFIX[:begin].replace("Content-Type: message/delivery-status\n\n", part)
    recipient = only((head + POSTFIX[end:]).replace("\n", "\r\n").encode())
    assert (recipient.action, recipient.status) == ("failed", "5.1.1")
    assert recipient.addresses == {"jösé.ek@example.com", "jo.ek@example.com"}


def test_an_address_that_spells_its_letters_is_read() -> None:
    named = only(report(final=r"Final-Recipient: utf-8; jos\x{E9}.ek@example.com")).addresses
    assert "josé.ek@example.com" in named


def test_a_tag_that_looks_like_xtext_is_read_as_a_tag_as_well() -> None:
    assert "jo+2024@example.com" in only(report(final="Final-Recipient: rfc822; jo+2024@example.com")).addresses


@pytest.mark.parametrize(
    ("status", "exact"), [("5.0.0", "5.1.1"), ("4.0.0", "5.1.1"), ("5.2.2", "5.2.2"), ("5.1.1 (no such user)", "5.1.1")]
)
def test_a_status_that_says_nothing_is_read_from_the_other_servers_words(status: str, exact: str) -> None:
    assert only(report(status=f"Status: {status}")).status == exact


def test_a_report_about_two_recipients_tells_of_both() -> None:
    second = "Status: 5.1.1\n\nFinal-Recipient: rfc822; b@example.com\nAction: delayed\nStatus: 4.4.1"
    found = read_report(report(status=second))
    assert found is not None
    assert [(one.action, one.status) for one in found.recipients] == [("failed", "5.1.1"), ("delayed", "4.4.1")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"From: ann@example.com\r\nSubject: Re: Tournament fee\r\n\r\nI have paid already.\r\n",
        b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n--b--\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\nno parts",
    ],
)
def test_what_is_no_report_is_none(content: bytes) -> None:
    assert read_report(content) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"final": "X-Final: none"}, "lacks"),
        ({"action": "Action: exploded"}, "lacks"),
        ({"status": "Status: bad"}, "lacks"),
        ({"status": "X-Status: none"}, "lacks"),
        ({"final": "X-Final: none", "action": "X-Action: none"}, "names no recipient"),
        ({"id": ""}, "does not say which message"),
    ],
)
def test_a_malformed_report_says_what_it_lacks(changes: dict[str, str], said: str) -> None:
    with pytest.raises(MalformedReportError, match=said):
        read_report(report(**changes))


@given(st.binary(max_size=400), st.integers(0, len(POSTFIX)))
def test_any_bytes_are_a_report_malformed_or_none(noise: bytes, cut: int) -> None:
    for content in (noise, report()[:cut], report()[:cut] + noise):
        try:
            read_report(content)
        except MalformedReportError:
            continue


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ("5.1.1 no such user", "5.1.1"),
        ("5.1.10", "5.1.10"),
        ("4.2.2 mailbox full", "4.2.2"),
        ("no such user 5.1.1", None),
        ("5.1.1x", None),
        ("3.1.1 what", None),
        ("", None),
    ],
)
def test_the_enhanced_status_of_a_reply(reply: str, status: str | None) -> None:
    assert enhanced_status(reply) == status


def test_no_code_about_us_or_about_now_suppresses() -> None:
    assert not {"5.7.1", "5.2.2", "5.1.2", "5.4.4", "5.1.8", "4.1.1", "5.0.0"} & NO_SUCH_MAILBOX
