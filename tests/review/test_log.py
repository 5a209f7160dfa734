"""The open log: several writers, torn lines, an event known by its id."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tilth.errors import FolderError
from tilth.store.decisions import append, event, read_log
from tilth.store.log import Log


def said(n):
    return {**event(f"{n:016x}", "accept"), "event_id": f"event-{n:04d}"}


def test_an_event_is_added_once(tmp_path):
    log = Log(tmp_path / "decisions.jsonl")
    assert [e["event_id"] for e in log.add([said(1), said(1)])] == ["event-0001"]
    assert log.add([said(1)]) == []
    assert len(list(read_log(log.path))) == 1


def test_many_writers_lose_nothing(tmp_path):
    logs = [Log(tmp_path / "decisions.jsonl") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: logs[n % 4].add([said(n)]), range(80)))
    assert sorted(e["event_id"] for e in read_log(logs[0].path)) == [f"event-{n:04d}" for n in range(80)]
    for log in logs:
        log.refresh()
        assert len(log.events) == 80


def test_what_another_process_appended_is_seen_before_ones_own(tmp_path):
    log = Log(tmp_path / "decisions.jsonl")
    log.add([said(1)])
    append(log.path, [said(2)])
    assert [e["event_id"] for e in log.add([said(3)])] == ["event-0002", "event-0003"]


def test_a_torn_last_line_is_cut_before_the_next_event(tmp_path):
    log = Log(tmp_path / "decisions.jsonl")
    log.add([said(1)])
    with log.path.open("ab") as handle:
        handle.write(b'{"event_id": "torn')
    assert log.refresh() == []
    log.add([said(2)])
    assert [e["event_id"] for e in read_log(log.path)] == ["event-0001", "event-0002"]


def test_a_log_that_was_replaced_is_read_anew(tmp_path):
    log = Log(tmp_path / "decisions.jsonl")
    log.add([said(1), said(2)])
    log.path.write_text("", encoding="utf-8")
    assert log.refresh() == []
    assert log.events == []


def test_half_a_character_pair_writes_nothing(tmp_path):
    log = Log(tmp_path / "decisions.jsonl")
    with pytest.raises(UnicodeEncodeError):
        log.add([said(1), {**said(2), "note": "\ud800"}])
    assert not log.path.exists() or log.path.read_bytes() == b""


def test_a_line_that_is_no_event_is_named_with_its_number(tmp_path):
    log = Log(tmp_path / "decisions.jsonl")
    log.add([said(1)])
    with log.path.open("ab") as handle:
        handle.write(b"{}\n")
    with pytest.raises(FolderError, match=r"decisions\.jsonl:2 is no decision"):
        log.refresh()
