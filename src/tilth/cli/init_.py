"""`tilth init`: a recipe to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tilth.cli.terminal import Json, emit, note, say


def command(
    data: Annotated[
        str | None, typer.Argument(help="Your data: a file, a folder, or hf:// and ms:// addresses.")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="A shipped recipe to start from; chosen by the data where it is left out."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder (or .yaml file) to write.")] = Path(),
    list_: Annotated[bool, typer.Option("--list", help="List the shipped recipes.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing recipe.")] = False,
    json: Json = False,
) -> None:
    """Write a recipe for your data, or list the shipped ones.

    Example: tilth init raw.jsonl --recipe ruozhiba
    """
    from tilth.recipe.catalog import shipped
    from tilth.recipe.start import init

    if list_:
        rows = shipped()
        if json:
            emit(rows)
        else:
            say("\n".join(f"{row['name']:<12} {row['about']}" for row in rows))
        return
    found = init(data, recipe, out, force)
    if json:
        emit(found)
        return
    if found["format"]:
        say(f"{data}: {found['format']}")
    if found["note"]:
        note(found["note"])
    say(f"Wrote {found['recipe']}. Next: tilth run {found['recipe']}")
