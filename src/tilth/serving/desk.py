"""One model, one thread, one queue: requests are answered in the order they came while the event loop stays free."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tilth.models.base import ChatModel, Generation, Reply
from tilth.sample import Message

log = logging.getLogger(__name__)

Piece = str | Reply
"""A piece of an answer, or at last the whole reply in its final state."""


class Desk:
    """Where requests to one model wait for their turn. A model that breaks down gives a failed reply."""

    def __init__(self, model: ChatModel) -> None:
        self.model = model
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"tilth-{model.name}")
        self._closed = threading.Event()

    async def ask(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """One whole answer. A caller who leaves while still in the queue is taken out of it."""
        future = self._thread.submit(self.model.ask, messages, generation)
        try:
            await asyncio.wait([asyncio.wrap_future(future)])
        finally:
            future.cancel()
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
            return Reply("", "failed", "the server is closing")
        error = future.exception()
        if error is None:
            return None
        log.error("%s failed.", self.model.name, exc_info=error)
        return Reply("", "failed", str(error) or type(error).__name__)


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
