"""The local engine: shards over this process and others beside it, results in source order."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from tilth.errors import TilthError

AHEAD = 2
"""Tasks that another process is given before it has done the first."""

SELDOM = 20_000, 20, 50
"""New objects, and rounds of looking at these and at older ones, before cycles of references are looked for."""

A = TypeVar("A")
B = TypeVar("B")


def default_workers() -> int:
    """As many processes as this process may use cores."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let Python look for cycles of references seldom, and never among what stands already.

    Samples and records hold no cycles, and come by the thousand: looking each time cost a seventh of a whole run.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _begin(prepare: Callable[[], object]) -> None:
    prepare()
    gc.freeze()
    gc.set_threshold(*SELDOM)


class Workers:
    """This process and, where more than one is wanted, others beside it.

    The others start with the first work that can be shared and live as long as the run: what they have imported serves
    every stage. This process works too instead of waiting.
    """

    def __init__(self, count: int, prepare: Callable[[], object]) -> None:
        """`count` includes this process; the others call `prepare` before they begin."""
        self.count, self._prepare = count, prepare
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def each(self, function: Callable[[A], B], tasks: Sequence[A]) -> Iterator[B]:
        """Results of `function` over `tasks`, in their order. One task, or one worker, stays in this process.

        Raises:
            TilthError: a worker process died.
        """
        if len(tasks) <= 1 or self.count <= 1:
            yield from map(function, tasks)
            return
        left = deque(enumerate(tasks))
        begun: dict[int, Future[B]] = {}
        own: dict[int, B] = {}
        with _alive():
            for index in range(len(tasks)):
                while index not in own and not (index in begun and (begun[index].done() or not left)):
                    self._feed(function, left, begun)
                    if left:
                        number, task = left.popleft()
                        own[number] = function(task)
                yield own.pop(index) if index in own else begun.pop(index).result()

    def _feed(
        self, function: Callable[[A], B], left: deque[tuple[int, A]], begun: dict[int, Future[B]]
    ) -> None:
        """Give each of the others a task to do and one to go on with."""
        busy = sum(not future.done() for future in begun.values())
        while left and busy < AHEAD * (self.count - 1):
            number, task = left.popleft()
            begun[number] = self._others.submit(function, task)
            busy += 1

    def beside(self, function: Callable[[A], B], task: A, *, worth: bool = False) -> Callable[[], B]:
        """Begin something in another process; what is returned waits for the result.

        Where no other process runs yet and it is not worth one, it is done here when its result is asked for: a run whose
        work is never shared is small, and to start a process would take longer than its work.
        """
        if self._pool is None and not (worth and self.count > 1):
            return lambda: function(task)
        with _alive():
            future = self._others.submit(function, task)

        def result() -> B:
            with _alive():
                return future.result()

        return result

    @property
    def _others(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.count - 1, context, _begin, (self._prepare,))
        return self._pool


@contextmanager
def _alive() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool:
        raise TilthError(
            "a worker process died, perhaps for want of memory.",
            "Finished shards are kept; run again with one worker. A script of your own must call Tilth under "
            'if __name__ == "__main__".',
        ) from None
