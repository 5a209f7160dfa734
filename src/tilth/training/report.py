"""What a person reads after a training: `report/training.html`, from the files that the trainer left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tilth import __version__
from tilth.pages import render
from tilth.store.files import read_json, read_jsonl, write_text
from tilth.training.base import Job, Lint
from tilth.training.progress import LOG_FILE, PROGRESS_FILE

POINTS = 400
"""Points of a line; more cannot be told apart on a page."""


def write_training_report(
    path: Path, name: str, job: Job, folder: Path, lints: tuple[Lint, ...] = ()
) -> None:
    """Write the page; nothing is written for a trainer that keeps no log.

    Args:
        path: where it goes.
        name: of the run.
        job: what was trained.
        folder: where it was trained.
        lints: what was said about it beforehand.
    """
    facts = training_facts(job, folder)
    if facts["log"]:
        write_text(path, render("training.html", **facts, name=name, lints=lints, version=__version__))


def training_facts(job: Job, folder: Path) -> dict[str, Any]:
    """What the page shows: the lines to draw, what was chosen, and what the trainer saw of the data."""
    log = [row for row in read_jsonl(folder / LOG_FILE) if row.get("loss") is not None]

    def line(key: str) -> list[tuple[int, float]]:
        points = [(int(row["step"]), float(row[key])) for row in log if row.get(key) is not None]
        return _thinned(points)

    def found(file: str) -> dict[str, Any]:
        there: dict[str, Any] = read_json(folder / file) if (folder / file).exists() else {}
        return there

    return {
        "log": log,
        "loss": line("loss"),
        "validation": line("eval_loss"),
        "rate": line("learning_rate"),
        "accuracy": line("accuracy"),
        "gradient": line("grad_norm"),
        "progress": found(PROGRESS_FILE),
        "rows": found("rows.json"),
        "versions": found("launch.json").get("versions", {}),
        "settings": job.settings,
    }


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most `POINTS` points, evenly spread, the last one among them."""
    stride = max(1, -(-len(points) // POINTS))
    return points[(len(points) - 1) % stride :: stride] if points else []
