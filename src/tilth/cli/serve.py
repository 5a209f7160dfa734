"""`tilth serve`: an OpenAI-compatible server for base and tuned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tilth.cli.terminal import note


def command(
    models: Annotated[
        list[str], typer.Argument(metavar="NAME=DIR...", help="Names and folders, or one trained run.")
    ],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
) -> None:
    """Serve models over the OpenAI chat API; an adapter folder shares the base named before it.

    Example: tilth serve base=models/base tuned=models/merged --port 8000
    """
    from tilth.errors import UserError
    from tilth.models.local import LocalModel
    from tilth.serving.http import serve

    if len(models) == 1 and (Path(models[0]) / "run.json").exists():
        from tilth.cli.chat import models as of_run

        serve(of_run(Path(models[0]), None), host=host, port=port, announce=note)
        return
    named: dict[str, Any] = {}
    base: Path | None = None
    for item in models:
        name, sign, folder = item.partition("=")
        path = Path(folder)
        if not sign or not name:
            raise UserError(f"'{item}' names no model.", "Write NAME=DIR, for example base=models/base.")
        if (path / "adapter_config.json").exists():
            if base is None:
                raise UserError(
                    f"{path} is an adapter and needs its base.",
                    "Name the base first: base=DIR tuned=ADAPTER.",
                )
            named[name] = LocalModel(base, path, name=name)
        else:
            named[name], base = LocalModel(path, name=name), path
    serve(named, host=host, port=port, announce=note)
