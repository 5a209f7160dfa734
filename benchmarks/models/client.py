"""One side of the comparison, in a process of its own: `python -m benchmarks.models.client SIDE PORT REQUESTS SLOTS`.

`bare` is the official client and a semaphore; `tilth` is a connected model with its cache, its budget and its pace.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Ask = Callable[[str], Awaitable[Any]]
QUESTION = "第{}个问题：水是湿的吗？请说明理由，并指出题目里的陷阱。"


async def timed(ask: Ask, requests: int, slots: int) -> dict[str, float]:
    """Seconds and CPU seconds of so many requests, once the connections are open."""
    await asyncio.gather(*(ask(QUESTION.format(f"热身{n}")) for n in range(slots)))
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(ask(QUESTION.format(n)) for n in range(requests)))
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


async def bare(url: str, requests: int, slots: int) -> dict[str, float]:
    """The official client alone."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    turns = asyncio.Semaphore(slots)

    async def ask(question: str) -> str:
        async with turns:
            said = await client.chat.completions.create(
                model="m",
                messages=[{"role": "user", "content": question}],
                temperature=0.0,
                max_tokens=1024,
            )
            return said.choices[0].message.content or ""

    found = await timed(ask, requests, slots)
    await client.close()
    return found


async def tilth(url: str, requests: int, slots: int) -> dict[str, float]:
    """Our way, as a run asks."""
    from tilth.models.base import Request
    from tilth.models.connect import connect
    from tilth.models.settings import Endpoint
    from tilth.sample import Message

    settings = Endpoint(kind="endpoint", base_url=url, name="m", concurrency=slots)
    with tempfile.TemporaryDirectory() as folder:
        model = connect(settings, Path(folder))

        async def ask(question: str) -> str:
            reply = await model.answer(Request((Message("user", question),)))
            assert reply.state == "done", reply.reason
            return reply.text

        found = await timed(ask, requests, slots)
        await model.close()
    return found


def main() -> None:
    """Print what one side took."""
    side, port, requests, slots = sys.argv[1:]
    ask = {"bare": bare, "tilth": tilth}[side]
    print(json.dumps(asyncio.run(ask(f"http://127.0.0.1:{port}/v1", int(requests), int(slots)))))


if __name__ == "__main__":
    main()
