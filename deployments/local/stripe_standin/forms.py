"""Stripe's form encoding: `a[b][0]=c` read into nested dictionaries."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from deployments.local.stripe_standin.errors import invalid

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_SEGMENT = re.compile(r"\[([^\[\]]*)\]")
_MAX_FIELDS = 1000
_MAX_DEPTH = 8


def parse_form(encoded: str) -> dict[str, Any]:
    """Read a query string or form body; arrays come out as dictionaries with their indices as keys.

    `a[]=x&a[]=y` numbers the members itself. Raises StripeError for brackets that do not match, a name given twice, a
    name used both as a value and as a map, and text that is not UTF-8.
    """
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError as problem:
        raise invalid(f"Invalid request body: {problem}") from problem
    tree: dict[str, Any] = {}
    for name, value in pairs:
        _insert(tree, name, _segments(name), value)
    return tree


def bracketed(path: tuple[str | int, ...]) -> str:
    """Return a path as Stripe writes it: `line_items[0][price_data]`."""
    head, *rest = [str(part) for part in path]
    return head + "".join(f"[{part}]" for part in rest)


def _segments(name: str) -> list[str]:
    match = _NAME.fullmatch(name)
    if match is None:
        msg = f"Invalid parameter name: {name}. Parameter names and map keys cannot contain square brackets."
        raise invalid(msg, param=name.partition("[")[0] or None)
    segments = [match[1], *_SEGMENT.findall(match[2])]
    if len(segments) > _MAX_DEPTH:
        raise invalid(f"Invalid parameter name: {name} is nested too deeply.", param=match[1])
    return segments


def _insert(tree: dict[str, Any], name: str, segments: list[str], value: str) -> None:
    node = tree
    for segment in segments[:-1]:
        child = node.setdefault(segment or str(len(node)), {})
        if not isinstance(child, dict):
            raise invalid(f"Invalid parameters: {name} is used both as a value and as a map.", param=segments[0])
        node = child
    last = segments[-1] or str(len(node))
    if last in node:
        raise invalid(f"Invalid parameters: {name} was given twice.", param=segments[0])
    node[last] = value
