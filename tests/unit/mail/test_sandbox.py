"""What a template can and cannot do: no file, no Python, and no text of any size."""

import re
from collections.abc import Callable
from gettext import NullTranslations
from pathlib import Path

import pytest
from jinja2 import DictLoader

from tasks.core.errors import ConfigurationError
from tasks.mail.renderer import Renderer
from tasks.mail.sandbox import TemplateSandbox, TemplateStoppedError
from tasks.mail.template_files import TEMPLATES
from tests.support.letters import PAYABLE, letter

Refused = Callable[[str], str]


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """Render a subject that is this template, and return what is said about it."""
    for file in TEMPLATES.rglob("*.*"):
        copy = tmp_path / "templates" / file.relative_to(TEMPLATES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())

    def render(template: str) -> str:
        (tmp_path / "templates" / "fee_notice" / "subject.txt").write_text(template, encoding="utf-8")
        with pytest.raises(ConfigurationError) as caught:
            Renderer(tmp_path / "templates").render(letter(PAYABLE))
        return str(caught.value)

    return render


@pytest.mark.parametrize(
    "template",
    [
        "{% include 'fee_notice/subject.txt' %}{% include 'fee_notice/subject.txt' %}",
        "{% extends 'fee_notice/subject.txt' %}",
        "{% import 'fee_notice/subject.txt' as own with context %}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    ],
)
def test_a_template_that_goes_round_in_circles_is_told_by_its_file_and_line(refused: Refused, template: str) -> None:
    said = refused(template)
    assert said.startswith("templates/fee_notice/subject.txt, line 1: ")
    assert "recursion" in said.lower()


@pytest.mark.parametrize(
    "template",
    [
        "{{ range(9999) | join('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') }}",
        "{% for a in range(99999) %}{{ letter.tournament }}{% endfor %}",
        "{% set b = 'xxxxxxxxxx' %}" + "{% set b = b ~ b %}" * 16 + "{{ b }}",
    ],
)
def test_a_text_that_is_longer_than_any_email_is_stopped(refused: Refused, template: str) -> None:
    assert "more than 500,000 characters" in refused(template)


@pytest.mark.parametrize(
    "template",
    [
        "{{ letter.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ 'x'.ljust(9999999999) }}",
        "{{ 'x' * 9999999999 }}",
        "{{ letter.lines * 99999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% set a = 9 %}" + "{% set a = a * a %}" * 40,
        "{{ _('%(a)9999999999d', a=1) }}",
        "{{ '%09999999999d' % 1 }}",
        "{{ '{0.__class__}'.format(letter) }}",
        "{{ letter.tournament.upper() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ local.of.__func__.__globals__ }}",
        "{{ local.zone.key.__class__ }}",
        "{% set letter.kind = 'x' %}",
        "{{ lipsum(n=99999) }}",
        "{{ namespace(x=1) }}",
        "{{ cycler('x') }}",
        "{{ 'x' | center(9999999999) }}",
        "{{ letter | pprint }}",
        "{{ open('/etc/hostname').read() }}",
        "{% include '/etc/hostname' %}",
        "{% include '../../pyproject.toml' %}",
        "{% include './../../pyproject.toml' %}",
        "{{ 1 // 0 }}",
        "{{ letter.event_date + 1 }}",
        "{{ local.money('x', 'USD') }}",
        "{{ local.date(3) }}",
        "{{ local.nothing() }}",
    ],
)
def test_what_a_template_has_no_business_with_is_refused_by_its_file(refused: Refused, template: str) -> None:
    said = refused(template)
    assert "templates/" in said
    assert "root:" not in said


@pytest.mark.parametrize(
    "template", ["{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "{% if 1 %}" * 500 + "{% endif %}" * 500]
)
def test_a_template_too_deep_to_be_compiled_is_named(refused: Refused, template: str, tmp_path: Path) -> None:
    assert "templates/fee_notice/subject.txt, line 1: its tags or brackets are nested too deep" in refused(template)
    with pytest.raises(
        ConfigurationError,
        match=re.escape("templates/fee_notice/subject.txt, line 1: its tags or brackets are nested too deep"),
    ):
        Renderer(tmp_path / "templates").digest("fee_notice")


def test_a_translation_cannot_blow_a_value_up() -> None:
    words = NullTranslations()
    words.gettext = lambda message: message.replace("%(a)s", "%(a)9999999999s")  # type: ignore[method-assign]  # a translator's file, in short
    template = "{% trans a=1 %}{{ a }}{% endtrans %}"
    with pytest.raises(TemplateStoppedError, match="pad"):
        TemplateSandbox(DictLoader({"it.txt": template}), words, {}, escape=False).fill("it.txt", {})


def test_an_error_of_a_template_is_one_line(refused: Refused) -> None:
    assert refused("{{ 1 // 0 }}") == (
        "templates/fee_notice/subject.txt, line 1: ZeroDivisionError: integer division or modulo by zero in "
        "`{{ 1 // 0 }}`. Correct it: templates see letter, brand, brands, signature, language and local (what a "
        "letter has is in tasks/mail/letter.py)."
    )
