"""`tilth tokens`: what the trainer will see."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tilth.cli.terminal import Json, emit, note, say

STYLES = {"learned": "green", "read": "dim", "cut": "red strike"}


def command(
    what: Annotated[Path, typer.Argument(metavar="DATA|RUN", help="A data file, or a run folder.")],
    model: Annotated[Path | None, typer.Option(help="Model folder; default the run's own.")] = None,
    max_length: Annotated[int | None, typer.Option(min=8, help="Tokens a sample may have.")] = None,
    assign: Annotated[list[str] | None, typer.Option("--set", help="Override: train.batch_size=8.")] = None,
    place: Annotated[
        str | None, typer.Option("--show", help="Show this sample's mask, by its place.")
    ] = None,
    template: Annotated[
        Path | None, typer.Option(help="A chat template to try instead of the model's.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with the masks of several.")] = None,
    json: Json = False,
) -> None:
    """Count tokens as the trainer will: prompt, answer, trained, truncated; and show the loss mask.

    Example: tilth tokens runs/brain-teasers --html tokens.html
    """
    from tilth.training.tokens import count_tokens

    limit = [f"train.max_length={max_length}"] if max_length else []
    samples, folder, settings = _open(what, model, [*(assign or []), *limit])
    text = template.read_text(encoding="utf-8") if template else None
    found = count_tokens(samples, folder, settings, place, text)
    if html is not None:
        _write_page(found, html, what, folder)
    emit(found.as_dict()) if json else _tell(found)


def _open(what: Path, model: Path | None, assign: list[str]) -> tuple[Any, Path, Any]:
    """The samples, the folder of the model that will read them, and the settings of the training to come."""
    from tilth.errors import UserError

    named = [f"train.base_model={model}"] if model is not None else []
    if not (what / "run.json").exists():
        from tilth.engine.library import read
        from tilth.recipe.check import check

        if model is None:
            raise UserError(
                "say which model will read it.", f"For example: tilth tokens {what} --model models/base"
            )
        recipe = '{"name": "tokens", "data": {"from": "data"}}'
        plan = check(recipe, "--set", Path(), [*named, *assign], need_sources=False)
        return read(what), model, plan.recipe.train
    from tilth.cli.runs import find_run
    from tilth.training.data import format_of, read_data, side_file

    run, found = find_run(str(what), [*named, *assign])
    run.require_done()
    if found.train is None:
        raise UserError(
            f"the recipe of {what} has no `train` section.", "Say which model will read it: --model DIR"
        )
    tiny = found.train.base_model == "tiny"
    folder = run.model / "base" if tiny else Path(found.train.base_model)
    if tiny and not (folder / "tokenizer.json").exists():
        raise UserError(
            "the tiny base model of this run is not made yet.", f"Make it with: tilth train {what}"
        )
    return read_data(side_file(run, "train"), run.index, format_of(run)), folder, found.train


def _write_page(found: Any, html: Path, what: Path, folder: Path) -> None:
    from tilth.store.files import write_text
    from tilth.training.tokens_page import page

    write_text(html, page(found, what.name, folder.name))
    note(f"wrote {html}")


def _tell(found: Any) -> None:
    from rich.console import Console
    from rich.text import Text

    from tilth.training.tokens_page import bars, summary

    for line in summary(found):
        say(line)
    say()
    for line in bars([row["tokens"] for row in found.samples], found.settings.max_length):
        say(line)
    for sample in found.shown[:1]:
        about = f"{sample.place}: prompt {sample.tokens - sample.answer}, answer {sample.answer}, learned {sample.trained} tokens"
        text = Text(f"\n{about} (learned: green, cut: red)\n", style="bold")
        for piece in sample.pieces:
            text.append(piece.text, style=f"{STYLES[piece.kind]} not bold")
        Console(highlight=False, soft_wrap=True).print(text)
    for lint in found.lint:
        note(f"note: {lint.rule}: {lint.message} {lint.fix}")
