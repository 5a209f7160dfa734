"""Repairs that are offered, and made only where a recipe says `mode: apply`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from tilth.operators.base import Field, edit
from tilth.sample import Proposal, Propose, Sample

Mode = Literal["propose", "apply"]
"""`propose` offers the change and leaves the sample as it is; `apply` changes it."""

Repaired = tuple[str, Mapping[str, Any]]
"""A text after its repair, and the evidence for the repair."""

_FIELD_OF: Mapping[str, Field] = {"user": "question", "assistant": "answer"}


def mend(sample: Sample, repair: Callable[[str], Repaired], field: Field, mode: Mode) -> Sample | Propose:
    """The sample with its texts repaired, or the offer to do so; the very same sample where nothing is to repair."""
    if mode == "apply":
        return edit(sample, lambda words: repair(words)[0], field)
    proposals = tuple(_proposals(sample, repair, field))
    return Propose(proposals) if proposals else sample


def _proposals(sample: Sample, repair: Callable[[str], Repaired], field: Field) -> Iterator[Proposal]:
    """One proposal for each message that the repair would change: its whole content, before and after."""
    for message in sample.messages:
        name = _FIELD_OF.get(message.role)
        if name is None or field not in (name, "both"):
            continue
        after, evidence = repair(message.content)
        if after != message.content:
            yield Proposal(name, message.content, after, evidence)
