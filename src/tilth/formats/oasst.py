"""OpenAssistant's trees: `{"message_tree_id": "…", "prompt": {"role": "prompter", "text": "…", "replies": [{"role": "assistant", …}]}}`.

A tree becomes one conversation: at each message the reply of the best rank is followed, of equal ones the first, and what
was deleted is passed over; a last question that nobody answered is left out. The tree stays in `meta.prompt`. Read only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import Format, Record, kind_of, need_object, need_text, register, rest, turn
from tilth.formats.columns import has, need
from tilth.formats.turns import ROLES
from tilth.sample import Sample

NAME = "oasst"


def read(record: Record, sample_id: str, place: str) -> Sample:
    """The best-ranked conversation of a tree.

    Raises:
        FormatError: a message lacks its role or text, or a value has the wrong type.
    """
    found = need_object(record, NAME)
    root = need_object(need(found, "prompt", NAME), NAME)
    messages = tuple(turn(_role(node), need_text(node, "text", NAME)) for node in _path(root))
    if len(messages) > 1 and messages[-1].role == "user":
        messages = messages[:-1]
    return Sample(sample_id, place, messages, meta=dict(rest(found, ())))


def fits(record: Record) -> bool:
    """A first message with its replies."""
    return has(record, "prompt") and has(record["prompt"], "text", "role", "replies")


def _path(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The message, and below it the best reply of each."""
    at: Mapping[str, Any] | None = node
    while at is not None:
        yield at
        replies = at.get("replies") or []
        if not isinstance(replies, list) or not all(isinstance(reply, dict) for reply in replies):
            raise FormatError(
                f"not a {NAME} record: `replies` is {kind_of(replies)}, expected a list of messages."
            )
        left = [reply for reply in replies if not reply.get("deleted")]
        at = min(left, key=_rank, default=None)


def _rank(reply: Mapping[str, Any]) -> float:
    rank = reply.get("rank")
    return rank if isinstance(rank, int | float) else float("inf")


def _role(node: Mapping[str, Any]) -> str:
    word = need_text(node, "role", NAME)
    if word not in ROLES:
        raise FormatError(f"not a {NAME} record: `role` is '{word}'.", "Known: prompter, assistant.")
    return ROLES[word]


oasst = register(Format(NAME, read, None, fits, rank=20, columns=("prompt",)))
