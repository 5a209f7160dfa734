"""A server of fixed latency on loopback that speaks just enough of the chat API, and may refuse what comes too fast.

`python -m benchmarks.models.server LATENCY_S [RATE]` prints its port, and on each GET what it has seen.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

ANSWER = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "水本身不湿。" * 20},
            }
        ],
        "usage": {"prompt_tokens": 40, "completion_tokens": 120, "total_tokens": 160},
    }
).encode()
REFUSAL = b'{"error": {"message": "too fast", "type": "rate_limit", "code": null}}'


class Seen:
    """When requests were answered and refused; at most `rate` a second are answered."""

    def __init__(self, rate: float) -> None:
        self.rate, self.left, self.at = rate, rate, time.perf_counter()
        self.answered: list[float] = []
        self.refused: list[float] = []

    def allow(self) -> bool:
        """Take one from the bucket, which fills at the rate and holds one second of it."""
        now = time.perf_counter()
        self.left = min(self.rate, self.left + (now - self.at) * self.rate)
        self.at = now
        if self.rate and self.left < 1:
            self.refused.append(now)
            return False
        self.left -= 1
        self.answered.append(now)
        return True


class Connection(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, latency_s: float, seen: Seen) -> None:
        self._latency_s, self._seen, self._buffer = latency_s, seen, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        if head.startswith(b"GET"):
            told = {"answered": self._seen.answered, "refused": self._seen.refused}
            self._send(200, json.dumps(told).encode())
        elif self._seen.allow():
            asyncio.get_running_loop().call_later(self._latency_s, self._send, 200, ANSWER)
        else:
            self._send(429, REFUSAL)

    def _send(self, status: int, body: bytes) -> None:
        if not self._transport.is_closing():
            head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)


async def main(latency_s: float, rate: float) -> None:
    """Serve until the process is ended."""
    seen = Seen(rate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(latency_s, seen), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float((*sys.argv, "0")[2])))
