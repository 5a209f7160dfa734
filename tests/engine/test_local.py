"""Work shared between processes: in order, this process takes its part, and a process that dies is told of."""

from __future__ import annotations

import gc
import os
import random
import time

import pytest

from tests.engine.conftest import lines, record
from tilth.engine import run
from tilth.engine.local import SELDOM, Workers, seldom_collected
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


def nearly(text: str, rng: random.Random) -> str:
    """The text with up to two signs exchanged: some copies lie above the threshold, some below."""
    signs = list(text)
    for _ in range(rng.randint(0, 2)):
        signs[rng.randrange(len(signs))] = chr(rng.randint(0x4E00, 0x5600))
    return "".join(signs)


def test_near_duplicates_are_the_same_for_any_number_of_processes(project, monkeypatch):
    rng = random.Random(8)
    texts = [["".join(chr(rng.randint(0x4E00, 0x5600)) for _ in range(40)) for _ in "qa"] for _ in range(60)]
    p = project(
        lines(record(*(nearly(part, rng) for part in rng.choice(texts))) for _ in range(400)), "- dedup.near"
    )
    from tilth.sources import plan

    monkeypatch.setattr("tilth.engine.inputs.plan", lambda specs: plan(specs, shard_bytes=16_000))
    monkeypatch.setattr("tilth.operators.pairs.TASK_CHARACTERS", 2_000)
    outs = [("index", 1), ("index", 2), ("minhash", 1), ("minhash", 2), ("minhash", 3)]
    found = set()
    for way, workers in outs:
        monkeypatch.setattr("tilth.operators.near.EXACT_SAMPLES", 50_000 if way == "index" else 0)
        out = p.folder / f"{way}-{workers}"
        dropped = run(p.recipe, out, workers=workers)["counts"]["dropped"]
        assert 150 < dropped < 300
        names = ("dropped.jsonl", "data/train.jsonl", "data/index.jsonl")
        found.add(tuple((out / name).read_bytes() for name in names))
    assert len(found) == 1


def test_a_run_that_shared_nothing_starts_no_process_at_its_end():
    with Workers(2, ready) as workers:
        assert list(workers.each(abs, [-1])) == [1]
        assert workers.beside(abs, -2)() == 2
        assert workers._pool is None


def test_the_collector_of_cycles_is_left_as_it_was():
    before = gc.get_threshold()
    with seldom_collected():
        assert gc.get_threshold() == SELDOM
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def test_other_processes_look_for_cycles_seldom_too():
    with Workers(2, ready) as workers:
        assert {threshold for _, threshold in workers.each(threshold_of, range(8))} >= {SELDOM}


def threshold_of(_: int) -> tuple[int, tuple[int, int, int]]:
    time.sleep(0.05)
    return os.getpid(), gc.get_threshold()
