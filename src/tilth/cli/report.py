"""`tilth report`: the facts behind the data report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tilth.cli.terminal import Json, emit, note, say, table

_KINDS = {"over": "over-represented", "under": "under-represented", "lost": "lost most of its samples"}


def command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    json: Json = False,
) -> None:
    """Show leaks, sides, moves and topics of a run, and where its report lies.

    Example: tilth report runs/demo
    """
    from tilth.engine.coverage import represented
    from tilth.errors import FolderError
    from tilth.store.files import read_json
    from tilth.store.folder import RunFolder

    folder = RunFolder(run)
    status = folder.read_run()["status"]
    if not (folder.report / "data.json").exists():
        raise FolderError(f"{run} has no report yet.", "Run the same `tilth run` again to go on.")
    facts = read_json(folder.report / "data.json")
    if json:
        emit(facts)
        return
    if status in ("running", "failed"):
        note(f"tilth: this run is {status}; what follows may not be the whole of it.")
    say(str(folder.report / "data.html"))
    say("  ".join(f"{side}: {count}" for side, count in facts["splits"].items()))
    say(f"{len(facts['leaks'])} question(s) leak" if facts["leaks"] else "No question leaks.")
    for leak in facts["leaks"]:
        say(
            f"  {leak['question']}\n    stands at {leak['place']} ({leak['split']}), similarity {leak['similarity']:.2f}"
        )
    if facts["coverage"]:
        rows = [(row["topic"], row["before"], row["after"]) for row in facts["coverage"]]
        table("", ("topic", "before", "after"), rows, numbers=(1, 2))
        for kind, found in represented(facts["coverage"]).items():
            if found:
                named = ", ".join(f"{row['topic']} ({row['times']}×)" for row in found)
                say(f"{_KINDS[kind]}: {named}")
