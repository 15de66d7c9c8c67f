"""Rules between the fields of a form, said once: Prefect refuses what breaks them before a run starts, and we after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tasks.core.errors import ConfigurationError
from tasks.core.form_errors import wrong_words

Schema = Mapping[str, Any]

ON: Schema = {"const": True}
SOME: Schema = {"minItems": 1}
A_NAME: Schema = {"type": "string", "pattern": r"\S"}
A_LINE: Schema = {"type": "string", "pattern": r"^[^\x00-\x1f]*[^\x00-\x20][^\x00-\x1f]*$"}
A_NUMBER: Schema = {"type": "integer", "minimum": 1}


@dataclass(frozen=True)
class Rule:
    """What is expected of a form that is as `where` says; the words end in "was expected"."""

    where: Schema
    expects: Schema
    words: str

    def broken(self) -> Schema:
        """Return the schema of the forms that break it."""
        return {"allOf": [self.where, {"not": self.expects}]}


def has(**fields: Schema) -> Schema:
    """Describe a form in which each of these fields is there and is so."""
    return {"properties": fields, "required": list(fields)}


def either(*forms: Schema) -> Schema:
    """Describe a form that is as one of these says."""
    return {"anyOf": list(forms)}


def both(*forms: Schema) -> Schema:
    """Describe a form that is as all of these say."""
    return {"allOf": list(forms)}


def no(form: Schema) -> Schema:
    """Describe a form that is not so."""
    return {"not": form}


def expecting(value: Schema, words: str) -> dict[str, Any]:
    """Describe one field's value so that Prefect tells what was expected, in words."""
    return {"if": dict(value), "then": {}, "else": {"const": words}}


class Form(BaseModel):
    """What a person can choose; nothing else is taken, and nothing that breaks the rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rules: ClassVar[Sequence[Rule]] = ()
    renamed: ClassVar[Mapping[str, str]] = {}
    """Fields' earlier names, each with the one of today: runs and schedules keep what they were stored with."""

    @model_validator(mode="before")
    @classmethod
    def _take_earlier_names(cls, given: Any) -> Any:  # noqa: ANN401  whatever was given
        """Read a field under its earlier name, unless it is there under both: then the earlier one is unknown."""
        if not isinstance(given, Mapping):
            return given
        today = {name: cls.renamed.get(name, name) for name in given}
        return {name if today[name] in given else today[name]: value for name, value in given.items()}

    def check(self) -> None:
        """Raise one ConfigurationError for the first rule that is broken, however the choice came here."""
        chosen = self.model_dump(mode="json")
        for rule in self.rules:
            if Draft202012Validator(rule.broken()).is_valid(chosen):
                raise ConfigurationError(f"{rule.words[0].upper()}{rule.words[1:]} was expected: nothing was done")

    @classmethod
    def read(cls, **chosen: object) -> Self:
        """Check what was chosen at a terminal; raises a ConfigurationError that says in a line what is wrong."""
        try:
            form = cls.model_validate(chosen)
        except ValidationError as error:
            raise ConfigurationError(wrong_words(error, dict.fromkeys(cls.model_fields, ()))) from None
        form.check()
        return form

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Write the rules for Prefect, which tells the words of one that is broken, and the fields' order.

        JSON Schema has no words for a broken rule, but a constant that was expected is told. The UI would draw a bare
        `allOf` as alternatives, so it stands under a condition that always holds.
        """
        schema = handler.resolve_ref_schema(handler(core))
        for position, name in enumerate(cls.model_fields):
            schema["properties"][name]["position"] = position  # Prefect keeps no order of the fields but this
        rules = [{"if": rule.broken(), "then": {"const": rule.words}} for rule in cls.rules]
        return {**schema, "if": {}, "then": {"allOf": rules}} if rules else schema
