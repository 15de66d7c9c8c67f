"""What is wrong with what was given to a form or a flow, in words: what pydantic says is for who writes the code."""

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

Names = Mapping[str, Collection[str]]
"""What can be given, each with the fields of the form that it takes."""

UNKNOWN = {"unexpected_keyword_argument", "extra_forbidden"}
MISSING = {"missing_argument", "missing_keyword_only_argument", "missing"}
"""pydantic's names for them."""

MOST_TOLD = 3
MOST_NAME = 50
"""Problems in a line, and characters of a name that somebody made up."""


def wrong_words(error: ValidationError, names: Names) -> str:
    """Say in a line what is wrong with what was given, by name and without its value."""
    problems = error.errors(include_input=False, include_context=False, include_url=False)
    said = [_problem(problem, names) for problem in problems[:MOST_TOLD]]
    more = len(problems) - len(said)
    return "; ".join([*said, f"and {more} more"] if more else said)


def _problem(problem: ErrorDetails, names: Names) -> str:
    *form, name = map(_shown, problem["loc"])
    place = ".".join([*form, name])
    if problem["type"] in MISSING:
        return f"{place} is missing"
    if problem["type"] not in UNKNOWN:
        return f"{place}: {problem['msg']}"
    there = names.get(form[0], ()) if form else names
    meant = _meant(name, names, form)
    guess = f" (did you mean '{meant}'?)" if meant else ""
    among = f"{guess} among {', '.join(there)}" if there else ", nor any other"
    return f"there is no '{place}'{among}"


def _shown(name: object) -> str:
    """Write a name that anybody may have made up so that it is one word, and no link to anywhere."""
    return re.sub(r"[^\w-]", "?", str(name)[:MOST_NAME])


def _meant(name: str, names: Names, form: Sequence[str]) -> str:
    """Return what is written most like an unknown name; nothing where nothing is like it."""
    places = {field: f"{one}.{field}" for one, fields in names.items() for field in fields}
    places |= {one: one for one in names}
    places |= {field: f"{one}.{field}" for one in form for field in names.get(one, ())}
    like = get_close_matches(name.casefold().replace("-", "_"), places, 1)
    return places[like[0]] if like else ""
