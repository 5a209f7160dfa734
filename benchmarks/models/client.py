"""Both sides in turn, in one process: `python -m benchmarks.models.client PORT REQUESTS SLOTS ROUNDS`.

`bare` is the official client and a semaphore; `tilth` is a connected model with its cache, its budget and its pace. The turns
are short and follow each other, so that what else the machine does meets both alike.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Ask = Callable[[str], Awaitable[Any]]
QUESTION = "第{}个问题（{}）：水是湿的吗？请说明理由，并指出题目里的陷阱。"


async def timed(ask: Ask, name: str, requests: int) -> dict[str, float]:
    """Seconds and CPU seconds of so many requests."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(ask(QUESTION.format(n, name)) for n in range(requests)))
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


async def both(url: str, requests: int, slots: int, rounds: int) -> list[dict[str, dict[str, float]]]:
    """What both sides took in each round."""
    from openai import AsyncOpenAI

    from tilth.models.base import Request
    from tilth.models.connect import connect
    from tilth.models.settings import Endpoint
    from tilth.sample import Message

    client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    turns = asyncio.Semaphore(slots)

    async def bare(question: str) -> str:
        async with turns:
            said = await client.chat.completions.create(
                model="m",
                messages=[{"role": "user", "content": question}],
                temperature=0.0,
                max_tokens=1024,
            )
            return said.choices[0].message.content or ""

    with tempfile.TemporaryDirectory() as folder:
        settings = Endpoint(kind="endpoint", base_url=url, name="m", concurrency=slots)
        model = connect(settings, Path(folder))

        async def tilth(question: str) -> str:
            reply = await model.answer(Request((Message("user", question),)))
            assert reply.state == "done", reply.reason
            return reply.text

        sides: dict[str, Ask] = {"bare": bare, "tilth": tilth}
        for name, ask in sides.items():
            await timed(ask, f"warm {name}", slots)
        found = []
        for number in range(rounds):
            # The side that goes first changes, so that neither has the better place.
            order = list(sides)[:: -1 if number % 2 else 1]
            found.append({name: await timed(sides[name], f"{name} {number}", requests) for name in order})
        await model.close()
    await client.close()
    return found


async def alone(url: str, requests: int, slots: int) -> None:
    """Our side alone, patiently."""
    from tilth.models.base import Request
    from tilth.models.connect import connect
    from tilth.models.settings import Endpoint
    from tilth.sample import Message

    with tempfile.TemporaryDirectory() as folder:
        model = connect(Endpoint(kind="endpoint", base_url=url, name="m", concurrency=slots), Path(folder))
        asked = [Request((Message("user", QUESTION.format(n, "")),)) for n in range(requests)]
        replies = await asyncio.gather(*(model.answer(request) for request in asked))
        assert {reply.state for reply in replies} == {"done"}
        await model.close()


def main() -> None:
    """Print what both sides took; with no rounds, ask with our side alone."""
    port, requests, slots, rounds = map(int, sys.argv[1:])
    url = f"http://127.0.0.1:{port}/v1"
    if not rounds:
        asyncio.run(alone(url, requests, slots))
        return
    print(json.dumps(asyncio.run(both(url, requests, slots, rounds))))


if __name__ == "__main__":
    main()
