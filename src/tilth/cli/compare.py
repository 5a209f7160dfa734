"""`tilth compare`: the same questions before and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tilth.cli.terminal import Json, emit, note, progress, say

if TYPE_CHECKING:
    from tilth.evaluation.compare import Comparison
    from tilth.evaluation.studies import Reader

TABLES = (".jsonl", ".csv", ".tsv", ".json", ".txt", ".md")


def command(
    what: Annotated[
        str,
        typer.Argument(
            metavar="RUN|RECIPE|FILE", help="A trained run, or a file: both answers, or questions."
        ),
    ],
    before: Annotated[str | None, typer.Option(help="A model folder, run, name or answers file.")] = None,
    after: Annotated[str | None, typer.Option(help="The same for the other side.")] = None,
    recipe: Annotated[
        str | None, typer.Option(help="For a file: whose `models` and `compare` are used.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="For a file: the report's folder.")] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="Override: compare.judge=teacher.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Count the votes anew; ask no model.")] = False,
    json: Json = False,
) -> None:
    """Ask the same questions before and after training, and write the report.

    Example: tilth compare runs/brain-teasers

    A file with question, before and after needs no model: tilth compare answers.csv -o before-after
    """
    from tilth.evaluation.reopen import refresh
    from tilth.evaluation.studies import Reader
    from tilth.store.folder import RunFolder

    chosen = [f"compare.{k}={v}" for k, v in (("before", before), ("after", after)) if v is not None]
    with progress() as told:
        reader, path = Reader(told=told), Path(what)
        if again:
            found, folder = refresh(RunFolder(path), reader), path
        elif path.is_file() and path.suffix.lower() in TABLES:
            found, folder = _file(path, recipe, [*(assign or ()), *chosen], out, reader)
        else:
            found, folder = _run(what, [*(assign or ()), *chosen], reader)
    emit(found.as_dict()) if json else _tell(found, folder)


def _run(what: str, assign: list[str], reader: Reader) -> tuple[Comparison, Path]:
    from tilth.cli.runs import find_plan
    from tilth.evaluation.named import Named
    from tilth.evaluation.studies import compare_run
    from tilth.recipe.anchor import anchored

    folder, plan = find_plan(what, assign)
    wanted = anchored(plan.recipe, plan.folder)
    return compare_run(
        folder, wanted.compare, named=Named.of(wanted, plan.folder), reader=reader
    ), folder.path


def _file(
    path: Path, recipe: str | None, assign: list[str], out: Path | None, reader: Reader
) -> tuple[Comparison, Path]:
    from tilth.cli.runs import settings_from
    from tilth.errors import UserError
    from tilth.evaluation.contestants import open_pair
    from tilth.evaluation.inputs import columns_taken
    from tilth.evaluation.studies import compare_answers, compare_models, judge_of

    if out is None:
        raise UserError("say where the report goes.", f"For example: tilth compare {path} -o before-after")
    settings, named = settings_from(recipe, assign)
    if settings.before is None and settings.after is None:
        for ours, key in columns_taken(path).items():
            note(f"{path}: `{key}` is taken as `{ours}`")
        judge = judge_of(settings, named)
        return compare_answers(path, out, settings=settings, judge=judge, reader=reader), out
    pair = open_pair(settings.before, settings.after, None, named)
    return compare_models(pair, path, out, settings, named=named, reader=reader), out


def _tell(found: Any, folder: Path) -> None:
    from tilth.evaluation.report import spoken

    for line in spoken(found):
        say(line)
    for leak in found.leaks[:5]:
        side = f"{leak.split} of the older version" if leak.older else leak.split
        say(f"leak: {leak.question.text} stands at {leak.place} ({side})")
    for name in ("compare.html", "compare.md", "worklist.jsonl"):
        say(f"  {folder / 'report' / name}")
    if found.evidence.source is None:
        say(f"Vote without knowing which answer is whose: tilth studio {folder}")
