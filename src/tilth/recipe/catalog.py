"""Everything a recipe may name, from the signatures themselves."""

from __future__ import annotations

import inspect
from typing import Any

from tilth.errors import NotFoundError, did_you_mean
from tilth.formats import FORMATS
from tilth.operators.base import OPERATORS, Operator
from tilth.recipe.check import shipped_names, shipped_text
from tilth.recipe.schema import Recipe
from tilth.registry import load_entry_points


def catalog(what: str) -> Any:
    """A list of `{name, about}` for `operators`, `formats` or `recipes`; the JSON Schema; or one operator's page.

    Raises:
        NotFoundError: there is no such list or operator.
    """
    load_entry_points()
    if what == "operators":
        return [{"name": name, "about": op.help} for name, op in OPERATORS]
    if what == "formats":
        return [{"name": name, "about": fmt.help} for name, fmt in FORMATS]
    if what == "recipes":
        return shipped()
    if what == "schema":
        return json_schema()
    if what in OPERATORS:
        return page(OPERATORS.get(what))
    hint = did_you_mean(what, [*OPERATORS.names(), "operators", "formats", "recipes", "schema"])
    raise NotFoundError(
        f"there is no list or operator '{what}'.", hint or "Known lists: operators, formats, recipes, schema."
    )


def shipped() -> list[dict[str, str]]:
    """The shipped recipes with the first line of their comment."""
    return [
        {"name": name, "about": shipped_text(name).split("\n")[0].lstrip("# ")} for name in shipped_names()
    ]


def page(op: Operator) -> dict[str, Any]:
    """One operator: help, details, settings with type and default, examples."""
    details = (inspect.getdoc(op.target) or "").partition("\n")[2].strip()
    schema = op.settings.model_json_schema()
    settings = [
        {
            "name": name,
            "type": _type(schema["properties"][name]),
            "required": field.is_required(),
            "default": None if field.is_required() else field.get_default(call_default_factory=True),
        }
        for name, field in op.settings.model_fields.items()
    ]
    found = {"name": op.name, "about": op.help, "kind": op.kind, "version": op.version, "details": details}
    return {**found, "settings": settings, "examples": list(op.examples)}


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " | ".join(_type(option) for option in schema["anyOf"])
    if schema.get("type") == "array" and "items" in schema:
        return f"list of {_type(schema['items'])}"
    return str(schema.get("type", "any"))


def json_schema() -> dict[str, Any]:
    """The recipe's JSON Schema for editors; each operator's settings are in it."""
    schema = Recipe.model_json_schema(by_alias=True)
    steps: list[dict[str, Any]] = [{"enum": OPERATORS.names()}]
    for name, op in OPERATORS:
        settings = op.settings.model_json_schema()
        one = {"type": "object", "description": op.help, "properties": {name: settings}, "required": [name]}
        steps.append({**one, "additionalProperties": False})
    schema["$defs"]["Data"]["properties"]["steps"] = {"type": "array", "items": {"anyOf": steps}}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
