"""`tilth tokens`: what the trainer will see."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tilth.cli.terminal import Json, emit, note, say


def command(
    what: Annotated[Path, typer.Argument(metavar="DATA|RUN", help="A data file, or a run folder.")],
    model: Annotated[Path | None, typer.Option(help="Model folder; default the run's own.")] = None,
    max_length: Annotated[int | None, typer.Option(min=8, help="Tokens a sample may have.")] = None,
    json: Json = False,
) -> None:
    """Count tokens as the trainer will: prompt, answer, trained, truncated; and show one sample's loss mask.

    Example: tilth tokens runs/brain-teasers
    """
    from tilth.training.tokens import count_tokens

    samples, folder, settings = _open(what, model)
    if max_length is not None:
        settings = settings.model_copy(update={"max_length": max_length})
    found = count_tokens(samples, folder, settings)
    emit(found.as_dict()) if json else _tell(found, settings.max_length)


def _open(what: Path, model: Path | None) -> tuple[Any, Path, Any]:
    from tilth.engine.library import read
    from tilth.errors import UserError
    from tilth.recipe.schema import Train

    if not (what / "run.json").exists():
        if model is None:
            raise UserError(
                "say which model will read it.", f"For example: tilth tokens {what} --model models/base"
            )
        return read(what), model, Train(base_model=str(model))
    from tilth.cli.runs import find_run
    from tilth.training.data import format_of, read_data, side_file

    run, recipe = find_run(str(what))
    run.require_done()
    settings = recipe.train or Train(base_model="tiny")
    tiny = settings.base_model == "tiny"
    folder = model or (run.model / "base" if tiny else Path(settings.base_model))
    if tiny and not (folder / "tokenizer.json").exists():
        raise UserError(
            "the tiny base model of this run is not made yet.", f"Make it with: tilth train {what}"
        )
    return read_data(side_file(run, "train"), run.index, format_of(run)), folder, settings


def _tell(found: Any, limit: int) -> None:
    from rich.console import Console
    from rich.text import Text

    t = found.totals
    say(f"{t['samples']} samples, {t['tokens']:,} tokens: {t['prompt']:,} read, {t['trained']:,} learned")
    say(
        f"{t['truncated']} cut at {limit} tokens, {t['untrained']} teach nothing, {t['optimizer_steps']} optimizer steps"
    )
    if found.shown is not None:
        text = Text(f"{found.shown.place} (learned: green)\n", style="bold")
        for piece, learned in found.shown.pieces:
            text.append(piece, style="green not bold" if learned else "dim not bold")
        Console(highlight=False, soft_wrap=True).print(text)
    for lint in found.lint:
        note(f"note: {lint.message} {lint.fix}")
