"""The training page: the loss by step as it comes, and what was trained. A still picture without a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.store.files import read_json
from tilth.store.folder import RunFolder
from tilth.store.lock import is_locked
from tilth.training.base import JOB_FILE
from tilth.training.launch import last_lines
from tilth.training.run import DONE_FILE

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio

POINTS = 600
"""Points of a curve that are drawn; more would not be seen."""
LOOK_S = 1.0
"""Seconds between two looks at the files of a training."""
QUIET = 15
"""Looks without news after which a line is sent all the same, so that a page that is gone is noticed."""


def routes(studio: Studio) -> list[Route]:
    """`/training`, and the stream that tells its script of news."""
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    def page(request: Request) -> Response:
        return studio.page(request, "studio_training.html", **training(studio.folder))

    async def events(request: Request) -> Response:
        return StreamingResponse(news(studio.folder, request), media_type="text/event-stream")

    return [Route("/training", page), Route("/api/training/events", events)]


async def news(folder: RunFolder, request: Request) -> AsyncIterator[str]:
    """A server-sent event for each change of a training's files; it says only that there is news."""
    known, quiet = stamp(folder), 0
    yield ": listening\n\n"
    while not await request.is_disconnected():
        await asyncio.sleep(LOOK_S)
        seen = stamp(folder)
        quiet += 1
        if seen != known:
            known, quiet = seen, 0
            yield "event: news\ndata: training\n\n"
        elif quiet >= QUIET:
            quiet = 0
            yield ": still here\n\n"


def stamp(folder: RunFolder) -> tuple[tuple[int, int] | None, ...]:
    """Changes when the log, the output or the state of a training changes."""
    return tuple(
        map(_changed, (folder.model / "log.jsonl", folder.model / "train.log", folder.model / DONE_FILE))
    )


def _changed(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def training(folder: RunFolder) -> dict[str, Any]:
    """The loss by step, whether it goes on, and what is trained."""
    log = read_log(folder.model / "log.jsonl")
    job_file = folder.model / JOB_FILE
    done = (folder.model / DONE_FILE).exists()
    return {
        "log": log,
        "loss": curve(log, "loss"),
        "validation": curve(log, "eval_loss"),
        "rate": curve(log, "learning_rate"),
        "settings": read_json(job_file)["settings"] if job_file.exists() else {},
        "state": "done" if done else "running" if is_locked(folder.path) and job_file.exists() else "stopped",
        "said": last_lines(folder.model, 12),
        "run_path": str(folder.path),
    }


def read_log(path: Path) -> list[Mapping[str, Any]]:
    """The lines of the loss log; a last one that is being written just now is left out."""
    whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    return [json.loads(line) for line in whole.split(b"\n") if line.strip()]


def curve(log: Sequence[Mapping[str, Any]], name: str) -> list[tuple[int, float]]:
    """(Step, value) of a number in the log, thinned to what can be drawn; the last point always stays."""
    points = [(row["step"], row[name]) for row in log if isinstance(row.get(name), int | float)]
    every = -(-len(points) // POINTS)
    return [*points[:-1:every], *points[-1:]] if points else []
