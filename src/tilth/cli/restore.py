"""`tilth restore`: bring dropped samples back at the next run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tilth.cli.terminal import Json, emit, say


def command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    what: Annotated[str | None, typer.Argument(help="A place or an id.")] = None,
    reason: Annotated[str | None, typer.Option(help="All samples that left for this reason.")] = None,
    json: Json = False,
) -> None:
    """Exempt samples from the verdict of the step that sent them away; takes effect at the next run.

    Example: tilth restore runs/demo --reason near_duplicate
    """
    from tilth.engine import restore

    events = restore(run, what, reason)
    if json:
        emit({"restored": [{"place": e["place"], "step": e["step"]} for e in events]})
        return
    for event in events[:20]:
        say(f"{event['place']}: exempt from {event['step']}")
    count = len({event["place"] for event in events})
    say(f"{count} sample(s) go on at the next `tilth run`. Later steps judge them as they judge any other.")
