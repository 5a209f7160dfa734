"""`tilth list`: everything a recipe may name."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tilth.cli.terminal import Json, emit, say, table


def command(
    what: Annotated[
        str, typer.Argument(help="operators, formats, recipes or schema, or an operator.")
    ] = "operators",
    json: Json = False,
) -> None:
    """List operators, formats and recipes, or show one operator with its settings.

    Example: tilth list filter.length
    """
    from tilth.recipe.catalog import catalog

    found = catalog(what)
    if json or what == "schema":
        emit(found)
    elif isinstance(found, list):
        table("", ("name", "what it does"), [(row["name"], row["about"]) for row in found])
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    say(f"{found['name']}: {found['about']}")
    if found["details"]:
        say(found["details"])
    for setting in found["settings"]:
        default = "required" if setting["required"] else f"default {setting['default']}"
        say(f"  {setting['name']}: {setting['type']}, {default}")
    for example in found["examples"]:
        say(f"  {example}")
