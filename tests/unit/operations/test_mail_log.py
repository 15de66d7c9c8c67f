"""Which messages a mail server's log says that it took."""

import pytest

from tasks.operations.mail_log import taken_messages

ID = "0f8fad5b-d9cb-469f-a165-70867728950e@example.org"
SEEN = f"Mar  1 10:00:00 mail postfix/cleanup[71]: 4Zabc12: message-id=<{ID}>"


@pytest.mark.parametrize(
    "line",
    [
        f"2026-03-01 10:00:00 1tAbCd-000 <= fees@example.org H=worker [192.0.2.7] P=esmtps S=5123 id={ID}",
        f"{ID},delivered,2026-03-01",
        f"<{ID}>",
    ],
)
def test_exims_log_and_a_providers_list_count_as_they_are(line: str) -> None:
    assert taken_messages(f"first\n{line}\n".encode()) == {f"<{ID}>"}


@pytest.mark.parametrize(
    ("more", "is_taken"),
    [
        (
            "Mar  1 10:00:00 mail postfix/qmgr[72]: 4Zabc12: from=<fees@example.org>, size=9, nrcpt=1 (queue active)",
            True,
        ),
        (
            "Mar  1 10:00:00 mail postfix/qmgr[72]: 4Zother: from=<fees@example.org>, size=9, nrcpt=1 (queue active)",
            False,
        ),
        ("Mar  1 10:00:00 mail postfix/smtpd[70]: lost connection after DATA from worker", False),
        (
            "Mar  1 10:00:00 mail postfix/cleanup[71]: 4Zabc12: milter-reject: END-OF-MESSAGE; from=<a@example.org>",
            False,
        ),
    ],
)
def test_a_message_that_postfix_began_to_read_counts_once_it_is_in_its_queue(more: str, *, is_taken: bool) -> None:
    for lines in ((SEEN, more), (more, SEEN)):
        assert taken_messages("\n".join(lines).encode()) == ({f"<{ID}>"} if is_taken else set())


def test_what_is_none_of_ours_and_what_is_no_text_is_passed_over() -> None:
    assert taken_messages(b"\xff\xfe <20260301.abc@example.com> 12345678-1234@x \x00") == set()
