"""Stripe's published OpenAPI document, as JSON schemas: for the objects of the stand-in, and for requests to it."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator

DOCUMENT = json.loads((Path(__file__).parents[1] / "standin" / "stripe_openapi.json").read_text(encoding="utf-8"))
Json = Any


def as_json_schema(node: Json, name: str = "") -> Json:
    """Translate OpenAPI 3.0: nullable becomes anyOf null, and an object has no members but those it lists."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    schema = {key: as_json_schema(value, key) for key, value in node.items() if key != "nullable"}
    if name == "properties":
        return schema
    if schema.get("type") == "object" and "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") is True else schema


COMPONENTS = as_json_schema(DOCUMENT["components"])


def check_object(kind: str, value: Json) -> None:
    """Fail unless a value is an object of this kind as Stripe publishes it."""
    problems = [f"{error.instance_path}: {error.message}" for error in _object_validator(kind).iter_errors(value)]
    assert not problems


def check_request(method: str, path: str, parameters: dict[str, Json]) -> None:
    """Fail unless a request is to an endpoint of Stripe's with parameters that it publishes, as a form has them."""
    validator = _validator(method, _endpoint(method, path))
    typed = _typed(parameters, validator.schema)
    problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(typed)]
    assert not problems, f"{method} {path}: {problems}"


def _endpoint(method: str, path: str) -> str:
    for template, methods in DOCUMENT["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in methods:
            return str(template)
    raise AssertionError(f"Stripe has no endpoint {method} {path}")


@cache
def _object_validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": f"#/components/schemas/{kind}", "components": COMPONENTS})


@cache
def _validator(method: str, template: str) -> Draft202012Validator:
    return Draft202012Validator(as_json_schema(dict(_parameters(DOCUMENT["paths"][template][method.lower()], method))))


def _parameters(endpoint: Json, method: str) -> Iterator[tuple[str, Json]]:
    if method == "GET":
        queried = [parameter for parameter in endpoint["parameters"] if parameter["in"] == "query"]
        yield "type", "object"
        yield "properties", {parameter["name"]: parameter["schema"] for parameter in queried}
        yield "required", [parameter["name"] for parameter in queried if parameter["required"]]
    else:
        yield from endpoint["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"].items()


def _typed(value: Json, schema: Json) -> Json:
    """Read a form's texts as what the schema wants; what cannot be read so is left, and refused by the schema."""
    for option in schema.get("anyOf", []):
        read = _typed(value, option)
        if Draft202012Validator(option).is_valid(read):
            return read
    match schema.get("type"), value:
        case "integer", str() if re.fullmatch(r"-?\d+", value):
            return int(value)
        case "boolean", "true" | "false":
            return value == "true"
        case "array", dict() if set(value) == {str(index) for index in range(len(value))}:
            return [_typed(value[str(index)], schema.get("items", {})) for index in range(len(value))]
        case "object", dict():
            members = schema.get("properties", {})
            return {name: _typed(member, members.get(name, {})) for name, member in value.items()}
    return value
