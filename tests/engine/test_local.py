"""Work shared between processes: in order, this process takes its part, and a process that dies is told of."""

from __future__ import annotations

import os
import time

import pytest

from tilth.engine.local import Workers
from tilth.errors import TilthError


def ready() -> None:
    """Nothing to prepare."""


def slowly(task: tuple[int, float]) -> tuple[int, int]:
    number, seconds = task
    time.sleep(seconds)
    return number, os.getpid()


def dying(parent: int) -> int:
    if os.getpid() != parent:
        os._exit(1)
    time.sleep(1)
    return parent


def test_results_come_in_order_and_this_process_works_too():
    tasks = [(number, 0.05) for number in range(40)]
    with Workers(2, ready) as workers:
        found = list(workers.each(slowly, tasks))
        assert workers.beside(slowly, (7, 0.0))()[0] == 7
    assert [number for number, _ in found] == list(range(40))
    assert len({process for _, process in found} | {os.getpid()}) == 2


def test_one_worker_starts_no_other():
    with Workers(1, ready) as workers:
        assert {process for _, process in workers.each(slowly, [(0, 0.0), (1, 0.0)])} == {os.getpid()}
        assert workers.beside(slowly, (7, 0.0))() == (7, os.getpid())


def test_a_process_that_dies_is_told_of():
    with Workers(2, ready) as workers, pytest.raises(TilthError, match="a worker process died"):
        list(workers.each(dying, [os.getpid()] * 3))
