"""`tilth show`: the samples behind a door, or a data file, as a table."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from tilth.cli.terminal import Json, emit, note, say, table


def command(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN|SOURCE", help="A run folder; a file, a folder or an address of data."),
    ],
    door: Annotated[str | None, typer.Option(help="kept, dropped, quarantined or held.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    limit: Annotated[int, typer.Option(help="How many; 0 shows all.", min=0)] = 20,
    format_: Annotated[str | None, typer.Option("--format", help="Of a source; detected by default.")] = None,
    encoding: Annotated[str, typer.Option(help="Of a source's text files.")] = "utf-8",
    page: Annotated[str | None, typer.Option(help="Of a web page: article, list or thread.")] = None,
    json: Json = False,
) -> None:
    """Show samples as a question/answer table.

    Example: tilth show runs/demo --door dropped --reason near_duplicate
    """
    from tilth.engine import preview, show
    from tilth.errors import UserError

    is_run = (Path(run) / "run.json").exists()
    hinted = not is_run and encoding == "utf-8"
    try:
        lines = show(run, door, reason) if is_run else preview(run, format_, encoding, page)
        rows = list(islice(lines, limit or None))
    except UserError:
        if hinted:
            _hint(Path(run))
        raise
    if hinted and any("error" in row for row in rows):
        _hint(Path(run))
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


def _hint(path: Path) -> None:
    from tilth.sources.layout import encoding_hint

    if path.is_file() and (hint := encoding_hint(str(path))):
        note(f"tilth: {hint}".replace("set `encoding: ", "say `--encoding "))


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
