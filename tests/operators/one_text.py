"""Runs one text through an operator, for the tables of `before` and `after`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tilth.sample import Message, Propose, Sample


def sample_of(question: str, answer: str = "好的") -> Sample:
    return Sample("0" * 16, "a.jsonl:1", (Message("user", question), Message("assistant", answer)))


def run(operator: Callable[..., Any], text: str, **settings: object) -> str:
    """The question after the operator; a text that does not change must come back as the very same object."""
    before = sample_of(text)
    after = operator(before, **settings)
    if isinstance(after, Propose):
        after = after.sample or before
    assert isinstance(after, Sample)
    assert (after is before) == (after.question == text)
    assert before.question == text
    return after.question
