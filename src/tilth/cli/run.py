"""`tilth run`: the data part of a recipe."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tilth.cli.terminal import Json, counts_line, emit, note, progress, say

if TYPE_CHECKING:
    from tilth.recipe.plan import Plan


def command(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped one.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run folder; default runs/NAME.")] = None,
    assign: Annotated[list[str] | None, typer.Option("--set", help="Override: data.to=xtuner.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; default one a core.", min=1)] = None,
    limit: Annotated[int, typer.Option(help="Stop after this many entries.", min=0)] = 0,
    engine: Annotated[Literal["local"], typer.Option(help="Where the work is done.")] = "local",
    offline: Annotated[bool, typer.Option("--offline", help="Use only what is on this machine.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try it in memory, write nothing.")] = False,
    json: Json = False,
) -> None:
    """Run the data part of a recipe; running again resumes.

    Example: tilth run recipe.yaml --set data.from=raw.jsonl
    """
    from tilth.engine import dry_run as try_out
    from tilth.engine import run
    from tilth.recipe import load

    if offline:
        os.environ |= {"TILTH_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
    plan = load(recipe, assign or [])
    if dry_run:
        found = try_out(plan, limit=limit or 1000)
        emit(found) if json else _show_plan(found)
        if found["status"] == "failed":
            note(f"tilth: this run would fail: {found['reason']}")
            raise typer.Exit(2)
        return
    with progress() as told:
        result = run(plan, out, workers=workers, limit=limit, progress=told)
    folder = out or Path("runs") / plan.name
    if json:
        emit(result)
    else:
        say(counts_line(result["counts"]))
        for passed in result.get("not_read", ()):
            say(f"  not read: {passed['files']} file(s) such as {passed['first']}: {passed['why']}")
        _say_sides(plan, folder, result["splits"])
        say(f"  {folder}/report/data.html")
    if result["status"] == "failed":
        note(f"tilth: this run failed: {result['reason']}")
        raise typer.Exit(2)
    if result["status"] == "waiting":
        note(f"tilth: {result['reason']}")
        raise typer.Exit(3)


def _say_sides(plan: Plan, folder: Path, sides: Mapping[str, int]) -> None:
    """Where each side lies, and which ones were asked for and are not there."""
    for side, count in sides.items():
        say(f"  {folder}/data/{side}.{plan.target.container}: {count}")
    asked = plan.split_step.settings if plan.split_step and sides else {}
    for side in ("validation", "test"):
        share = asked.get(side)
        if isinstance(share, int | float) and share > 0 and not sides.get(side):
            say(
                f"  no {side} side, though {share:.0%} were asked: there are too few samples, or too many whose "
                "questions are alike and so stay together"
            )


def _show_plan(found: dict[str, Any]) -> None:
    from tilth.cli.status import show_run

    say(f"Tried on {found['tried']} of the entries; nothing was written.")
    show_run(found)
    for row in found["forecast"]:
        about = f", about {row['cost_about']} for answers of the usual length" if row["cost_about"] else ""
        money = f": at most {row['cost_at_most']} {row['currency']}{about}" if row["currency"] else ""
        say(
            f"{row['model']}: {row['calls']} calls and {row['cached']} answers at hand, about {row['prompt_tokens']} tokens "
            f"in, at most {row['completion_tokens_at_most']} out{money}"
        )
    for row in found["thresholds"]:
        limits = ", ".join(f"{name}: {value}" for name, value in row["settings"].items() if value is not None)
        say(
            f"{row['step']} {{{limits}}} beside the data: 5 % {row['p5']}, half {row['p50']}, 95 % {row['p95']} characters"
        )
