"""What people decided about a run: progress, throughput and agreement."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from tilth.review.agreement import Agreement, alpha, blind_votes, kappa, percent
from tilth.review.state import progress, throughput
from tilth.store.catalog import Catalog
from tilth.store.decisions import Event, standing
from tilth.store.folder import RunFolder


@lru_cache(maxsize=1)
def asked(index: Catalog) -> frozenset[str]:
    """The ids that people may decide about."""
    rows = np.concatenate([index.facets["door"].having(door) for door in ("kept", "held")])
    return frozenset(index.ids(rows))


def people(folder: RunFolder, index: Catalog) -> dict[str, Any]:
    """Progress, throughput and agreement; empty where nobody decided anything."""
    events = list(standing(folder.decisions))
    done = throughput(events)
    if not done:
        return {}
    return {
        "progress": progress(events, asked(index)),
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
