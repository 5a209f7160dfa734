"""What the overview and the training page show, read from the run's own files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tilth.review.agreement import Agreement, alpha, blind_votes, kappa, percent
from tilth.review.state import progress, throughput
from tilth.store.decisions import Event, standing
from tilth.store.files import read_json, read_jsonl
from tilth.store.folder import RunFolder
from tilth.studio.index import Index
from tilth.training.base import JOB_FILE

POINTS = 600
"""Points of a curve that are drawn; more would not be seen."""
REPORTS = ("data.html", "compare.html")
"""The reports that may be asked for. Nothing else in a request names a file."""


def reports(folder: RunFolder) -> dict[str, Path]:
    """The reports that exist, by name."""
    return {name: folder.report / name for name in REPORTS if (folder.report / name).exists()}


def overview(folder: RunFolder, index: Index) -> dict[str, Any]:
    """Counts by step and door, why samples left, sides, leaks, and what people decided."""
    run = folder.read_run()
    facts_file = folder.report / "data.json"
    facts = read_json(facts_file) if facts_file.exists() else {}
    return {
        "status": run["status"],
        "why": run.get("reason", ""),
        "counts": run["counts"],
        "steps": run["steps"],
        "splits": run["splits"],
        "leaks": facts.get("leaks", []),
        "left": index.left(),
        "note": index.note,
        "people": people(list(standing(folder.decisions)), index),
    }


def people(events: Sequence[Event], index: Index) -> dict[str, Any]:
    """Progress, throughput and agreement; empty where nobody decided anything."""
    done = throughput(events)
    if not done:
        return {}
    return {
        "progress": progress(events, {row.id for row in index.rows if row.door in ("kept", "held")}),
        "throughput": done,
        "agreement": agreement(events),
    }


def agreement(events: Iterable[Event]) -> dict[str, dict[str, Agreement]]:
    """Score → name of the figure → the figure, from blind votes only."""
    blind = [event for event in events if event.get("blind") is True]
    scores = dict.fromkeys(name for event in blind for name in event.get("scores") or {})
    tables = {name: blind_votes(blind, name) for name in scores}
    return {
        name: {"percent": percent(table), "alpha": alpha(table), "kappa": kappa(table)}
        for name, table in tables.items()
    }


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
