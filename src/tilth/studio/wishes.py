"""What an address or a request of the review pages asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.review.room import QUEUES, Room, Wish


def wish_of(said: Mapping[str, Any], room: Room) -> Wish:
    """The wish; what is said wrongly is as if it had not been said. Answers wanted: as many as the run's steps ask."""
    queue = said.get("queue")
    words = {name: str(said.get(name) or "")[:200] for name in ("step", "reason", "split")}
    return Wish(
        queue=queue if queue in QUEUES else "held",
        wanted=round(_number(said.get("wanted"), 1, 99, room.wanted())),
        share=_number(said.get("share"), 0.001, 100, 10) / 100,
        seed=round(_number(said.get("seed"), 0, 1e9, 1)),
        **words,
    )


def _number(said: Any, low: float, high: float, default: float) -> float:
    try:
        return min(max(float(said), low), high)
    except (TypeError, ValueError):
        return default
