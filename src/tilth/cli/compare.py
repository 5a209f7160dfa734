"""`tilth compare`: the same questions before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tilth.cli.terminal import Json, emit, progress, say


def command(
    what: Annotated[
        str, typer.Argument(metavar="RECIPE|RUN|ANSWERS", help="A trained run, or a file with both answers.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for an answers file's report.")
    ] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="Override: compare.questions=q.jsonl.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Count the votes anew; ask no model.")] = False,
    json: Json = False,
) -> None:
    """Ask the same questions before and after training, and write the table.

    Example: tilth compare runs/brain-teasers
    """
    from tilth.errors import UserError
    from tilth.evaluation.reopen import refresh
    from tilth.evaluation.studies import Reader, compare_answers, compare_run
    from tilth.store.folder import RunFolder

    path = Path(what)
    with progress() as told:
        reader = Reader(told=told)
        if again:
            found, report = refresh(RunFolder(path), reader), path / "report"
        elif path.is_file() and path.suffix in (".jsonl", ".csv", ".tsv", ".json"):
            if out is None:
                raise UserError(
                    "say where the report goes.", f"For example: tilth compare {what} -o before-after"
                )
            found, report = compare_answers(path, out, reader=reader), out / "report"
        else:
            from tilth.cli.runs import find_run

            folder, recipe = find_run(what, assign)
            found = compare_run(folder, recipe.compare, reader=reader)
            report = folder.report
    emit(found.as_dict()) if json else _tell(found, report)


def _tell(found: Any, report: Path) -> None:
    say(found.sentence)
    for leak in found.leaks[:5]:
        say(f"leak: {leak.question.text} stands at {leak.place} ({leak.split})")
    for name in ("compare.html", "compare.md", "answers.jsonl"):
        say(f"  {report / name}")
