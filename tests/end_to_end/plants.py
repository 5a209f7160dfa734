"""What a planted line is, and how one that is kept is made."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

Record = dict[str, Any]
HAN = "\u4e00-\u9fff"


@dataclass(frozen=True)
class Plant:
    """One planted line, and what must become of it."""

    line: bytes
    door: str
    step: str | None = None
    """The step that repairs, drops or quarantines the row."""
    reason: str | None = None
    question: str | None = None
    answer: str | None = None
    proposal_step: str | None = None


Planter = Callable[[Record, Random, Record], Plant | None]
"""Takes a clean record, a seeded generator and a clean neighbour that stays in the set; `None` where the record cannot
carry the defect. Expectations follow from how a defect was made, never from what an operator does."""


def encode(record: Any) -> bytes:
    """One JSONL line without its end."""
    return json.dumps(record, ensure_ascii=False).encode()


def kept(
    record: Record,
    step: str | None = None,
    want: tuple[str, str] | None = None,
    proposal_step: str | None = None,
    **changes: Any,
) -> Plant:
    """A row that is kept; `want` is its question and answer afterwards, as they were if not given."""
    question, answer = want or (record["instruction"], record["output"])
    line = encode({**record, **changes})
    return Plant(line, "kept", step, None, question, answer, proposal_step)


def proposed(record: Record, step: str, answer: str) -> Plant:
    return kept(record, None, (record["instruction"], answer), step, output=answer)
