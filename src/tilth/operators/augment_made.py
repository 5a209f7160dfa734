"""What every made sample has in common: which samples are read, and what is written."""

from __future__ import annotations

from typing import Any

from tilth.sample import Message, Sample


def one_round(sample: Sample) -> bool:
    """Whether a sample is a question with at most one answer, and nothing a rewriting would have to rewrite too."""
    roles = [m.role for m in sample.messages if m.role != "system"]
    return roles in (["user"], ["user", "assistant"]) and sample.rejected is None and sample.tools is None


def new_round(sample: Sample, question: str, answer: str | None) -> tuple[Message, ...]:
    """A round of its own, under the source's system message."""
    head = tuple(m for m in sample.messages if m.role == "system")
    tail = () if answer is None else (Message("assistant", answer.strip()),)
    return (*head, Message("user", question.strip()), *tail)


def signals_of(author: str, **more: Any) -> dict[str, Any]:
    """What a made sample says of its making: who wrote it, and what the step adds."""
    return {"augmented": {"by": author, **more}}
