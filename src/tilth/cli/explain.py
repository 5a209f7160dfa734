"""`tilth explain`: one sample's whole life."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tilth.cli.terminal import Json, emit, say


def command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    what: Annotated[str, typer.Argument(help="An id, a place (raw.jsonl:12), or a text in the sample.")],
    json: Json = False,
) -> None:
    """Tell one sample's whole life: source, each change, each verdict, side, answers.

    Example: tilth explain runs/demo raw.jsonl:12
    """
    from tilth.engine import explain

    life = explain(run, what)
    emit(life) if json else _show(life)


def _show(life: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    side = f", {life['split']} side" if life["split"] else ""
    console.print(Text(f"{life['place']}  {life['id']}  {life['door']}{side}", style="bold"))
    if life["note"]:
        console.print(Text(life["note"], style="yellow"))
    if life["source"]:
        say(f"source: {life['source'][:400]}")
    for step in life["steps"]:
        console.print(_step(step))
    for proposal in life["proposals"]:
        line = Text(f"  proposed by {proposal['step']}: ")
        console.print(line.append_text(_diff(proposal["before"], proposal["after"])))
    for event in life["decisions"]:
        say(
            f"  {event['time']} {event['person']}: {event['verdict']} {event.get('step', '')} {event.get('note', '')}"
        )
    for answer in life["answers"]:
        say(f"  {answer['side']}: {answer['text']}")
    if life["also"]:
        say(f"also matches: {', '.join(life['also'])}")


def _step(step: dict[str, Any]) -> Any:
    from rich.text import Text

    line = Text(f"  {step['name']}: ")
    if step["before"] is not None:
        line.append_text(_diff(step["before"], step["after"]))
    elif step["door"] != "kept":
        line.append(f"{step['door']}, {step['reason']}", style="bold red")
    else:
        line.append(step["reason"] or "unchanged", style="dim")
    shown = {name: value for name, value in step["evidence"].items() if name not in ("proposals", "answers")}
    if "proposals" in step["evidence"]:
        line.append(", a proposal (below)", style="yellow")
    if shown:
        line.append("  " + ", ".join(f"{name}: {value}" for name, value in shown.items()), style="dim")
    for answer in step["evidence"].get("answers", ()):
        said = answer.get("text") or answer.get("reason", "")
        if "thinking" in answer:
            line.append(f"\n    {answer['model']} thought: ", style="dim")
            line.append(answer["thinking"].replace("\n", "⏎"), style="dim")
        line.append(f"\n    {answer['model']} ({answer['state']}): ", style="dim")
        line.append(said.replace("\n", "⏎"))
    return line


def _diff(before: str, after: str) -> Any:
    from rich.text import Text

    from tilth.pages.diff import diff

    styles = {"same": "", "gone": "red strike", "new": "green underline", "fold": "dim"}
    line = Text()
    for kind, text in diff(before, after):
        line.append(f" ⋯{text}⋯ " if kind == "fold" else text.replace("\n", "⏎"), style=styles[kind])
    return line
