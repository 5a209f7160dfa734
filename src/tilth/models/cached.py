"""Pay once: answers are kept by what was asked, equal requests in flight are one, and a budget is never exceeded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from tilth.models.base import Reply, Request
from tilth.models.endpoint import wire
from tilth.models.requests import RequestStore, Spent, canonical, key_of
from tilth.models.settings import Budget, Price
from tilth.models.structured import json_schema


class Source(Protocol):
    """A model that says what it sends, so that an answer can be found again."""

    name: str

    @property
    def identity(self) -> str:
        """As `ChatModel.identity`."""

    def parameters(self, request: Request) -> dict[str, Any]:
        """Everything an answer depends on beside messages, shape and draw."""

    async def answer(self, request: Request) -> Reply:
        """One answer."""


@dataclass
class Usage:
    """What happened to the requests of one model in this process."""

    sent: int = 0
    """Requests that went to the model."""
    reused: int = 0
    """Requests that the cache answered, or another equal request in flight."""
    prompt_tokens: int = 0
    """Of the requests sent."""
    completion_tokens: int = 0

    def cost(self, price: Price | None) -> float:
        """What the sent requests cost."""
        return price.of(self.prompt_tokens, self.completion_tokens) if price else 0.0


class Cached:
    """A model behind its cache. Failures are not kept: the next run asks again."""

    def __init__(
        self, inner: Source, kind: str, store: RequestStore, payer: str, meter: Meter, offline: bool
    ) -> None:
        self._inner, self._kind, self._store, self._payer = inner, kind, store, payer
        self._meter, self._offline = meter, offline
        self._flying: dict[str, asyncio.Future[Reply]] = {}
        self.name = inner.name
        self.usage = Usage()

    @property
    def identity(self) -> str:
        """The inner model's."""
        return self._inner.identity

    def content(self, request: Request) -> str:
        """Everything that the answer may depend on, as one text; the address and the key are no part of it."""
        schema = {"schema": json_schema(request.shape)} if request.shape is not None else {}
        return canonical(
            {
                "kind": self._kind,
                "model": self.name,
                "parameters": self._inner.parameters(request),
                "messages": [wire(message) for message in request.messages],
                "draw": request.draw,
                **schema,
            }
        )

    def known(self, request: Request) -> Reply | None:
        """The answer, if it was ever given."""
        return self._store.find(key_of(self.content(request)))

    async def answer(self, request: Request) -> Reply:
        """The answer from the cache, else from the model, which is asked once however many ask for the same."""
        content = self.content(request)
        key = key_of(content)
        found = self._store.find(key)
        if found is not None:
            self.usage.reused += 1
            return found
        if key in self._flying:
            self.usage.reused += 1
            return await asyncio.shield(self._flying[key])
        if self._offline:
            return Reply("", "failed", "offline, and the answer is not in the cache")
        return await self._fly(key, content, request)

    async def _fly(self, key: str, content: str, request: Request) -> Reply:
        flying = self._flying[key] = asyncio.get_running_loop().create_future()
        try:
            reply = await self._asked(key, content, request)
            flying.set_result(reply)
        finally:
            flying.cancel()
            del self._flying[key]
        return reply

    async def _asked(self, key: str, content: str, request: Request) -> Reply:
        reserved = await self._meter.reserve(request, self._inner.parameters(request))
        if reserved is None:
            return Reply("", "failed", self._meter.spent_up)
        reply = Reply("", "failed")
        try:
            reply = await self._inner.answer(request)
        finally:
            self._meter.settle(reserved, reply)
        self.usage.sent += 1
        self.usage.prompt_tokens += reply.prompt_tokens
        self.usage.completion_tokens += reply.completion_tokens
        if reply.state == "failed":
            return reply
        return self._store.add(key, self.name, self._payer, content, reply)


class Meter:
    """Holds a model to its budget: what a request may cost at most is set aside before it is sent."""

    def __init__(self, budget: Budget | None, price: Price | None, spent: Spent) -> None:
        self._budget, self._price = budget or Budget(), price or Price(input=0, output=0)
        self._requests, self._prompt, self._completion = spent
        self.spent_up = "the budget of the model is spent; raise `budget:` to go on"
        self.is_spent_up = False
        self._reserved = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def reserve(self, request: Request, parameters: dict[str, Any]) -> Spent | None:
        """Set aside what a request may cost; `None` where that would exceed the budget.

        While others are in flight it waits for what they leave over of what was set aside for them.
        """
        longest = parameters.get("max_tokens") or parameters.get("max_completion_tokens") or 0
        wanted = Spent(1, estimate(request), int(longest))
        while self._exceeds(wanted):
            if not self._reserved:
                self.is_spent_up = True
                return None
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._reserved += 1
        self._add(wanted, 1)
        return wanted

    def settle(self, reserved: Spent, reply: Reply) -> None:
        """Count what a request really cost in the place of what was set aside."""
        self._add(reserved, -1)
        if reply.state != "failed":
            self._add(Spent(1, reply.prompt_tokens, reply.completion_tokens), 1)
        self._reserved -= 1
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def _add(self, some: Spent, sign: int) -> None:
        self._requests += sign * some.requests
        self._prompt += sign * some.prompt_tokens
        self._completion += sign * some.completion_tokens

    def _exceeds(self, more: Spent) -> bool:
        budget = self._budget
        prompt, completion = self._prompt + more.prompt_tokens, self._completion + more.completion_tokens
        limits = (
            (budget.requests, self._requests + more.requests),
            (budget.tokens, prompt + completion),
            (budget.money, self._price.of(prompt, completion)),
        )
        return any(limit is not None and value > limit for limit, value in limits)


def estimate(request: Request) -> int:
    """Tokens of a prompt, guessed on the high side: a token for each hanzi, one for each three other characters."""
    total = 8
    for message in request.messages:
        plain = sum(character < "\u2e80" for character in message.content)
        total += 8 + len(message.content) - plain + -(-plain // 3)
    return total
