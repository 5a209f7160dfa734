"""`tilth export`: a folder that another trainer reads as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tilth.cli.terminal import Json, emit, note, say
from tilth.cli.train import facts, open_run

BACKENDS = ("llamafactory", "xtuner")
"""Trainers that want a configuration beside the data."""
ADAPTER = "internlm2"
"""The trained adapter instead, for the original folder of an InternLM2 base model."""


def command(
    what: Annotated[str, typer.Argument(metavar="RECIPE|RUN", help="A run folder, or the recipe of one.")],
    to: Annotated[str, typer.Option("--to", help="llamafactory, xtuner, trl, openai or internlm2.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write.")],
    assign: Annotated[list[str] | None, typer.Option("--set", help="Override: train.epochs=1.")] = None,
    json: Json = False,
) -> None:
    """Write a folder for another trainer: data, configuration and the command to type.

    Example: tilth export runs/brain-teasers --to llamafactory -o lf
    """
    from tilth.errors import NotFoundError, UserError, did_you_mean
    from tilth.training.plain import PLAIN

    if to in BACKENDS:
        from tilth.training.run import train

        folder, settings = open_run(what, to, assign)
        if settings.base_model == "tiny":
            raise UserError("`tiny` lives inside a run.", "Name your model: --set train.base_model=DIR")
        trained = train(settings, folder, dry_run=True, folder=out)
        for lint in trained.lints:
            note(f"note: {lint.message} {lint.fix}")
        emit(facts(trained)) if json else say(f"Wrote {out}. Train there with: {' '.join(trained.command)}")
        return
    if to == ADAPTER:
        _adapter(Path(what), out, json)
        return
    if to not in PLAIN:
        raise NotFoundError(f"unknown tool '{to}'.", did_you_mean(to, [*BACKENDS, *PLAIN, ADAPTER]))
    _plain(what, to, out, json)


def _plain(what: str, to: str, out: Path, json: bool) -> None:
    from tilth.cli.runs import find_run
    from tilth.training.plain import write_plain

    folder, recipe = find_run(what)
    folder.require_done()
    written = write_plain(folder, recipe.data.to, to, out)
    if json:
        emit({"files": written})
    else:
        say("\n".join(f"{path}: {count} records" for path, count in written.items()))


def _adapter(run: Path, out: Path, json: bool) -> None:
    from tilth.errors import FolderError
    from tilth.evaluation.contestants import trained_model
    from tilth.training.convert import adapter_to_internlm2

    model = trained_model(run)
    if model.adapter is None:
        raise FolderError(f"{run} was trained whole: there is no adapter to export.")
    adapter_to_internlm2(model.adapter, model.folder, out)
    emit({"path": str(out)}) if json else say(f"{out} is an adapter over {model.folder}, for peft and XTuner")
