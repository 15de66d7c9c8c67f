"""The linter of templates finds what it is for: each of these mistakes, made in a copy of what is shipped."""

import shutil
from pathlib import Path

import pytest

from deployments.emails.lint import complaints, main
from deployments.emails.translations import english, problems
from tasks.mail.languages import CATALOGUE, read_catalogue
from tasks.mail.renderer import Renderer
from tasks.mail.template_files import TEMPLATES, read_folder

SOURCES = read_folder(TEMPLATES)
COMMENT = f"<!--{'x' * 3000}-->"
SPANISH = "locale/es/LC_MESSAGES/messages.po"


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """The templates of one kind in two brands."""
    folder = Path(shutil.copytree(TEMPLATES, tmp_path / "templates"))
    for kind in Renderer().kinds:
        if kind != "fee_notice":
            shutil.rmtree(folder / kind)
    (folder / "brands" / "red-rock.toml").unlink()
    source = (folder / SPANISH).read_text(encoding="utf-8")
    blocks = [
        block for block in source.split("\n\n") if not block.startswith("#:") or "shared" in block or "fee_n" in block
    ]
    (folder / SPANISH).write_text("\n\n".join(blocks), encoding="utf-8")
    return folder


def change(folder: Path, file: str, old: str, new: str) -> None:
    source = (folder / file).read_text(encoding="utf-8")
    assert old in source
    (folder / file).write_text(source.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in SOURCES if CATALOGUE.fullmatch(name)])
def test_every_language_that_is_shipped_is_complete(name: str) -> None:
    assert not list(problems(read_catalogue(SOURCES[name], name), english(SOURCES)))


def test_templates_without_a_mistake_pass(templates: Path) -> None:
    assert not list(complaints(templates))


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("shared/fees.txt", "{{ line.url }}", "", "the text part has 0 links, not one for each fee to pay"),
        ("shared/fees.txt", "{{ line.url }}", "{{ letter.payable[0].url }}", "the text part has 3 links, not one"),
        ("shared/parts.html", 'class="muted" style="text-decoration:none;">{{ url }}', ">here", "cannot be read"),
        (
            "shared/parts.html",
            '<a href="{{ url }}" target',
            '<a href="{{ url }}?x" target',
            "are not those of the text",
        ),
        ("shared/frame.html", "</body>", '<img src="https://t.example.org/o.gif"></body>', "are not those of the text"),
        ("shared/fees.txt", "{{ words.player(line) }}", "{{ none }}", "the text part shows 'None'"),
        (
            "fee_notice/words.jinja",
            "Below is what there is to pay now",
            "Below is what to pay",
            "is missing (make transl",
        ),
        (SPANISH, 'msgstr "Equipo"', 'msgstr ""', "messages.po: Team is not translated"),
        (SPANISH, 'msgid "Team"', '#, fuzzy\nmsgid "Team"', "messages.po: Team is marked as fuzzy"),
        (SPANISH, 'msgstr "Hola, %(parent)s:"', 'msgstr "Hola, %(padre)s:"', "placeholder"),
        (SPANISH, 'msgid "Team"', 'msgid "Squad"', "Squad is in no template any more"),
    ],
)
def test_a_mistake_is_found(templates: Path, file: str, old: str, new: str, said: str) -> None:
    change(templates, file, old, new)
    assert said in "\n".join(complaints(templates))


def test_an_email_that_gmail_would_clip_is_found(templates: Path) -> None:
    change(
        templates,
        "shared/fees.html",
        "{% call parts.note() %}{{ words.until",
        COMMENT + "{% call parts.note() %}{{ words.until",
    )
    found = list(complaints(templates))
    assert found
    assert all("many children" in complaint and "Gmail hides" in complaint for complaint in found)


def test_templates_that_cannot_be_rendered_are_one_line(templates: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(templates, "shared/frame.txt", "{{ signature }}", "{{ signatur }}")
    assert main(templates) == 1
    assert capsys.readouterr().err.startswith("templates/shared/frame.txt, line ")
