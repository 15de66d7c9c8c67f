"""Where templates run: Jinja's own sandbox, with the filters and words that a letter needs."""

import re
from collections.abc import Callable, Mapping
from gettext import NullTranslations
from typing import Any

from jinja2 import StrictUndefined, TemplateRuntimeError, TemplateSyntaxError, nodes
from jinja2.filters import FILTERS
from jinja2.loaders import BaseLoader
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_TEXT = 500_000
"""Characters of one part of a letter, five times what Gmail shows of a whole email."""
MAX_BITS = 64
"""Of a whole number: a template that squares one forty times would keep the machine busy for ever."""

_FILTERS = ("default", "escape", "e", "first", "join", "last", "length", "list", "map", "safe", "upper")
_MOST_KNOWN = 1000
_compiled: dict[tuple[bool, str | None, str | None, str], Any] = {}
"""Templates as Python's code, by whether it escapes, by name, file and source."""
# How Python's % would pad a translated text, as in %(name)99999s; what may follow a name is the kind of value.
_PADDED = re.compile(r"%\([^)]*\)[^a-zA-Z%]")
_PLAIN = (str, bytes, int, float, list, tuple, dict)
_BESIDE_BLOCKS = (
    nodes.Extends,
    nodes.Block,
    nodes.Import,
    nodes.FromImport,
    nodes.Macro,
    nodes.Assign,
    nodes.AssignBlock,
)


class TemplateStoppedError(TemplateRuntimeError):
    """A template makes something that no email needs: a text too long, a number too large."""


def _refuse_words_beside_blocks(template: nodes.Template, name: str | None, file: str | None) -> None:
    """Refuse what Jinja leaves out without a word: text that a template has beside the blocks of the one it extends."""
    if template.find(nodes.Extends) is None:
        return
    for node in template.body:
        blank = isinstance(node, nodes.Output) and all(
            isinstance(part, nodes.TemplateData) and not part.data.strip() for part in node.nodes
        )
        if not blank and not isinstance(node, _BESIDE_BLOCKS):
            said = "What stands outside the blocks of a template that extends another is never shown"
            raise TemplateSyntaxError(said, node.lineno, name, file)


class TemplateSandbox(ImmutableSandboxedEnvironment):
    """Compile and run the templates of one file extension in one language and time zone.

    A template cannot reach Python, files or the network: it sees the letter's fields, macros and, also in what it
    imports, what is `offered`, but no method of a text or a number.
    """

    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def __init__(
        self, loader: BaseLoader, translations: NullTranslations, offered: Mapping[str, object], *, escape: bool
    ) -> None:
        super().__init__(
            loader=loader,
            undefined=StrictUndefined,
            autoescape=escape,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self.policies["ext.i18n.trimmed"] = True
        self._safe: dict[tuple[type, str], bool] = {}
        """What was asked of an attribute before: it is its object's type and its name that tell."""
        self.globals = {"_": self.globals["_"], "range": self.globals["range"], **offered}
        self.filters = {name: FILTERS[name] for name in _FILTERS}
        words = (_unpadded(getattr(translations, name)) for name in ("gettext", "ngettext", "pgettext"))
        gettext, ngettext, pgettext = words
        install: Callable[..., None] = self.install_gettext_callables  # type: ignore[attr-defined] # the extension's
        install(gettext, ngettext, newstyle=True, pgettext=pgettext)

    def fill(self, name: str, context: dict[str, Any]) -> str:
        """Return what a template says.

        Raises:
            TemplateError: if it is missing or broken, or says more than MAX_TEXT characters.
        """
        length, pieces = 0, []
        for piece in self.get_template(name).generate(context):
            length += len(piece)
            if length > MAX_TEXT:
                raise TemplateStoppedError(f"it makes a text of more than {MAX_TEXT:,} characters")
            pieces.append(piece)
        return "".join(pieces)

    def compile(self, source: Any, name: str | None = None, filename: str | None = None, *args: Any) -> Any:  # noqa: ANN401  Jinja's own
        """Compile a template, once for all languages and time zones: these are looked up when it runs.

        Raises TemplateSyntaxError, too, for words that it would never show, and for one that is nested deeper than
        Python can follow.
        """
        if args or not isinstance(source, str):  # not as a loader asks
            return super().compile(source, name, filename, *args)
        key = (bool(self.autoescape), name, filename, source)
        if known := _compiled.get(key):
            return known
        if len(_compiled) >= _MOST_KNOWN:
            _compiled.clear()
        try:
            template = self.parse(source, name, filename)
            _refuse_words_beside_blocks(template, name, filename)
            return _compiled.setdefault(key, super().compile(template, name, filename))
        except RecursionError as error:
            raise TemplateSyntaxError("its tags or brackets are nested too deep", 1, name, filename) from error

    def join_path(self, template: str, parent: str) -> str:
        """Take "./words.jinja" from the folder of the template that names it, so that a folder can be copied."""
        return f"{parent.rpartition('/')[0]}/{template[2:]}" if template.startswith("./") else template

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401  Jinja's own
        """Let numbers be added, multiplied and divided; texts are joined with ~ alone, and nothing is repeated."""
        if operator == "**" or not (isinstance(left, int) and isinstance(right, int)):
            raise TemplateStoppedError(f"{operator} is for whole numbers alone (join texts with ~)")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int) and result.bit_length() > MAX_BITS:
            raise TemplateStoppedError(f"{operator} makes a number of more than {MAX_BITS} bits")
        return result

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401  Jinja's own
        """Hide the methods of texts, numbers and lists: "x".ljust(9999999999) is a loop in disguise."""
        known = self._safe.get((type(obj), attr))
        if known is None:
            known = not isinstance(obj, _PLAIN) and super().is_safe_attribute(obj, attr, value)
            if len(self._safe) < _MOST_KNOWN:
                self._safe[type(obj), attr] = known
        return known


def _unpadded(translate: Callable[..., str]) -> Callable[..., str]:
    """Return a function of gettext that refuses words which Python's % would blow up."""

    def plain(*words: Any) -> str:  # noqa: ANN401  texts and, for a plural, a number
        found = translate(*words)
        if _PADDED.search(found):
            raise TemplateStoppedError(f"{found[:60]!r} says how to pad a value: write it as %(name)s")
        return found

    return plain
