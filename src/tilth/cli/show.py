"""`tilth show`: the samples behind a door, or a data file, as a table."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from tilth.cli.terminal import Json, emit, say, table


def command(
    run: Annotated[Path, typer.Argument(help="A run folder, or a data file.")],
    door: Annotated[str | None, typer.Option(help="kept, dropped, quarantined or held.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    limit: Annotated[int, typer.Option(help="How many; 0 shows all.", min=0)] = 20,
    json: Json = False,
) -> None:
    """Show samples as a question/answer table.

    Example: tilth show runs/demo --door dropped --reason near_duplicate
    """
    from tilth.engine import preview, show

    lines = show(run, door, reason) if run.is_dir() and (run / "run.json").exists() else preview(run)
    rows = list(islice(lines, limit or None))
    if json:
        emit(rows)
    elif not rows:
        say(
            f"{run}: nothing behind {f'the door {door}' if door else 'any door'}{f' for {reason}' if reason else ''}"
        )
    else:
        table("", ("place", "why", "question", "answer"), [_row(row) for row in rows])
        if limit and len(rows) == limit:
            say(f"The first {limit}; see more with --limit.")


def _row(line: dict[str, Any]) -> tuple[str, str, str, str]:
    why = line.get("reason") or line.get("error") or line.get("split") or ""
    sample = line.get("sample")
    if sample is None:
        return line["place"], why, _short(line.get("raw", "(bytes that are no UTF-8)")), ""
    said = {m["role"]: m["content"] for m in reversed(sample["messages"])}
    return line["place"], why, _short(said.get("user", "")), _short(said.get("assistant", ""))


def _short(text: str, limit: int = 60) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
