"""`tilth merge`: base and adapter as one model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tilth.cli.terminal import Json, emit, note, say


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN|ADAPTER", help="A trained run, or an adapter folder.")],
    base: Annotated[Path | None, typer.Option(help="The base model, for an adapter folder.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Default: RUN/model/merged.")] = None,
    json: Json = False,
) -> None:
    """Merge an adapter into its base model, and prove that the result says the same.

    Example: tilth merge runs/brain-teasers
    """
    from tilth.errors import UserError
    from tilth.training.merge import merge

    if (run / "run.json").exists():
        from tilth.evaluation.contestants import trained_model

        model = trained_model(run)
        if model.adapter is None:
            say(f"{model.folder} was trained whole: there is no adapter to merge.")
            return
        merged = merge(model.folder, model.adapter, out or run / "model" / "merged", note)
    elif base is None or out is None:
        raise UserError(
            f"{run} is no run folder.", "To merge an adapter give: tilth merge ADAPTER --base MODEL -o OUT"
        )
    else:
        merged = merge(base, run, out, note)
    if json:
        emit({"path": str(merged.path), "difference": merged.difference})
    else:
        say(
            f"{merged.path}: adapter and merged model agree (largest logit difference {merged.difference:.1e})"
        )
