import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings

from tasks.core.errors import ConfigurationError, PermanentError
from tasks.mail.display_names import display_safe
from tasks.mail.letter import Letter
from tasks.mail.mime import build_message, needs_smtputf8
from tasks.mail.renderer import RenderedMail, Renderer
from tests.support.letters import PAYABLE, Page, letter, letters, names, website

RENDERER = Renderer()
PLAIN = RENDERER.render(letter(PAYABLE))
MESSAGE_ID = "<20261123.1f0c@example.com>"


def _build(
    rendered: RenderedMail = PLAIN,
    *,
    sender: str = "Example Club <fees@example.com>",
    reply_to: str | None = "office@example.com",
    to_address: str = "dana@example.org",
    to_name: str = "Dana Reyes",
    unsubscribe_url: str | None = None,
) -> bytes:
    return build_message(
        rendered,
        sender=sender,
        reply_to=reply_to,
        to_address=to_address,
        to_name=to_name,
        message_id=MESSAGE_ID,
        date=datetime(2026, 11, 23, 18, tzinfo=UTC),
        unsubscribe_url=unsubscribe_url,
    )


def _parse(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.SMTP)


def _body(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@settings(deadline=None)  # other work on the machine must not fail a property
@given(letters)
def test_what_was_rendered_is_what_arrives(subject: Letter) -> None:
    rendered = RENDERER.render(subject)
    data = _build(rendered)
    message = _parse(data)
    assert message["Subject"] == rendered.subject
    assert (_body(message, "plain"), _body(message, "html")) == (rendered.text, rendered.html)
    links = [line.url for line in subject.payable] + website(subject)
    assert re.findall(r"^https?://.*$", _body(message, "plain"), re.MULTILINE) == links
    assert set(Page(_body(message, "html")).links) == set(links)
    assert data == _build(rendered)


@settings(deadline=None)  # other work on the machine must not fail a property
@given(letters, names)
def test_the_wire_format_holds_whatever_the_names(subject: Letter, to_name: str) -> None:
    data = _build(RENDERER.render(subject), to_name=to_name)
    assert data.isascii()
    assert data.count(b"\n") == data.count(b"\r") == data.count(b"\r\n")
    assert max(map(len, data.split(b"\r\n"))) <= 998
    head, _, _ = data.partition(b"\r\n\r\n")
    assert all(len(word) <= 75 for word in re.findall(rb"=\?[^ \r\n]*\?=", head))
    assert not [line for line in head.split(b"\r\n") if not line.strip()]


@settings(deadline=None)  # other work on the machine must not fail a property
@given(names)
def test_no_recipient_s_name_adds_a_header_or_an_address(to_name: str) -> None:
    message = _parse(_build(to_name=to_name))
    assert message.keys() == _parse(_build()).keys()
    assert [address.addr_spec for address in message["To"].addresses] == ["dana@example.org"]
    assert not message.defects
    assert not message["To"].defects
    # Python's parser puts a space between two encoded words of a name, where RFC 2047 wants none: compared without.
    [recipient] = message["To"].addresses
    assert "".join(recipient.display_name.split()) == "".join(display_safe(to_name, 60).split())


@pytest.mark.parametrize(
    "name", ['Jo "Ace" O\'Brien, Jr.', "José Núñez", "李小龍", "Reyes, Dana", "a@b <c@example.org>", ""]
)
def test_a_name_arrives_as_it_is_written(name: str) -> None:
    assert _parse(_build(to_name=name))["To"].addresses[0].display_name == name


def test_the_headers_say_what_this_is() -> None:
    message = _parse(_build())
    assert dict(message.items()) == {
        "From": "Example Club <fees@example.com>",
        "To": "Dana Reyes <dana@example.org>",
        "Reply-To": "office@example.com",
        "Subject": "Tournament fee for Ava: Desert Winter Classic",
        "Date": "Mon, 23 Nov 2026 18:00:00 +0000",
        "Message-ID": MESSAGE_ID,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": "en",
        "MIME-Version": "1.0",
        "Content-Type": message["Content-Type"],
    }
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "Reply-To" not in _parse(_build(reply_to=None))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain\n", "7bit"),
        ("José " + "plain " * 50 + "\n", "quoted-printable"),
        ("https://example.com/" + "x" * 5000 + "\n", "quoted-printable"),
        ("李小龍" * 50 + "\n", "base64"),
    ],
)
def test_the_transfer_encoding_suits_the_text(text: str, encoding: str) -> None:
    data = _build(RenderedMail("Fee", text, "<p>x</p>\n"))
    part = _parse(data).get_body(("plain",))
    assert part is not None
    assert part["Content-Transfer-Encoding"] == encoding
    assert part.get_content().replace("\r\n", "\n") == text
    if encoding != "7bit":
        assert max(map(len, part.as_bytes().split(b"\r\n"))) <= 76


