"""Letters to test with."""

from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser

from hypothesis import strategies as st

from tasks.mail.letter import FeeLine, Letter, LinkState

# 541 characters is the longest that was seen of Stripe's.
URL = ("https://checkout.stripe.com/c/pay/cs_test_a1B7xQ9zK2#fidkdWxOYHwnPyd1blpxYHZxWjA0" + "SjF0cXVk%2FN2Jf" * 40)[
    :540
]
EXPIRES_AT = datetime(2026, 11, 24, 1, 10, tzinfo=UTC)

PAYABLE = FeeLine(
    player="Ava",
    team="U12 Girls Blue",
    amount=5500,
    currency="usd",
    due_date=date(2026, 11, 27),
    state=LinkState.PAYABLE,
    url=URL + "1",
    link_expires_at=EXPIRES_AT,
)
MIA = replace(PAYABLE, player="Mia", amount=6550, url=URL + "2")
PAID = replace(PAYABLE, player="Zoe", state=LinkState.PAID, url=None, link_expires_at=None)
PROCESSING = replace(PAID, player="Noor", state=LinkState.PROCESSING)
WITHHELD = replace(PAID, player="Ines", state=LinkState.WITHHELD)


def letter(*lines: FeeLine, parent: str = "Dana Reyes", tournament: str = "Desert Winter Classic") -> Letter:
    return Letter(
        kind="fee_notice",
        parent=parent,
        tournament=tournament,
        event_date=date(2026, 12, 5),
        payment_deadline=None,
        time_zone="America/Denver",
        language="en",
        lines=lines,
    )


# Any text, and the pieces that break mail: ends of headers, tags, attributes, entities, template syntax, bidi, links.
names = st.one_of(
    st.text(max_size=400),
    st.lists(
        st.sampled_from(
            [
                *(
                    "\r\nBcc: eve@example.org",
                    "</td>",
                    "<script>",
                    '" onclick="x',
                    "&#60;",
                    "{{ 7*7 }}",
                    "{% x %}",
                    "\u202e",
                ),
                *(
                    "https://example.org/",
                    "Ava ",
                    "\x00",
                    "\u2028",
                    "=?utf-8?q?x?=",
                    "=",
                    ", ",
                    "ü" * 90,
                    "\u200d",
                    "\n.\n",
                ),
                *("é", "'"),
            ]
        ),
        max_size=12,
    ).map("".join),
)
lines = st.builds(
    lambda line, player, team, brand: replace(line, player=player, team=team, brand=brand),
    st.sampled_from([PAYABLE, MIA, PAID, PROCESSING, WITHHELD]),
    names,
    names,
    st.sampled_from(["default", "default", "red-rock", "desert-rose"]),
)
letters = st.builds(
    lambda lines, parent, tournament, kind, language: replace(
        letter(*lines, parent=parent, tournament=tournament), kind=kind, language=language
    ),
    st.lists(lines, min_size=1, max_size=5),
    names,
    names,
    st.sampled_from(["fee_notice", "reminder", "renewed_link", "correction"]),
    st.sampled_from(["en", "es"]),
)
WEBSITES = {"red-rock": "https://red-rock.example.org", "desert-rose": "https://desert-rose.example.org"}


def website(subject: Letter) -> list[str]:
    """The one link of a letter that is none to pay by: its brand's website, if it has one."""
    return [WEBSITES[subject.brand]] if subject.brand in WEBSITES else []


class Page(HTMLParser):
    """Collect an HTML body's tags with their attributes, its links, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "background"}]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", ()))

    def handle_comment(self, data: str) -> None:
        self.tags.append((f"!{data}", ()))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())
