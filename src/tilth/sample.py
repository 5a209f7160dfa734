"""What flows through Tilth: `Sample` and `Message`, and the values that say what became of a sample.

All of them are frozen. Nothing here does any work beyond reading its own fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]
Side = Literal["train", "validation", "test"]
SIDES: tuple[Side, ...] = ("train", "validation", "test")


class Message(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One turn of a conversation."""

    role: Role
    content: str
    loss: bool | None = None
    """Whether the trainer learns this turn; `None` leaves it to the trainer (assistant turns yes, others no)."""
    thinking: str | None = None
    tool_calls: tuple[Mapping[str, Any], ...] | None = None
    tool_call_id: str | None = None
    name: str | None = None

    def replace(self, **changes: Any) -> Message:
        """A copy with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class Sample(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One training example on its way: what it says, where it came from and what we know about it."""

    id: str
    """16 hex digits of blake2b over the source record; equal records share it."""
    place: str
    """`path:n`, unique in a run; a made sample has `parent-place/step#k`."""
    messages: tuple[Message, ...]
    meta: Mapping[str, Any] = {}
    """What the source said. It is kept for ever and never changed."""
    signals: Mapping[str, Any] = {}
    """What we measured."""
    family: str = ""
    """Id of the root sample for everything made from it; empty for a root."""
    split: Side | None = None
    rejected: tuple[Message, ...] | None = None
    """The other answer of a preference pair."""
    label: bool | None = None
    """A KTO mark: is this answer wanted?"""
    tools: tuple[Mapping[str, Any], ...] | None = None

    def replace(self, **changes: Any) -> Sample:
        """A copy with some fields changed."""
        return msgspec.structs.replace(self, **changes)

    @property
    def question(self) -> str:
        """All user messages, joined by a line feed."""
        return "\n".join([m.content for m in self.messages if m.role == "user"])

    @property
    def answer(self) -> str:
        """All assistant messages, joined by a line feed."""
        return "\n".join([m.content for m in self.messages if m.role == "assistant"])

    @property
    def root(self) -> str:
        """The id that stands for the whole family."""
        return self.family or self.id


class Drop(msgspec.Struct, frozen=True, tag="drop", omit_defaults=True):
    """A verdict: the sample leaves, with a stable reason and the evidence for it."""

    reason: str
    evidence: Mapping[str, Any] = {}


class Hold(msgspec.Struct, frozen=True, tag="hold", omit_defaults=True):
    """A verdict: the sample waits for a person or a model."""

    reason: str
    evidence: Mapping[str, Any] = {}


class Proposal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change that a person may accept. The sample goes on unchanged until then."""

    field: str
    """`question` or `answer`."""
    before: str
    after: str
    evidence: Mapping[str, Any] = {}


class Propose(msgspec.Struct, frozen=True, tag="propose"):
    """A verdict: offer these changes and let the sample go on (as `sample`, where the step also changed it)."""

    proposals: tuple[Proposal, ...]
    sample: Sample | None = None


class Assign(msgspec.Struct, frozen=True, tag="assign"):
    """A verdict: the sample belongs to this side of the split."""

    split: Side


class Measured(msgspec.Struct, frozen=True, tag="measured"):
    """A verdict: add these signals to the sample."""

    signals: Mapping[str, Any]


Verdict = Drop | Hold | Propose | Assign | Measured
"""What an operator may say about a sample beyond changing it."""


class Made(msgspec.Struct, frozen=True):
    """Messages of a sample that a step made; the engine gives it id, place and family."""

    messages: tuple[Message, ...]
    signals: Mapping[str, Any] = {}
    drop: Drop | None = None
    """Why the step itself turned down what it made: counted as made, and written to the dropped door."""


Outcome = Sample | Drop | Hold | Propose | Sequence[Made | Sample]
"""What a per-sample operator may return. A sequence keeps the samples in it and adds the made ones."""


class Settled(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people have decided about a sample, all decisions that stand taken together."""

    state: Literal["waiting", "accepted", "edited", "rejected", "flagged", "disputed", "stale"] = "waiting"
    """`stale`: what was decided was decided about another text, so the sample is asked about again."""
    messages: tuple[Message, ...] | None = None
    """The edited messages, where the state is `edited`."""
    persons: tuple[str, ...] = ()
    """Who decided, in the order of their decisions."""
    scores: Mapping[str, Any] = {}
    """The last scores given, by name."""
    note: str = ""
    """The last note."""


def text_of(messages: Sequence[Message], role: Role) -> str:
    """All messages of one role, joined by a line feed."""
    return "\n".join(m.content for m in messages if m.role == role)
