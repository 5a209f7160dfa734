"""Work shared between processes: in order, this process takes its part, and a process that dies is told of."""

from __future__ import annotations

import os
import time

import pytest

from tests.engine.conftest import QUESTIONS, lines, record
from tilth.engine import run
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


def test_a_set_step_looks_at_samples_again_in_all_processes(project, monkeypatch):
    rows = [
        record(f"{q}（{i}）", f"这要分两层来看，{q * 4}" + "好" * (i % 2))
        for q in QUESTIONS
        for i in range(8)
    ]
    p = project(lines(rows), "- dedup.near: {on: answer}")
    from tilth.sources import plan

    monkeypatch.setattr("tilth.engine.inputs.plan", lambda specs: plan(specs, shard_bytes=8_000))
    run(p.recipe, p.folder / "indexed", workers=1)
    monkeypatch.setattr("tilth.operators.near.EXACT_SAMPLES", 0)
    one, two = (run(p.recipe, p.folder / f"{n}", workers=n) for n in (1, 2))
    assert one["counts"]["dropped"] == 7 * len(QUESTIONS)
    assert two["counts"] == one["counts"]
    dropped = [(p.folder / name / "dropped.jsonl").read_bytes() for name in ("indexed", "1", "2")]
    assert dropped[0] == dropped[1] == dropped[2]


def test_a_run_that_shared_nothing_starts_no_process_at_its_end():
    with Workers(2, ready) as workers:
        assert list(workers.each(abs, [-1])) == [1]
        assert workers.beside(abs, -2)() == 2
        assert workers._pool is None
