"""Atomic files, the lock, the decision log and record files."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import FolderError, FormatError
from tilth.store.decisions import append, event, exemptions, standing
from tilth.store.files import atomic, json_line, read_jsonl, spaced, sweep, write_jsonl, write_text
from tilth.store.folder import RunFolder
from tilth.store.lock import is_locked, locked
from tilth.store.records import RecordWriter
from tilth.store.splits import keep_splits, sides_of, write_splits


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(TypeError), atomic(path) as handle:
        handle.writelines([b"half", None])
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_jsonl_is_written_as_json_dumps_writes_it(tmp_path):
    write_jsonl(tmp_path / "a.jsonl", [{"问": "答", "n": 1}])
    assert (tmp_path / "a.jsonl").read_bytes() == '{"问": "答", "n": 1}\n'.encode()
    assert list(read_jsonl(tmp_path / "a.jsonl")) == [{"问": "答", "n": 1}]
    assert list(read_jsonl(tmp_path / "none.jsonl")) == []


def test_a_line_has_the_bytes_of_json_dumps():
    value = {
        "小数": [0.1, 1e22, -0.0, 1.0, float("nan"), 5e-324],
        "字": '\u2028\x7f\x00"\\/\ud800😀',
        3: None,
        "t": (True, {}),
    }
    assert json_line(value) == json.dumps(value, ensure_ascii=False) + "\n"


def test_sweep_takes_leftovers_only(tmp_path):
    (tmp_path / ".a.txt.99.tmp").write_text("half", encoding="utf-8")
    (tmp_path / "a.tmp").write_text("mine", encoding="utf-8")
    sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tmp"]


def test_the_lock_is_held_and_given_back(tmp_path):
    with locked(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(FolderError), locked(tmp_path):
            pass
    assert not is_locked(tmp_path)


def test_decisions_are_added_once_and_can_be_undone(tmp_path):
    log = tmp_path / "decisions.jsonl"
    first = event("a" * 16, "restore", place="r:1", step="dedup.near")
    assert append(log, [first]) == 1
    assert append(log, [first]) == 0
    assert exemptions(log) == {"dedup.near": frozenset({"a" * 16})}
    append(log, [event("a" * 16, "undo", undoes=first["event_id"])])
    assert standing(log) == []
    assert exemptions(log) == {}
    assert len(list(read_jsonl(log))) == 2


def test_a_torn_decision_harms_neither_the_log_nor_the_next_one(tmp_path):
    log = tmp_path / "decisions.jsonl"
    append(log, [event("a" * 16, "restore", place="r:1", step="dedup.near")])
    log.write_bytes(log.read_bytes() + b'{"event_id": "ha')
    assert len(standing(log)) == 1
    append(log, [event("b" * 16, "flag")])
    assert [e["verdict"] for e in standing(log)] == ["restore", "flag"]
    log.write_bytes(log.read_bytes().replace(b"\n", b"\n[1]\n", 1))
    with pytest.raises(FolderError, match=r"decisions\.jsonl:2 is no decision"):
        standing(log)


def test_a_folder_without_run_json_is_no_run(tmp_path):
    with pytest.raises(FolderError, match="no run folder"):
        RunFolder(tmp_path).read_run()


@pytest.mark.parametrize(
    ("status", "message"), [("failed", "nothing was kept"), ("running", "has not finished")]
)
def test_later_commands_refuse_a_run_that_is_not_done(tmp_path, status, message):
    write_text(tmp_path / "run.json", f'{{"status": "{status}", "reason": "nothing was kept"}}')
    with pytest.raises(FolderError, match=message):
        RunFolder(tmp_path).require_done()


def test_a_table_opens_in_excel_and_refuses_what_it_has_no_column_for(tmp_path):
    with (tmp_path / "a.csv").open("wb") as handle:
        writer = RecordWriter(handle, "csv")
        writer.add({"问题": "a,b", "回答": "两\n行"})
        with pytest.raises(FormatError, match="no column"):
            writer.add({"问题": "a", "别的": "b"})
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_msgspec_encoded_is_spelled_as_the_standard_library_spells_it(value):
    assert spaced(msgspec.json.encode([value])) + b"\n" == json_line([value]).encode("utf-8")


@pytest.mark.parametrize("number", [5e-05, 1e-05, 0.0001, 1e15, 1e16, 1.5e300, 1e-320, -2.5e-5, 10**30])
def test_very_small_and_very_large_numbers_too(number):
    for value in ({"a": number}, {"a": [number], "b": 1}, [[number]]):
        assert spaced(msgspec.json.encode(value)) + b"\n" == json_line(value).encode("utf-8")


def test_sides_come_back_also_from_an_edited_file(tmp_path):
    path = tmp_path / "splits.jsonl"
    write_splits(path, [("a", "train"), ("b", "test")], 7)
    assert (
        path.read_bytes()
        == b'{"id": "a", "side": "train", "seed": 7}\n{"id": "b", "side": "test", "seed": 7}\n'
    )
    assert sides_of(path, 7) == {"a": "train", "b": "test"}
    assert sides_of(path, 8) == {}
    path.write_bytes(b'\xef\xbb\xbf{"note": 1, "id": "a",  "side": "test"}\r\n\r\n' + path.read_bytes())
    assert sides_of(path, None) == {"a": "test"}
    keep_splits(path, tmp_path / "kept.jsonl")
    assert sides_of(tmp_path / "kept.jsonl", 7) == {"a": "train", "b": "test"}
