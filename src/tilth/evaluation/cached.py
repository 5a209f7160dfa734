"""Many questions to one model at once, each paid for once: what came is on disk before anything else happens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar, cast, runtime_checkable

import msgspec

from tilth.store.files import json_line, write_jsonl

C = TypeVar("C")


class Line(Protocol):
    """A dataclass that is kept as a line of a file."""

    @property
    def key(self) -> str:
        """Stands for everything that decides it."""


R = TypeVar("R", bound=Line)

Progress = Callable[[int, int], None]
"""Called with what is there and what is wanted."""


def cached_each(
    file: Path,
    shape: type[R],
    wanted: Mapping[str, C],
    ask: Callable[[str, C], Awaitable[R]],
    good: Callable[[R], bool],
    progress: Progress | None = None,
    model: object = None,
) -> dict[str, R]:
    """An answer for each wanted case, by its key; those that are in `file` and good are not asked for again.

    Args:
        file: JSON lines of `shape`, a dataclass with a `key`; it ends up holding what is wanted, in that order.
        shape: what a line is.
        wanted: key → case. The key stands for everything that decides the answer.
        ask: gives the answer to one case, with its key. The model limits how many are in flight.
        good: whether an answer may be used again; others are asked for once more the next time.
        progress: called after each answer.
        model: what is asked; if it holds connections, they are closed in the end.
    """
    known = {line.key: line for line in read_lines(file, shape) if good(line)}
    kept = {key: known[key] for key in wanted if key in known}
    write_jsonl(file, (asdict(cast(Any, line)) for line in known.values()))
    with file.open("ab") as handle:

        def done(key: str, answer: R) -> None:
            kept[key] = answer
            append(handle, answer)
            if progress:
                progress(len(kept), len(wanted))

        missing = {key: case for key, case in wanted.items() if key not in kept}
        if missing:
            run(_each(missing, ask, done), model)
    found = {key: kept[key] for key in wanted}
    write_jsonl(file, (asdict(cast(Any, line)) for line in found.values()))
    return found


def append(handle: IO[bytes], answer: Any) -> None:
    """Write one dataclass as a line, and make sure that it is on the disk."""
    handle.write(json_line(asdict(answer)).encode("utf-8"))
    handle.flush()
    os.fsync(handle.fileno())


async def _each(
    cases: Mapping[str, C], ask: Callable[[str, C], Awaitable[R]], done: Callable[[str, R], None]
) -> None:
    async def one(key: str, case: C) -> None:
        done(key, await ask(key, case))

    tasks = [asyncio.ensure_future(one(key, case)) for key, case in cases.items()]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@runtime_checkable
class Closing(Protocol):
    """A model that holds connections."""

    async def close(self) -> None:
        """Close them, in the event loop that opened them."""


def run(work: Coroutine[Any, Any, Any], model: object) -> Any:
    """Run a coroutine that asks a model to its end, also where a loop runs already, as in a notebook."""

    async def whole() -> Any:
        try:
            return await work
        finally:
            if isinstance(model, Closing):
                await model.close()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(whole())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, whole()).result()


def read_lines(file: Path, shape: type[R]) -> Iterator[R]:
    """The lines of a file that are of this shape; one that a kill cut short is passed over, and asked for again."""
    if not file.exists():
        return
    for line in file.read_bytes().splitlines():
        with suppress(msgspec.DecodeError):
            yield msgspec.json.decode(line, type=shape)
