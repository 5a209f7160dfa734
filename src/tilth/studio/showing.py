"""A case as the review page gets it: everything a person may see of it, and nothing that a blind one may not."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec

from tilth.review.board import Board
from tilth.review.cases import Case, Cases
from tilth.review.judged import judgements
from tilth.studio.plain import plain

UNSEEN = ("prompt", "conversation")
"""Facts of a foreign shape that would repeat the text."""


def shown(case: Case, cases: Cases, board: Board, *, blind: bool, settling: bool) -> dict[str, Any]:
    """One record of the page.

    Args:
        case: what is asked.
        cases: where its text is.
        board: what was said about it.
        blind: leave out what the judge and other people said, and which step holds it and why, which may tell it.
        settling: add what people said, for one who settles it.
    """
    sample = cases.sample(case)
    record: dict[str, Any] = {
        "key": case.key,
        "id": case.id,
        "hash": cases.content(case),
        "place": case.place,
        "messages": msgspec.to_builtins(sample.messages),
        "rejected": msgspec.to_builtins(sample.rejected),
        "facts": [[name, plain(value)] for name, value in sample.meta.items() if _says(name, value)],
        "link": "" if case.door == "chat" else f"/sample?{urlencode({'place': case.place})}",
        "copies": case.copies,
        "proposal": case.proposal,
    }
    if blind:
        return record
    record |= {"step": case.step, "reason": case.reason}
    record["judge"] = [said._asdict() for said in judgements(sample.signals)]
    if settling:
        stale = [{**_vote(event), "stale": True} for event in board.stale(case)]
        record["votes"] = [*map(_vote, board.votes(case)), *stale]
    return record


def _says(name: str, value: Any) -> bool:
    return name not in UNSEEN and value not in (None, "", [], {})


def _vote(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event.get(name) for name in ("person", "verdict", "messages", "scores", "note")}
