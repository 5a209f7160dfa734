"""`tilth train`: learn from a run."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tilth.cli.terminal import Json, emit, note, say


def command(
    what: Annotated[str, typer.Argument(metavar="RECIPE|RUN", help="A run folder, or the recipe of one.")],
    backend: Annotated[str | None, typer.Option(help="hf, xtuner or llamafactory.")] = None,
    assign: Annotated[list[str] | None, typer.Option("--set", help="Override: train.epochs=1.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write what the trainer reads, then stop.")
    ] = False,
    json: Json = False,
) -> None:
    """Train on a run's data; running again resumes from the last checkpoint.

    Example: tilth train runs/brain-teasers
    """
    from tilth.training.run import train

    folder, settings = open_run(what, backend, assign)
    trained = train(settings, folder, dry_run=dry_run, progress=note)
    if json:
        emit(facts(trained))
    else:
        tell(trained)


def open_run(what: str, backend: str | None = None, assign: list[str] | None = None) -> Any:
    """The run folder that a run or a recipe names, and its `train` settings.

    Raises:
        FolderError: there is no such run.
        UserError: its recipe has no `train` section.
    """
    from tilth.cli.runs import find_run
    from tilth.errors import UserError

    folder, recipe = find_run(what, [*(assign or []), *([f"train.backend={backend}"] if backend else [])])
    if recipe.train is None:
        raise UserError(
            f"the recipe of {folder.path} has no `train` section.", "Add one, or --set train.base_model=tiny."
        )
    return folder, recipe.train


def facts(trained: Any) -> dict[str, Any]:
    """A training's result for scripts."""
    artifact = trained.artifact
    return {
        "state": trained.state,
        "folder": str(trained.folder),
        "base": str(trained.base),
        "model": str(artifact.path) if artifact else None,
        "command": list(trained.command),
        "lint": [{"rule": lint.rule, "message": lint.message, "fix": lint.fix} for lint in trained.lints],
        "steps": trained.steps,
        "loss": trained.loss,
        "eval_loss": trained.eval_loss,
    }


def tell(trained: Any) -> None:
    """A training's result for people."""
    for lint in trained.lints:
        note(f"note: {lint.message} {lint.fix}")
    if trained.state == "prepared":
        say(f"Wrote {trained.folder}. The trainer's command: {' '.join(trained.command)}")
        return
    again = (
        " (nothing to do: this model is the result of this data and these settings)"
        if trained.state == "unchanged"
        else ""
    )
    say(f"{trained.artifact.kind} in {trained.artifact.path}{again}")
    if trained.loss is not None:
        held = f", validation loss {trained.eval_loss:.3f}" if trained.eval_loss is not None else ""
        say(f"{trained.steps} steps, training loss {trained.loss:.3f}{held}")
