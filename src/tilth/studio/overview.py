"""The overview: what became of the samples, and what people decided, read from the run's own files."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from tilth.store.catalog import Catalog
from tilth.store.files import read_json
from tilth.store.folder import RunFolder
from tilth.studio.explorer import Spread, Wish, bars, spread_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio


def routes(studio: Studio) -> list[Route]:
    """`/`."""
    from starlette.routing import Route

    def page(request: Request) -> Response:
        drawn = partial(bars, studio.href(request), Wish())
        return studio.page(
            request, "studio_overview.html", bars=drawn, **overview(studio.folder, studio.index)
        )

    return [Route("/", page)]


def overview(folder: RunFolder, index: Catalog) -> dict[str, Any]:
    """Counts by step and door, why samples left, distributions, sides, leaks, and what waits for a person."""
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
        "coverage": facts.get("coverage", []),
        "left": index.about["left"],
        "note": index.about["note"],
        "proposals": index.facets["proposed"].counts(),
        "spreads": spreads(index),
        "trained": (folder.model / "log.jsonl").exists(),
        "compared": (folder.report / "compare.json").exists(),
        "folder": str(folder.path),
        "recipe": str(folder.recipe),
        "people": _people(folder, index),
    }


@lru_cache(maxsize=1)
def spreads(index: Catalog) -> dict[str, Spread]:
    """The distribution of every number that differs among samples."""
    found = {name: spread_of(values) for name, values in index.numbers.items()}
    return {name: spread for name, spread in found.items() if spread is not None}


def _people(folder: RunFolder, index: Catalog) -> dict[str, Any]:
    """What people decided; the room that counts it is opened only where somebody did."""
    if not folder.decisions.exists():
        return {}
    from tilth.studio.people import people

    return people(folder, index)
