"""Field types of Stripe's form-encoded parameters: every value arrives as text, a list as a map of indices."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
METADATA_KEYS, _METADATA_KEY_LENGTH, _METADATA_VALUE_LENGTH = 50, 40, 500
_URL_LENGTH = 5000


def refuse(code: str, message: str, name: str | None = None) -> PydanticCustomError:
    """Return the refusal of one value; `{param}` in the message stands for the parameter's bracketed name."""
    return PydanticCustomError("stripe", "refused", {"code": code, "message": message, "name": name})


def _integer(raw: object) -> int:
    if isinstance(raw, str) and _INTEGER.fullmatch(raw):
        return int(raw)
    raise refuse("parameter_invalid_integer", f"Invalid integer: {raw}")


def _boolean(raw: object) -> bool:
    if raw in {"true", "false"}:
        return bool(raw == "true")
    raise refuse("parameter_invalid_boolean", f"Invalid boolean: {raw}")


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise refuse("parameter_invalid_string", "Invalid string: {param} is a map")
    if not raw:
        msg = (
            "You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; "
            "however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty "
            "value."
        )
        raise refuse("parameter_invalid_empty", msg)
    return raw


def _list(raw: object) -> list[Any]:
    if not isinstance(raw, dict) or set(raw) != {str(index) for index in range(len(raw))}:
        raise refuse("parameter_invalid_array", "Invalid array: {param} must be numbered from 0 without gaps")
    return [raw[str(index)] for index in range(len(raw))]


def _metadata_map(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict) or any(isinstance(value, dict) for value in raw.values()):
        raise refuse("parameter_invalid_map", "Invalid metadata: {param} must be a map of strings")
    if len(raw) > METADATA_KEYS:
        raise refuse("metadata_too_many_keys", too_many_keys(len(raw)))
    for key, value in raw.items():
        if len(key) > _METADATA_KEY_LENGTH:
            msg = f"Metadata keys must be under {_METADATA_KEY_LENGTH} characters. You provided an invalid key: {key}"
            raise refuse("metadata_key_too_long", msg)
        if len(value) > _METADATA_VALUE_LENGTH:
            msg = (
                f"Metadata values can have up to {_METADATA_VALUE_LENGTH} characters, but you passed in a value that "
                f"is {len(value)} characters. Invalid value: {value[:40]}..."
            )
            raise refuse("metadata_value_too_long", msg)
    return raw


def _metadata(raw: object) -> dict[str, str]:
    # An empty value unsets its key, so that it never comes into being here.
    return {} if raw == "" else {key: value for key, value in _metadata_map(raw).items() if value}


def _metadata_change(raw: object) -> dict[str, str] | None:
    return None if raw == "" else _metadata_map(raw)


def too_many_keys(count: int) -> str:
    """Return the words of the refusal of that many keys."""
    return f"Metadata can only have up to {METADATA_KEYS} keys, you have provided {count}."


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or " " in value or len(value) > _URL_LENGTH:
        raise refuse("url_invalid", "Not a valid URL")
    return value


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise refuse("email_invalid", f"Invalid email address: {value}")
    return value


def at_most(length: int) -> AfterValidator:
    """Refuse text of more than `length` characters."""

    def check(value: str) -> str:
        if len(value) > length:
            raise refuse("parameter_invalid_string", f"Invalid string: must be at most {length} characters")
        return value

    return AfterValidator(check)


def at_least(minimum: int) -> AfterValidator:
    """Refuse an integer below `minimum`."""

    def check(value: int) -> int:
        if value < minimum:
            message = f"This value must be greater than or equal to {minimum}."
            raise refuse("parameter_invalid_integer", message)
        return value

    return AfterValidator(check)


def _unset_or(raw: object, check: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - whatever the check returns
    return None if raw == "" else check(raw)


def one_of(*allowed: str) -> AfterValidator:
    """Refuse text that is none of the allowed values."""

    def check(value: str) -> str:
        if value not in allowed:
            raise refuse("parameter_invalid_enum", f"Invalid {{param}}: must be one of {', '.join(allowed)}")
        return value

    return AfterValidator(check)


Integer = Annotated[int, BeforeValidator(_integer)]
Boolean = Annotated[bool, BeforeValidator(_boolean)]
Text = Annotated[str, BeforeValidator(_text)]
Url = Annotated[str, BeforeValidator(_text), AfterValidator(_url)]
Email = Annotated[str, BeforeValidator(_text), AfterValidator(_email)]
Metadata = Annotated[dict[str, str], BeforeValidator(_metadata)]
Listed = BeforeValidator(_list)
# Of an update: what is added and, by an empty value, taken away; None takes all away.
MetadataChange = Annotated[dict[str, str] | None, BeforeValidator(_metadata_change)]
Unsettable = WrapValidator(_unset_or)  # an empty value unsets, and reads as None
