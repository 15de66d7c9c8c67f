import re
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from tasks.core.errors import ConfigurationError
from tasks.mail.display_names import display_safe
from tasks.mail.letter import Letter, LinkState
from tasks.mail.renderer import MAX_SUBJECT, Renderer
from tasks.mail.template_files import TEMPLATES
from tests.support.letters import MIA, PAID, PAYABLE, PROCESSING, WITHHELD, Page, letter, letters, website

RENDERER = Renderer()
ANOTHER = Renderer()


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A copy of the templates, to break."""
    return Path(shutil.copytree(TEMPLATES, tmp_path / "templates"))


def _append(file: Path, text: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


def _controls(text: str) -> list[str]:
    return re.findall(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]", text)


def _with_plain_names(subject: Letter) -> Letter:
    def plain(name: str) -> str:
        return "Ava" if display_safe(name) else ""

    lines = tuple(replace(line, player=plain(line.player), team=plain(line.team)) for line in subject.lines)
    return replace(subject, lines=lines, parent=plain(subject.parent), tournament=plain(subject.tournament))


@settings(deadline=None)  # other work on the machine must not fail a property
@given(letters)
def test_the_subject_is_one_short_line_whatever_the_names(subject: Letter) -> None:
    line = RENDERER.render(subject).subject
    assert not _controls(line)
    assert 0 < len(line) <= MAX_SUBJECT
    assert line == line.strip()


@pytest.mark.parametrize("kind", RENDERER.kinds)
def test_names_are_escaped_wherever_they_stand(kind: str) -> None:
    name = '<b>Ava</b> & "Co"'
    hard = letter(*[replace(PAYABLE, player=name, team=name)] * 2, parent=name, tournament=name)
    html = RENDERER.render(replace(hard, kind=kind)).html
    assert "<b>" not in html
    assert html.count("&lt;b&gt;Ava&lt;/b&gt; &amp; ") > 8


@settings(deadline=None)  # other work on the machine must not fail a property
@given(letters)
def test_no_name_adds_a_tag_or_an_attribute(subject: Letter) -> None:
    assert Page(RENDERER.render(subject).html).tags == Page(RENDERER.render(_with_plain_names(subject)).html).tags


@settings(deadline=None)  # other work on the machine must not fail a property
@given(letters)
def test_the_links_are_exactly_the_payable_ones(subject: Letter) -> None:
    mail = RENDERER.render(subject)
    urls = [line.url for line in subject.payable]
    foot = website(subject)
    assert re.findall(r"\w+://\S*", mail.text) == urls + foot
    assert Page(mail.html).links == [url for url in urls for _ in ("button", "visible link")] + foot
    assert re.findall(r"\w+://\S*", " ".join(Page(mail.html).words)) == urls + foot
    assert not _controls(mail.text.replace("\n", ""))


@settings(deadline=None)  # other work on the machine must not fail a property
@given(letters)
def test_the_same_letter_gives_the_same_mail(subject: Letter) -> None:
    assert RENDERER.render(subject) == ANOTHER.render(subject)


@pytest.mark.parametrize("kind", RENDERER.kinds)
def test_html_is_built_as_mail_programs_need_it(kind: str) -> None:
    html = RENDERER.render(replace(letter(replace(PAYABLE, brand="red-rock"), PAID), kind=kind)).html
    tables = re.findall(r"<table\b[^>]*>", html)
    assert tables
    assert all('role="presentation"' in table for table in tables)
    # Styles stand at the elements; the one sheet that is left has what cannot: small screens and dark colours.
    (sheet,) = re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL)
    assert "@media (prefers-color-scheme: dark)" in sheet
    assert "@media (max-width: 480px)" in sheet
    (button,) = re.findall(r'<td [^>]*class="button"[^>]*>|<td class="button"[^>]*>', html)
    assert 'bgcolor="#b3202a"' in button
    assert "background-color: #b3202a" in button
    assert "mso-padding-alt: 13px 20px" in button
    (link,) = re.findall(r'<a class="action"[^>]*>', html)
    assert "display: block" in link
    assert "color: #ffffff" in link
    for needed in (
        'lang="en"',
        '<meta name="color-scheme" content="light dark">',
        '<meta charset="utf-8">',
        "<h1",
        "<h2",
    ):
        assert needed in html


def test_a_letter_to_one_child_says_all_there_is_to_know() -> None:
    mail = RENDERER.render(letter(PAYABLE))
    assert mail.subject == "Tournament fee for Ava: Desert Winter Classic"
    for said in (mail.text, Page(mail.html).text):
        for fact in (
            "Hello Dana Reyes,",
            "Ava is on the roster for Desert Winter Classic. Here is the tournament fee",
            "Tournament day: Saturday, December 5, 2026",
            "U12 Girls Blue",
            "$55.00",
            "Friday, November 27, 2026",
            "This link works until Monday, November 23 at 6:10 PM Mountain Time.",
            "If it has expired when you open it, just reply to this email",
            "Your Basketball Club",
        ):
            assert fact in said
        assert "Total" not in said
    assert f"\n{PAYABLE.url}\n" in mail.text


def test_sisters_have_a_link_each_and_a_total() -> None:
    mail = RENDERER.render(letter(PAYABLE, MIA, replace(PAYABLE, player="Zoe")))
    assert mail.subject == "Tournament fees for Ava, Mia, and Zoe: Desert Winter Classic"
    assert "Total to pay: $175.50" in mail.text
    assert "$175.50" in Page(mail.html).text


def test_a_long_row_of_players_is_shortened() -> None:
    four = letter(PAYABLE, MIA, replace(PAYABLE, player="Zoe"), replace(PAYABLE, player="Noor"))
    assert RENDERER.render(four).subject == "Tournament fees for Ava, Mia and 2 more: Desert Winter Classic"


def test_who_has_nothing_to_pay_is_told_why_and_given_no_link() -> None:
    mail = RENDERER.render(letter(PAYABLE, PAID, PROCESSING, WITHHELD))
    assert mail.subject == "Tournament fee for Ava: Desert Winter Classic"
    for said in (mail.text, Page(mail.html).text):
        assert "Below is what there is to pay now, and how the rest stands." in said
        assert "Paid. Thank you, there is nothing left to do." in said
        assert "Payment on its way. Some ways to pay take a few days. Please do not pay again." in said
        assert "On hold. We are checking this fee" in said
        assert "Total" not in said


@pytest.mark.parametrize("unknown", [{"amount": 0}, {"currency": ""}])
def test_no_amount_is_made_up_for_a_fee_under_review(unknown: dict[str, Any]) -> None:
    mail = RENDERER.render(letter(PAYABLE, replace(WITHHELD, **unknown)))
    alone = RENDERER.render(letter(PAYABLE))
    for said, before in ((mail.text, alone.text), (Page(mail.html).text, Page(alone.html).text)):
        assert "Ines" in said
        assert re.findall(r"\S*\d\.\d\d\b", said) == re.findall(r"\S*\d\.\d\d\b", before)


def test_a_letter_with_nothing_to_pay_says_so() -> None:
    mail = RENDERER.render(letter(PAID))
    assert "There is nothing to pay right now." in mail.text
    assert "expired" not in mail.text


def test_currencies_are_summed_apart() -> None:
    euros = replace(PAYABLE, currency="EUR", amount=1000)
    assert "Total to pay: $120.50 + €10.00" in RENDERER.render(letter(PAYABLE, MIA, euros)).text
    assert "Total" not in RENDERER.render(letter(PAYABLE, euros)).text


def test_without_a_due_date_the_tournament_s_deadline_counts() -> None:
    undated = letter(replace(PAYABLE, due_date=None))
    assert "Due" not in RENDERER.render(undated).text
    assert (
        "Due: Friday, November 20, 2026" in RENDERER.render(replace(undated, payment_deadline=date(2026, 11, 20))).text
    )


def test_empty_names_leave_whole_sentences() -> None:
    mail = RENDERER.render(replace(letter(replace(PAYABLE, player="", team=" ")), parent="\n", tournament=""))
    assert mail.subject == "Tournament fee for your player: the tournament"
    assert mail.text.startswith("Hello,\n")
    assert "Team" not in mail.text


def test_a_dozen_children_stay_under_the_size_that_gmail_clips() -> None:
    dozen = letter(*[replace(PAYABLE, player="ü" * 80, team="<" * 80)] * 12, tournament="&" * 80)
    assert len(RENDERER.render(dozen).html.encode()) < 90_000


def test_sisters_in_teams_of_two_brands_get_a_neutral_frame_and_their_own_sections() -> None:
    two = letter(replace(PAYABLE, brand="red-rock"), replace(MIA, brand="desert-rose"))
    mail = RENDERER.render(two)
    assert two.brand == "default"
    assert mail.reply_to is None
    for name in ("Red Rock Basketball", "Desert Rose Girls Basketball", "Your Basketball Club"):
        assert name in mail.text
        assert name in Page(mail.html).text
    for brand in ("red-rock", "desert-rose", "default"):
        assert RENDERER.brands[brand].colors.accent in mail.html
        assert RENDERER.brands[brand].dark.accent in mail.html


def test_one_brand_signs_and_is_not_repeated_in_its_sections() -> None:
    mail = RENDERER.render(letter(replace(PAYABLE, brand="red-rock"), replace(MIA, brand="red-rock")))
    assert mail.reply_to == "Robin Hale <robin@red-rock.example.org>"
    assert "Robin Hale, treasurer\nRed Rock Basketball\n" in mail.text
    assert "Club:" not in mail.text
    for foot in ("Red Rock Basketball, 12 Canyon Road, Moab, UT 84532", "https://red-rock.example.org"):
        assert foot in mail.text
        assert foot in mail.html
    assert RENDERER.brands["desert-rose"].colors.accent not in mail.html


def test_a_parent_is_written_to_in_their_language_with_its_dates() -> None:
    mail = RENDERER.render(replace(letter(PAYABLE, MIA), language="es-MX"))
    assert mail.language == "es"
    assert mail.subject == "Cuotas de torneo de Ava y Mia: Desert Winter Classic"
    for said in (mail.text, Page(mail.html).text):
        assert "Hola, Dana Reyes:" in said
        assert "Día del torneo: sábado, 5 de diciembre de 2026" in said
        assert "hasta el lunes 23 de noviembre a las 6:10 p.m. (hora de las Montañas Rocosas)." in said
        assert "La oficina del club" in said
    assert '<html lang="es"' in mail.html


@pytest.mark.parametrize("language", ["fr", "English", "-", "", None, "xx_YY", "../es"])
def test_a_language_without_a_translation_gets_the_club_s(language: str | None) -> None:
    unknown = replace(letter(PAYABLE), language=language)
    assert RENDERER.render(unknown) == RENDERER.render(letter(PAYABLE))
    spanish = Renderer(language="es").render(unknown)
    assert spanish == RENDERER.render(replace(unknown, language="es"))
    assert RENDERER.languages.is_missing(language) is bool(language)


def test_a_club_in_a_language_without_a_translation_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"language 'fr' \(CLUB_LANGUAGE\): choose one of en, es"):
        Renderer(language="fr")


def test_a_tournament_without_a_zone_tells_times_in_the_club_s() -> None:
    nowhere = replace(letter(PAYABLE), time_zone=None)
    assert "November 24 at 1:10 AM Coordinated Universal Time." in RENDERER.render(nowhere).text
    assert Renderer(time_zone="America/Denver").render(nowhere) == RENDERER.render(letter(PAYABLE))


@pytest.mark.parametrize("text", ['msgid "x', 'msgid "Team"\nmsgstr "Equipo"\nrubbish\n'])
def test_a_broken_catalogue_is_named(templates: Path, text: str) -> None:
    (templates / "locale" / "es" / "LC_MESSAGES" / "messages.po").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"templates/locale/es/LC_MESSAGES/messages\.po cannot be read"):
        Renderer(templates)


def test_a_catalogue_of_no_language_is_named(templates: Path) -> None:
    (templates / "locale" / "es").rename(templates / "locale" / "spanglish")
    with pytest.raises(ConfigurationError, match=r"templates/locale/spanglish/.* cannot be read"):
        Renderer(templates)


def test_only_a_reminder_offers_to_be_left_out() -> None:
    assert [kind for kind in RENDERER.kinds if RENDERER.render(replace(letter(PAYABLE), kind=kind)).unsubscribe] == [
        "reminder"
    ]


@pytest.mark.parametrize("text", ["unsubscribe = 1", "unsubscibe = true", "unsubscribe"])
def test_a_kind_s_own_file_that_says_anything_else_is_refused(templates: Path, text: str) -> None:
    (templates / "reminder" / "kind.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"templates/reminder/kind\.toml"):
        Renderer(templates).render(replace(letter(PAYABLE), kind="reminder"))
    with pytest.raises(ConfigurationError, match=r"templates/reminder/kind\.toml"):
        Renderer(templates).digest("reminder")


def test_an_undefined_variable_is_named_with_its_file_and_line(templates: Path) -> None:
    (templates / "fee_notice" / "body.txt").write_text("Hello\n{{ letter.perent }}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"templates/fee_notice/body\.txt, line 2: .*'perent'"):
        Renderer(templates).render(letter(PAYABLE))


@pytest.mark.parametrize("words", ["P.S. Bring water.", "{{ letter.parent }}", "{% if letter.parent %}x{% endif %}"])
def test_words_that_would_never_be_shown_are_refused(templates: Path, words: str) -> None:
    _append(templates / "fee_notice" / "body.txt", f"\n{words}\n")
    with pytest.raises(
        ConfigurationError, match=r"body\.txt, line [45]: What stands outside the blocks .* is never shown"
    ):
        Renderer(templates).render(letter(PAYABLE))


def test_an_undefined_variable_in_a_shared_macro_is_found_there(templates: Path) -> None:
    words = templates / "shared" / "words.jinja"
    words.write_text(words.read_text().replace("line.player or", "line.plyer or"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"templates/shared/words\.jinja, line \d+: .*'plyer'"):
        Renderer(templates).render(letter(PAYABLE))


def test_a_syntax_error_is_named_with_its_file_and_line(templates: Path) -> None:
    (templates / "fee_notice" / "body.html").write_text("\n\n{% if %}", encoding="utf-8")
    renderer = Renderer(templates)
    with pytest.raises(ConfigurationError, match=r"templates/fee_notice/body\.html, line 3: "):
        renderer.render(letter(PAYABLE))
    with pytest.raises(ConfigurationError, match=r"templates/fee_notice/body\.html, line 3: "):
        renderer.digest("fee_notice")


@pytest.mark.parametrize(
    "file", ["fee_notice/subject.txt", "fee_notice/body.txt", "fee_notice/body.html", "shared/fees.txt"]
)
def test_a_missing_part_is_named(templates: Path, file: str) -> None:
    (templates / file).unlink()
    with pytest.raises(ConfigurationError, match=f"templates/{re.escape(file)} is missing"):
        Renderer(templates).render(letter(PAYABLE))
    with pytest.raises(ConfigurationError, match=f"templates/{re.escape(file)} is missing"):
        Renderer(templates).digest("fee_notice")


def test_an_unknown_kind_brand_or_zone_is_named() -> None:
    fine = letter(PAYABLE)
    for wrong, message in (
        (replace(fine, kind="fee_notise"), "templates/fee_notise/subject.txt is missing"),
        (replace(fine, kind="../tests"), "templates/../tests/subject.txt is missing"),
        (letter(replace(PAYABLE, brand="nobody")), "no brand 'nobody': add templates/brands/nobody.toml"),
        (replace(fine, time_zone="America/Denvre"), "no time zone 'America/Denvre'"),
    ):
        with pytest.raises(ConfigurationError, match=re.escape(message)):
            RENDERER.render(wrong)


def test_what_is_rendered_is_what_was_read_at_the_start(templates: Path) -> None:
    renderer = Renderer(templates)
    _append(templates / "shared" / "frame.txt", "changed while a campaign runs")
    assert renderer.render(letter(PAYABLE)) == RENDERER.render(letter(PAYABLE))
    assert renderer.digest("fee_notice") == RENDERER.digest("fee_notice")


@pytest.mark.parametrize(
    ("file", "comment"),
    [
        ("fee_notice/body.html", " "),
        ("shared/parts.html", " "),
        ("shared/words.jinja", " "),
        ("shared/look.css", " "),
        ("brands/default.toml", "#"),
        ("locale/es/LC_MESSAGES/messages.po", "\n"),
    ],
)
def test_the_digest_covers_every_file_that_a_kind_uses(templates: Path, file: str, comment: str) -> None:
    _append(templates / file, comment)
    assert Renderer(templates).digest("fee_notice") != RENDERER.digest("fee_notice")


def test_the_digest_covers_what_the_club_s_language_and_zone_are() -> None:
    digests = {
        Renderer(language=language, time_zone=zone).digest("reminder")
        for language in ("en", "es")
        for zone in ("UTC", "America/Denver")
    }
    assert len(digests) == 4


def test_a_kind_is_added_by_copying_a_folder(templates: Path) -> None:
    shutil.copytree(templates / "fee_notice", templates / "second_notice")
    words = templates / "second_notice" / "words.jinja"
    words.write_text(
        words.read_text(encoding="utf-8").replace("Tournament fee for", "Second notice for"), encoding="utf-8"
    )
    renderer = Renderer(templates)
    assert renderer.render(replace(letter(PAYABLE), kind="second_notice")).subject.startswith("Second notice for Ava")
    assert renderer.render(letter(PAYABLE)) == RENDERER.render(letter(PAYABLE))
    before = renderer.digest("second_notice")
    _append(words, " ")
    assert Renderer(templates).digest("second_notice") != before


def test_the_digest_leaves_other_kinds_out(templates: Path) -> None:
    (templates / "other").mkdir()
    (templates / "other" / "subject.txt").write_text("x", encoding="utf-8")
    assert Renderer(templates).digest("fee_notice") == RENDERER.digest("fee_notice")


def test_a_template_named_by_a_variable_is_refused_since_no_digest_can_cover_it(templates: Path) -> None:
    _append(templates / "fee_notice" / "body.txt", "{% block reason %}{% include letter.kind %}{% endblock %}")
    with pytest.raises(ConfigurationError, match=r"body\.txt includes or imports a template by a variable"):
        Renderer(templates).digest("fee_notice")


def test_a_folder_that_is_not_there_or_not_utf8_is_named(templates: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no templates folder"):
        Renderer(tmp_path / "nowhere")
    (templates / "fee_notice" / "body.txt").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        Renderer(templates)


def test_every_state_has_its_words() -> None:
    for state in LinkState:
        line = PAYABLE if state is LinkState.PAYABLE else replace(PAID, state=state)
        assert "\n\n\n" not in RENDERER.render(letter(line)).text
