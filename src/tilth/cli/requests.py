"""`tilth requests`: the answers of models that were paid for, kept beside the recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tilth.cli.terminal import Json, emit, note, say, table


def command(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or the folder it lies in.")],
    export: Annotated[
        Path | None, typer.Option("--export", "-o", help="Write the answers to this file.")
    ] = None,
    load: Annotated[Path | None, typer.Option("--import", help="Take in a file of answers.")] = None,
    json: Json = False,
) -> None:
    """Show, export or import the answers of models, so that a run can be replayed with --offline.

    Example: tilth requests recipe.yaml --export requests.jsonl
    """
    from tilth.errors import NotFoundError
    from tilth.models.requests import FILE, RequestStore
    from tilth.store.files import write_jsonl

    folder = recipe if recipe.is_dir() else recipe.parent
    if not (folder / FILE).exists() and load is None:
        raise NotFoundError(
            f"there are no answers in {folder / FILE}.", "They are kept when a recipe asks a model."
        )
    if load is not None and not load.is_file():
        raise NotFoundError(f"there is no file {load}.", "Make one with: tilth requests RECIPE --export FILE")
    store = RequestStore(folder / FILE)
    try:
        if load is not None:
            note(f"tilth: {store.load(load)} answers are new")
        if export is not None:
            note(f"tilth: {write_jsonl(export, store.export())} answers are in {export}")
        rows = list(store.models())
    finally:
        store.close()
    if json:
        emit({"file": str(folder / FILE), "models": rows})
        return
    say(f"{folder / FILE}")
    table(
        "", ("model", "requests", "tokens in", "tokens out"), [list(row.values()) for row in rows], (1, 2, 3)
    )
