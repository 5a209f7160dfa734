"""What a language model is to Tilth: messages in, a reply in a named state out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

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
class Request:
    """One thing to ask. Equal requests have equal answers: the cache knows them by their content."""

    messages: tuple[Message, ...]
    generation: Generation | None = None
    """How to draw the answer; `None` leaves it to what the recipe says of the model."""
    shape: type[Any] | None = None
    """A msgspec type, usually a Struct: the answer must be JSON of this type."""
    draw: int = 0
    """0 for the first answer to a request, 1 for a second one, and so on. Never a row number."""


@dataclass(frozen=True)
class Reply:
    """What came back. Every request ends in exactly one state."""

    text: str
    state: State = "done"
    reason: str = ""
    """Why the state is not `done`."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    data: Any = None
    """The answer as a value of the request's `shape`, where one was asked for and the state is `done`."""
    thinking: str = ""
    """What the model wrote for itself before it answered; it is no part of `text`."""


class ChatModel(Protocol):
    """Something that answers a conversation."""

    name: str

    @property
    def identity(self) -> str:
        """What enters step keys and caches: kind, name and a digest of weights or of the settings; never a secret."""

    def ask(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """One whole answer."""

    def stream(self, messages: Sequence[Message], generation: Generation) -> Iterator[str]:
        """The same answer, piece by piece."""


class AsyncChatModel(Protocol):
    """Something that answers many requests at once: what operators and judges are handed.

    `tilth.models.connect.connect` makes one from the `models:` section of a recipe.
    """

    name: str

    @property
    def identity(self) -> str:
        """As `ChatModel.identity`: another answer to the same request means another identity."""

    async def answer(self, request: Request) -> Reply:
        """One answer. It never raises for what a server does: the state says how the request ended."""
