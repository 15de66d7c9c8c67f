"""Every command that the runbook and the README name is one that there is, with the options that it has."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from deployments.cli.__main__ import app
from tasks.prefect_tasks.alerts import ALERTS

ROOT = Path(__file__).parents[3]
PAGES = ("README.md", "deployments/README.md")
VERBS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined] # a group
TARGET = re.compile(r"^([\w./-]+):(?!=)", re.MULTILINE)
FILE = re.compile(r"\b(?:sql|deployments|tasks|templates)/[\w./-]*\w")


def code(page: str) -> Iterator[str]:
    """Every line of an indented block, and every span of code, without what a comment says."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("    "):
            yield line.partition(" #")[0].strip()
    yield from re.findall(r"`([^`\n]+)`", text)


def commands() -> list[str]:
    """What follows the program's name wherever a page names a verb of it."""
    lines = (line.partition("deployments.cli ")[2] for page in PAGES for line in code(page))
    return sorted({line.partition(" && ")[0] for line in lines if line and not line.startswith("-")})


@pytest.mark.parametrize("line", commands())
def test_a_verb_is_there_and_takes_what_it_is_given(line: str) -> None:
    verb, *given = shlex.split(line)
    assert verb in VERBS
    command = VERBS[verb]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    named = [word for word in given if word.startswith("-")]
    assert set(named) <= options
    if given != named:  # a whole command: nothing that it needs is missing, and each value is such as the verb takes
        command.make_context(verb, [_as_it_is(word) for word in given])


def _as_it_is(word: str) -> str:
    """Let a file that only an operator has be one that is here."""
    return str(ROOT / "README.md") if word == "mail.log" else word


@pytest.mark.parametrize("page", PAGES)
def test_a_target_of_make_is_there(page: str) -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    named = {found for line in code(page) for found in re.findall(r"^make ([\w./-]+)", line)}
    assert named - targets == set()
    assert named


@pytest.mark.parametrize("page", PAGES)
def test_a_file_is_there(page: str) -> None:
    named = {  # but for examples of what a club adds itself: a brand, a language
        file for line in code(page) for file in FILE.findall(line) if "red-rock" not in file and "/fr/" not in file
    }
    assert [file for file in named if not (ROOT / file).exists()] == []


def test_every_verb_is_told_of_somewhere() -> None:
    words = " ".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    assert [verb for verb in VERBS if not re.search(rf"\b{verb}\b", words)] == []


def test_every_alert_is_explained() -> None:
    runbook = (ROOT / "deployments" / "README.md").read_text(encoding="utf-8")
    assert "\n| a run failed |" in runbook
    for alert in ALERTS:
        (row,) = re.findall(rf"^\| {alert.title} \|.*$", runbook, re.MULTILINE)
        named = set(re.findall(r"[a-z]+-[a-z-]+[a-z]", alert.what_to_do))
        assert named <= set(re.findall(r"`([a-z-]+)`", row)), "both name the same flows and verbs"


def anchor(heading: str) -> str:
    """What a heading is linked as."""
    return re.sub(r"[^\w -]", "", heading.lstrip("# ").lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    anchors = {anchor(line) for line in text.splitlines() if line.startswith("#")}
    for target in re.findall(r"\]\((?!http)([^)]+)\)", text):
        file, _, part = target.partition("#")
        assert (ROOT / page).parent.joinpath(file).exists(), target
        assert file or part in anchors, target
