"""`tilth studio`: a run in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tilth.cli.terminal import note, progress


def command(
    run: Annotated[Path, typer.Argument(help="A run folder, or one that `tilth compare FILE -o` made.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8765,
) -> None:
    """Show a run in the browser: its doors, its samples, each one's life, its training.

    Example: tilth studio runs/demo
    """
    from tilth.store.folder import RunFolder
    from tilth.studio import serve

    serve(RunFolder(run), host=host, port=port, announce=note, progress=progress())
