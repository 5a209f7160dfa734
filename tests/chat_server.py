"""A real HTTP server on loopback that plays an OpenAI-compatible endpoint, faults included, as a script tells it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Act:
    """What the server does with one request."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    """Before the answer begins."""
    drip_s: float = 0.0
    """Between two bytes of the body."""
    cut: bool = False
    """Close the connection in the middle of the body."""


def completion(
    text: str | None, finish: str = "stop", refusal: str | None = None, tokens=(7, 3), **more: str
) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": refusal, **more}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
    }


def say(text: str, **more: Any) -> Act:
    return Act(json.dumps(completion(text)).encode(), **more)


def give(value: Any, **more: Any) -> Act:
    return Act(json.dumps(value).encode(), **more)


def fail(status: int, message: str = "no", **headers: str) -> Act:
    body = json.dumps({"error": {"message": message, "type": "t", "code": None}}).encode()
    return Act(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


class ChatServer:
    """Answers each request with what `play(body, n)` says, where n counts the requests from 0."""

    def __init__(self, play: Callable[[dict[str, Any], int], Act]) -> None:
        self.play = play
        self.seen: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.keys: list[str] = []
        self.statuses: list[int] = []
        self.working = self.most = 0

    @property
    def questions(self) -> Counter[str]:
        """How often each last message came."""
        return Counter(body["messages"][-1]["content"] for body in self.seen)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ValueError, OSError):
            while await self._one(reader, writer):
                pass
        writer.close()
        with suppress(asyncio.CancelledError, OSError):
            await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first = await reader.readexactly(1)
        if first == b"\x16":
            # A TLS hello: this server speaks plain HTTP.
            writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = {k.lower(): v for k, _, v in (line.partition(": ") for line in head.split("\r\n")[1:])}
        body = json.loads(await reader.readexactly(int(fields.get("content-length", 0))) or b"{}")
        if head.startswith("GET "):
            return await _answer(writer, give({"object": "list", "data": []}))
        self.seen.append(body)
        self.times.append(time.perf_counter())
        self.keys.append(fields.get("authorization", ""))
        act = self.play(body, len(self.seen) - 1)
        self.statuses.append(act.status)
        self.working += 1
        self.most = max(self.most, self.working)
        try:
            if act.wait_s:
                await asyncio.sleep(act.wait_s)
            return await _answer(writer, act)
        finally:
            self.working -= 1


async def _answer(writer: asyncio.StreamWriter, act: Act) -> bool:
    headers = {"content-type": "application/json", "content-length": str(len(act.body)), **act.headers}
    lines = [f"HTTP/1.1 {act.status} X", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    if act.cut:
        writer.write(act.body[: len(act.body) // 2])
        await writer.drain()
        return False
    if not act.drip_s:
        writer.write(act.body)
        await writer.drain()
        return True
    for byte in act.body:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(act.drip_s)
    return True


@contextmanager
def playing(play: Callable[[dict[str, Any], int], Act]) -> Iterator[tuple[ChatServer, str]]:
    """Serve while the block runs; gives the server and the address for `base_url`."""
    server = ChatServer(play)
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    port: list[int] = []

    async def go() -> None:
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=512)
        port.append(listener.sockets[0].getsockname()[1])
        ready.set()
        async with listener:
            with suppress(asyncio.CancelledError):
                await listener.serve_forever()

    task = loop.create_task(go())
    thread = threading.Thread(target=_until_done, args=(loop, task))
    thread.start()
    ready.wait()
    try:
        yield server, f"http://127.0.0.1:{port[0]}/v1"
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()


def _until_done(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    for other in asyncio.all_tasks(loop):
        other.cancel()
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(other)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
