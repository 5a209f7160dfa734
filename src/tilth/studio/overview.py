"""The overview: what became of the samples, and what people decided, read from the run's own files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tilth.review.agreement import Agreement, alpha, blind_votes, kappa, percent
from tilth.review.state import progress, throughput
from tilth.store.decisions import Event, standing
from tilth.store.files import read_json
from tilth.store.folder import RunFolder
from tilth.studio.index import Index

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio


def routes(studio: Studio) -> list[Route]:
    """`/`."""
    from starlette.routing import Route

    def page(request: Request) -> Response:
        return studio.page(request, "studio_overview.html", **overview(studio.folder, studio.index))

    return [Route("/", page)]


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
