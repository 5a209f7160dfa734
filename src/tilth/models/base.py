"""What a language model is to Tilth: messages in, a reply in a named state out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tilth.sample import Message

State = Literal["done", "truncated", "refused", "unparsable", "failed"]


@dataclass(frozen=True)
class Generation:
    """How an answer is drawn."""

    max_new_tokens: int = 256
    temperature: float = 0.0
    """0 is greedy: the same request gives the same answer."""
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True)
class Reply:
    """What came back. Every request ends in exactly one state."""

    text: str
    state: State = "done"
    reason: str = ""
    """Why the state is not `done`."""
    prompt_tokens: int = 0
    completion_tokens: int = 0


class ChatModel(Protocol):
    """Something that answers a conversation."""

    name: str

    @property
    def identity(self) -> str:
        """What enters step keys and caches: kind, name and a digest of weights or of the address; never a secret."""

    def ask(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """One whole answer."""

    def stream(self, messages: Sequence[Message], generation: Generation) -> Iterator[str]:
        """The same answer, piece by piece."""
