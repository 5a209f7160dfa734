"""One model, one thread, one queue: requests are answered in the order they came while the event loop stays free."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from tilth.models.base import ChatModel, Generation, Reply
from tilth.sample import Message

log = logging.getLogger(__name__)

Piece = str | Reply
"""A piece of an answer, or at last the whole reply in its final state."""
BATCH = 8
"""Requests answered at once, where the model can."""


class _Asked(NamedTuple):
    """A request that waits for its turn."""

    messages: Sequence[Message]
    generation: Generation
    reply: asyncio.Future[Reply]


class Desk:
    """Where requests to one model wait for their turn. A model that breaks down gives a failed reply.

    Whole answers are asked for in the order the requests came; those that wait together and want the same settings,
    greedily, go to a model that has `ask_many` as one batch. Each is answered as it would be alone.
    """

    def __init__(self, model: ChatModel) -> None:
        self.model = model
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"tilth-{model.name}")
        self._closed = threading.Event()
        self._asked: deque[_Asked] = deque()
        self._serving: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Requests for whole answers that have not begun."""
        return sum(not asked.reply.done() for asked in self._asked)

    async def ask(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """One whole answer. A caller who leaves while still in the queue is taken out of it."""
        asked = _Asked(messages, generation, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        return await asked.reply

    async def _serve(self) -> None:
        """Answer until nobody waits."""
        while batch := self._next():
            replies = await self._work(batch)
            for asked, reply in zip(batch, replies, strict=True):
                if not asked.reply.done():
                    asked.reply.set_result(reply)

    def _next(self) -> list[_Asked]:
        """The oldest request, and those behind it that can be answered with it."""
        while self._asked and self._asked[0].reply.done():
            self._asked.popleft()
        if not self._asked:
            return []
        first = self._asked.popleft()
        batch, left = [first], deque[_Asked]()
        together = hasattr(self.model, "ask_many") and first.generation.temperature == 0
        for asked in self._asked:
            if asked.reply.done():
                continue
            joins = together and len(batch) < BATCH and asked.generation == first.generation
            (batch if joins else left).append(asked)
        self._asked = left
        return batch

    async def _work(self, batch: list[_Asked]) -> list[Reply]:
        """The replies of a batch. Where it breaks down as a whole, each request is tried alone."""
        if len(batch) > 1:
            many: Any = self.model
            done = await self._run(many.ask_many, [asked.messages for asked in batch], batch[0].generation)
            if not isinstance(done, Reply):
                return list(done)
            log.warning("a batch of %d requests failed; each is asked alone.", len(batch))
        return [await self._run(self.model.ask, asked.messages, asked.generation) for asked in batch]

    async def _run(self, work: Any, *given: Any) -> Any:
        """What a call in the model's thread gives, or a failed reply."""
        if self._closed.is_set():
            return _closing()
        future = self._thread.submit(work, *given)
        await asyncio.wait([asyncio.wrap_future(future)])
        return self._failure(future) or future.result()

    async def stream(
        self, messages: Sequence[Message], generation: Generation
    ) -> AsyncGenerator[Piece, None]:
        """The pieces of an answer and then its `Reply`. Closing the iterator stops the model at its next piece."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[Piece | None] = asyncio.Queue()
        left = threading.Event()

        def work() -> None:
            for piece in _with_reply(self.model.stream(messages, generation)):
                if left.is_set() or self._closed.is_set():
                    return
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def finished(_: Future[None]) -> None:
            if not left.is_set():
                loop.call_soon_threadsafe(pieces.put_nowait, None)

        future = self._thread.submit(work)
        future.add_done_callback(finished)
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            failure = self._failure(future)
            if failure is not None:
                yield failure
        finally:
            left.set()
            future.cancel()

    def close(self) -> None:
        """Take no more requests and let the running stream end."""
        self._closed.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _failure(self, future: Future[Any]) -> Reply | None:
        """The failed reply for a request during which the model raised."""
        if future.cancelled():
            return _closing()
        error = future.exception()
        if error is None:
            return None
        log.error("%s failed.", self.model.name, exc_info=error)
        return Reply("", "failed", str(error) or type(error).__name__)


def _closing() -> Reply:
    return Reply("", "failed", "the server is closing")


def _with_reply(pieces: Iterator[str]) -> Iterator[Piece]:
    """The pieces and then the reply: the generator's return value where it has one, else the text itself."""
    text: list[str] = []
    try:
        while True:
            try:
                piece = next(pieces)
            except StopIteration as end:
                yield end.value or Reply("".join(text))
                return
            text.append(piece)
            yield piece
    finally:
        if isinstance(pieces, Generator):
            pieces.close()
