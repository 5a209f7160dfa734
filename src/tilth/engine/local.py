"""The local engine: shards over a pool of processes, results in source order."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tilth.errors import TilthError

A = TypeVar("A")
B = TypeVar("B")


def default_workers() -> int:
    """As many processes as this process may use cores."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def each(function: Callable[[A], B], tasks: Sequence[A], workers: int) -> Iterator[B]:
    """Results of `function` over `tasks`, in their order. One task, or one worker, stays in this process.

    Raises:
        TilthError: a worker process died.
    """
    if len(tasks) <= 1 or workers <= 1:
        yield from map(function, tasks)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context)
    try:
        yield from pool.map(function, tasks)
    except BrokenProcessPool:
        raise TilthError(
            "a worker process died, perhaps for want of memory.",
            "Finished shards are kept; run again with one worker. A script of your own must call Tilth under "
            'if __name__ == "__main__".',
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
