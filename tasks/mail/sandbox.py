"""Where templates run: they see a letter and words, and nothing of the machine; one that never ends is stopped."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import wraps
from gettext import NullTranslations
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateRuntimeError, TemplateSyntaxError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.filters import FILTERS, make_attrgetter
from jinja2.loaders import BaseLoader
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context, pass_eval_context

MAX_STEPS = 20_000
"""What one part of a letter may take: a turn of a loop or a filter, a call of a macro and each 1,000 characters written
are a step. An email to twenty children takes 3,000."""
MAX_TEXT = 500_000
"""Characters in one piece of text on the way, five times what Gmail shows of a whole email."""
MAX_BITS = 64
"""Of a whole number: a template that squares one forty times would keep the machine busy for ever."""

_FILTERS = ("default", "escape", "e", "first", "join", "last", "length", "list", "map", "safe", "upper")
_CHARACTERS_A_STEP = 1000
_MOST_KNOWN = 1000
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
    """A template took more steps or made longer texts than any email needs."""


class _Bounded(CodeGenerator):
    """Write templates as Python that counts the turns of every loop and measures every text that is put together."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802  Jinja's name
        for loop in list(node.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
        _refuse_words_beside_blocks(node, self.name, self.filename)
        super().visit_Template(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802  Jinja's name
        self.write("environment.measured(")
        super().visit_Concat(node, frame)
        self.write(")")


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
    """Compile and run the templates of one ending in one language and time zone.

    A template cannot reach Python, files or the network: it sees the letter's fields, macros and, also in what it
    imports, what is `offered`, but no method of a text or a number. Time cannot bound it, since a thread cannot be
    interrupted; steps can.
    """

    code_generator_class = _Bounded
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
        self._left: ContextVar[list[int]] = ContextVar("steps left")
        self._safe: dict[tuple[type, str], bool] = {}
        """What was asked of an attribute before: it is its object's type and its name that tell."""
        self.globals = {"_": self.globals["_"], "range": self.globals["range"], **offered}
        self.filters = {name: FILTERS[name] for name in _FILTERS} | {"counted": self.counted, "join": self._join}
        self.filters |= {name: self._counting(FILTERS[name]) for name in ("list", "map")}
        self.finalize = self._written
        words = (_unpadded(getattr(translations, name)) for name in ("gettext", "ngettext", "pgettext"))
        gettext, ngettext, pgettext = words
        install: Callable[..., None] = self.install_gettext_callables  # type: ignore[attr-defined] # the extension's
        install(gettext, ngettext, newstyle=True, pgettext=pgettext)

    def fill(self, name: str, context: dict[str, Any]) -> str:
        """Return what a template says, within its budget of steps.

        Raises:
            TemplateError: if it is missing, broken or stopped.
        """
        token = self._left.set([MAX_STEPS])
        try:
            return self.measured(self.get_template(name).render(context))
        finally:
            self._left.reset(token)

    def counted(self, values: Iterable[Any]) -> Iterator[Any]:
        """Give the values of a loop one by one, each for a step."""
        for value in values:
            self._step()
            yield value

    def measured(self, text: str) -> str:
        """Return a text, unless it is longer than any email; a long one costs steps."""
        if len(text) >= _CHARACTERS_A_STEP:
            self._check_length(len(text))
            self._step(len(text) // _CHARACTERS_A_STEP)
        return text

    def concat(self, parts: Iterable[str]) -> str:
        """Put together what a template, a macro or a block has written, unless it is longer than any email."""
        length, kept = 0, []  # not by _fitting: an email has hundreds of parts, and is put together level by level
        for part in parts:
            length += len(part)
            self._check_length(length)
            kept.append(part)
        return "".join(kept)

    def get_template(self, *args: Any, **kwargs: Any) -> Template:  # noqa: ANN401  Jinja's own signature
        """Count what a template includes, imports or extends as a step."""
        self._step()
        return super().get_template(*args, **kwargs)

    def compile(self, source: Any, name: str | None = None, filename: str | None = None, *args: Any) -> Any:  # noqa: ANN401  Jinja's own
        """Compile a template; raises TemplateSyntaxError, too, for one that is nested deeper than Python can follow."""
        try:
            return super().compile(source, name, filename, *args)
        except RecursionError as error:
            raise TemplateSyntaxError("its tags or brackets are nested too deep", 1, name, filename) from error

    def join_path(self, template: str, parent: str) -> str:
        """Take "./words.jinja" from the folder of the template that names it, so that a folder can be copied."""
        return f"{parent.rpartition('/')[0]}/{template[2:]}" if template.startswith("./") else template

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  Jinja's own
        """Count each call of a macro as a step, and measure what it is given and gives."""
        self._step()
        if isinstance(obj, LoopContext) and args:  # a recursive loop goes on with other values
            args = (self.counted(args[0]), *args[1:])
        for value in (*args, *kwargs.values()):
            if isinstance(value, str):
                self.measured(value)
        result = super().call(context, obj, *args, **kwargs)
        return self.measured(result) if isinstance(result, str) else result

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

    def _counting(self, walk: Callable[..., Any]) -> Callable[..., Any]:
        """Return a filter that walks along its values, each for a step."""

        @wraps(walk)
        def counting(context: object, values: Iterable[Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            return walk(context, self.counted(values), *args, **kwargs)

        return counting

    @pass_eval_context
    def _join(
        self, eval_ctx: EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None
    ) -> str:
        """Join as Jinja does, up to a text that is longer than any email."""
        values = value if attribute is None else map(make_attrgetter(self, attribute), value)
        texts = self._fitting(self.counted(values), len(d))
        joined: str = FILTERS["join"](eval_ctx, texts, d)
        return joined

    def _fitting(self, parts: Iterable[Any], gap: int = 0) -> Iterator[Any]:
        length = 0
        for part in parts:
            length += len(str(part)) + gap
            self._check_length(length)
            yield part

    @pass_context  # which keeps Jinja from writing out a constant once and for all, where no steps are counted
    def _written(self, _context: Context, value: object) -> object:
        """Measure what a template writes, before it is escaped and kept."""
        return self.measured(value) if isinstance(value, str) else value

    def _check_length(self, length: int) -> None:
        if length > MAX_TEXT:
            raise TemplateStoppedError(f"it makes a text of more than {MAX_TEXT:,} characters")

    def _step(self, steps: int = 1) -> None:
        budget = self._left.get(None)
        if budget is None:  # a template is compiled, not filled
            budget = [MAX_STEPS]
            self._left.set(budget)
        budget[0] -= steps
        if budget[0] < 0:
            raise TemplateStoppedError(f"it takes more than {MAX_STEPS:,} steps, so it may never end")


def _unpadded(translate: Callable[..., str]) -> Callable[..., str]:
    """Return a function of gettext that refuses words which Python's % would blow up."""

    def plain(*words: Any) -> str:  # noqa: ANN401  texts and, for a plural, a number
        found = translate(*words)
        if _PADDED.search(found):
            raise TemplateStoppedError(f"{found[:60]!r} says how to pad a value: write it as %(name)s")
        return found

    return plain
