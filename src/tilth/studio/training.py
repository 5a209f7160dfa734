"""The training page: the loss by step, and what was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilth.store.files import read_json, read_jsonl
from tilth.store.folder import RunFolder
from tilth.training.base import JOB_FILE

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio

POINTS = 600
"""Points of a curve that are drawn; more would not be seen."""


def routes(studio: Studio) -> list[Route]:
    """`/training`."""
    from starlette.routing import Route

    def page(request: Request) -> Response:
        return studio.page(request, "studio_training.html", **training(studio.folder))

    return [Route("/training", page)]


def training(folder: RunFolder) -> dict[str, Any]:
    """The loss by step, and what was trained."""
    log = list(read_jsonl(folder.model / "log.jsonl"))
    job_file = folder.model / JOB_FILE
    return {
        "log": log,
        "loss": curve(log, "loss"),
        "validation": curve(log, "eval_loss"),
        "settings": read_json(job_file)["settings"] if job_file.exists() else {},
    }


def curve(log: Sequence[Mapping[str, Any]], name: str) -> list[tuple[int, float]]:
    """(Step, value) of a number in the log, thinned to what can be drawn; the last point always stays."""
    points = [(row["step"], row[name]) for row in log if name in row]
    every = -(-len(points) // POINTS)
    return [*points[:-1:every], *points[-1:]] if points else []
