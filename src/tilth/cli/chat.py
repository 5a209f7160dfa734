"""`tilth chat`: talk to a model in the terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    model: Annotated[Path, typer.Argument(help="A model folder, or a trained run.")],
    adapter: Annotated[Path | None, typer.Option(help="An adapter folder over the model.")] = None,
    system: Annotated[str, typer.Option(help="A system message to speak under.")] = "",
    temperature: Annotated[float, typer.Option(min=0, help="0 always gives the same answer.")] = 0.0,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 512,
) -> None:
    """Talk to a model; with an adapter both sides can speak (/base, /tuned, /both). /keep saves for review.

    Example: tilth chat runs/brain-teasers
    """
    from tilth.models.base import Generation
    from tilth.serving.chat import chat

    speakers = models(model, adapter)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    generation = Generation(max_new_tokens=max_new_tokens, temperature=temperature)
    kept = model / "chats.jsonl" if (model / "run.json").exists() else None
    chat(speakers, _typed(), _write, generation=generation, width=width, system=system, kept=kept)


def models(model: Path, adapter: Path | None) -> dict[str, Any]:
    """The models that can speak: base and tuned, or the one there is."""
    from tilth.evaluation.contestants import trained_model
    from tilth.models.local import LocalModel, LocalPair

    if (model / "run.json").exists():
        found = trained_model(model)
        model, adapter = found.folder, found.adapter
    if adapter is None:
        return {model.name: LocalModel(model, name=model.name)}
    base, tuned = LocalPair.load(model, adapter)
    return {"base": base, "tuned": tuned}


def _typed() -> Iterator[str]:
    while True:
        try:
            yield input("> " if sys.stdin.isatty() else "")
        except EOFError:
            return


def _write(text: str) -> None:
    print(text, end="", flush=True)