def test_html_goes_over_the_wire_in_ascii_also_where_it_is_short() -> None:
    assert _build(RenderedMail("Fee", "é\n", "<p>é</p>\n")).isascii()


REMINDER = RENDERER.render(replace(letter(replace(PAYABLE, brand="red-rock")), kind="reminder"))


def test_a_reminder_offers_an_email_to_whoever_answers_replies() -> None:
    message = _parse(_build(REMINDER))
    assert message["Reply-To"] == "Robin Hale <robin@red-rock.example.org>"
    assert message["List-Unsubscribe"] == "<mailto:robin@red-rock.example.org?subject=unsubscribe>"
    assert "List-Unsubscribe-Post" not in message
    nobody = replace(REMINDER, reply_to=None)
    assert _parse(_build(nobody))["List-Unsubscribe"] == "<mailto:office@example.com?subject=unsubscribe>"
    assert _parse(_build(nobody, reply_to=None))["List-Unsubscribe"] == "<mailto:fees@example.com?subject=unsubscribe>"


def test_a_reminder_offers_one_click_where_an_address_for_it_is_set() -> None:
    data = _build(REMINDER, unsubscribe_url=f"https://club.example.org/stop?{'x' * 300}={{message}}")
    message = _parse(data)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Unsubscribe"] == (
        f"<https://club.example.org/stop?{'x' * 300}=20261123.1f0c%40example.com>, "
        "<mailto:robin@red-rock.example.org?subject=unsubscribe>"
    )
    assert b"=?" not in data.partition(b"\r\n\r\n")[0]


def test_a_first_notice_is_no_mailing_list() -> None:
    message = _parse(_build(unsubscribe_url="https://club.example.org/stop?message={message}"))
    assert not [name for name in message if name.startswith("List-")]


# The standard library's own folding puts a space before the first of these and into the second.
@pytest.mark.parametrize(
    "subject", ["Tournament fees for your player, your player and Ava: the Desert Winter Classic", "Fee:  ¡ " * 15]
)
def test_a_subject_arrives_without_added_spaces(subject: str) -> None:
    assert _parse(_build(RenderedMail(subject.strip(), "x\n", "x\n")))["Subject"] == subject.strip()


def test_the_longest_address_is_left_whole() -> None:
    address = "a" * 64 + "@" + ".".join(["b" * 60] * 3) + ".example"
    assert address.encode() in _build(to_address=address)


def test_a_local_part_beyond_ascii_makes_a_utf8_message() -> None:
    assert needs_smtputf8("josé@example.org")
    assert not needs_smtputf8("jose@example.org")
    assert "\r\nTo: Dana Reyes <josé@example.org>\r\n".encode() in _build(to_address="josé@example.org")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "dana",
        "@example.org",
        "a b@example.org",
        "a@b@example.org",
        "a@exämple.org",
        "é",
        "a@example.org\r\nBcc: eve@example.org",
        "é\r\nx@example.org",
        "a@example.org, eve@example.org",
        "<a@example.org>",
        "a(note)@example.org",
    ],
)
def test_what_is_not_an_address_is_for_a_person(address: str) -> None:
    with pytest.raises(PermanentError, match="recipient's address"):
        _build(to_address=address)


@pytest.mark.parametrize(
    "address",
    [
        *("", "Club", "a@example.com, b@example.com", "a@example.com\r\nBcc: e@example.org", "a@exämple.com"),
        "x" * 1200 + " <a@example.com>",
    ],
)
def test_a_wrong_sender_is_a_setting_to_mend(address: str) -> None:
    with pytest.raises(ConfigurationError, match="The sender"):
        _build(sender=address)
    with pytest.raises(ConfigurationError, match="The reply-to"):
        _build(reply_to=address)
