"""`tilth status`: where a run stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tilth.cli.terminal import Json, counts_line, emit, say, table


def command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    json: Json = False,
) -> None:
    """Show where a run stands: status, counts, steps.

    Example: tilth status runs/brain-teasers
    """
    from tilth.store.folder import RunFolder
    from tilth.store.lock import is_locked

    found = RunFolder(run).read_run()
    if json:
        emit(found)
        return
    status = found["status"]
    if status == "running" and not is_locked(run):
        status = "interrupted; run the same `tilth run` again to go on"
    say(f"{run}: {status}{': ' + found['reason'] if found.get('reason') else ''}")
    if found["steps"]:
        show_run(found)


def show_run(found: dict[str, Any]) -> None:
    """Counts and steps as tables."""
    say(counts_line(found["counts"]))
    say("  ".join(f"{side}: {count}" for side, count in found["splits"].items()))
    columns = ("step", "taken", "made", "changed", "proposed", "dropped", "quarantined", "held", "why")
    rows = [
        (
            s["name"],
            *(s[c] for c in columns[1:-1]),
            ", ".join(f"{reason} {n}" for reason, n in s["reasons"].items()),
        )
        for s in found["steps"]
    ]
    table("", columns, rows, numbers=range(1, 8))
