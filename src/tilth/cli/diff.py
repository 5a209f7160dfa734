"""`tilth diff`: what two runs say differently."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tilth.cli.terminal import Json, emit, say


def command(
    run_a: Annotated[Path, typer.Argument(help="The older run folder.")],
    run_b: Annotated[Path, typer.Argument(help="The newer run folder.")],
    json: Json = False,
) -> None:
    """Compare the kept samples of two runs: added, removed, changed, moved; and, where both were compared, the answers.

    Example: tilth diff runs/v1 runs/v2
    """
    from tilth.engine import diff
    from tilth.evaluation.versions import answers_of_both
    from tilth.store.folder import RunFolder

    found = diff(run_a, run_b)
    answers = answers_of_both(RunFolder(run_a), RunFolder(run_b))
    if answers is not None:
        found["answers"] = [answer.as_dict() for answer in answers]
    if json:
        emit(found)
        return
    say(", ".join(f"{len(rows)} {name}" for name, rows in found.items()))
    for row in found["changed"][:20]:
        say(f"  {row['place']}\n    - {row['before'][:200]}\n    + {row['after'][:200]}")
    for name in ("added", "removed"):
        for row in found[name][:20]:
            say(f"  {name} {row['place']}")
    for row in found["moved"][:20]:
        say(f"  moved {row['id']}: {row['from']} → {row['to']}")
    for row in [row for row in found.get("answers", []) if row["before"] != row["after"]][:20]:
        say(f"  {row['question'][:100]}\n    - {row['before'][:200]}\n    + {row['after'][:200]}")
