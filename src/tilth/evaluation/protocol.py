"""What a comparison asks, of whom and how: fixed before the first answer, written down, and the key of every answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import msgspec

from tilth.models.base import Generation
from tilth.recipe.plan import content_key
from tilth.sample import Message, Sample, text_of

SideName = Literal["before", "after"]
BOTH: tuple[SideName, SideName] = ("before", "after")


@dataclass(frozen=True)
class Question:
    """One thing both models are asked."""

    id: str
    place: str
    """Where it comes from; unique in one comparison."""
    messages: tuple[Message, ...]
    """The conversation up to the answer that is asked for."""
    expected: str = ""
    """The answer the data has; empty where there is none."""

    @property
    def text(self) -> str:
        """All user messages, joined by a line feed."""
        return text_of(self.messages, "user")

    @property
    def sample(self) -> Sample:
        """The question with its expected answer, the only turn that carries loss."""
        prompt = tuple(m.replace(loss=False) if m.role == "assistant" else m for m in self.messages)
        return Sample(self.id, self.place, (*prompt, Message("assistant", self.expected)))


def question_of(sample: Sample) -> Question | None:
    """The question a sample asks: everything before its last answer; `None` where no user speaks."""
    turns = sample.messages
    last = max((i for i, m in enumerate(turns) if m.role == "assistant"), default=len(turns))
    prompt = turns[:last]
    if not any(m.role == "user" for m in prompt):
        return None
    expected = turns[last].content if last < len(turns) else ""
    return Question(sample.id, sample.place, prompt, expected)


@dataclass(frozen=True)
class Contestant:
    """One of the two sides."""

    name: str
    identity: str
    """Kind, name and a digest of the weights, or of the file the answers came from."""
    template: str = ""
    """Digest of the chat template the model is asked through."""


@dataclass(frozen=True)
class Protocol:
    """Everything that decides the answers."""

    questions: tuple[Question, ...]
    before: Contestant
    after: Contestant
    generation: Generation
    """The same on both sides."""
    seed: int
    """Draws the rows that the table shows, the sides of blind votes, and the resamples behind the intervals."""
    judge: Contestant | None = None
    """Who judges, if anyone; its identity has the prompts in it."""

    @cached_property
    def digest(self) -> str:
        """32 hex digits that stand for the whole protocol."""
        return content_key(self._body())

    def key(self, side: SideName, question: Question) -> str:
        """What decides one answer: the model, its template, the conversation and how the answer is drawn."""
        asked = self.side(side)
        return content_key(asked.identity, asked.template, _plain(question.messages), asdict(self.generation))

    def side(self, side: SideName) -> Contestant:
        """The contestant on one side."""
        return self.before if side == "before" else self.after

    def as_dict(self) -> dict[str, Any]:
        """What `report/protocol.json` holds."""
        return {"digest": self.digest, **self._body()}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Protocol:
        """The protocol that `report/protocol.json` holds."""
        fields = {key: value for key, value in found.items() if key != "digest"}
        return msgspec.convert(fields, cls)

    def _body(self) -> Mapping[str, Any]:
        questions = [
            {"id": q.id, "place": q.place, "messages": _plain(q.messages), "expected": q.expected}
            for q in self.questions
        ]
        return {
            "before": asdict(self.before),
            "after": asdict(self.after),
            "generation": asdict(self.generation),
            "seed": self.seed,
            "judge": self.judge and asdict(self.judge),
            "questions": questions,
        }


def _plain(messages: Sequence[Message]) -> Any:
    return msgspec.to_builtins(list(messages))
