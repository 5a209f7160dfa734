import json

from tilth.sources import entries, plan
from tilth.sources.base import Spec

from .helpers import put


def parts_of(path, shard_bytes):
    return [part for shard in plan([Spec(str(path))], shard_bytes=shard_bytes) for part in shard.parts]


def test_parts_know_the_number_of_their_first_entry(tmp_path):
    path = put(tmp_path, "a.jsonl", "".join(f'{{"n": {n}}}\n' for n in range(1, 101)))
    parts = parts_of(path, 100)
    assert len(parts) > 5
    assert parts[0].first == 1
    for part in parts:
        assert [entry.n for entry in entries(part)] == [entry.record["n"] for entry in entries(part)]


def test_parts_follow_each_other_without_a_gap(tmp_path):
    path = put(tmp_path, "a.jsonl", "".join(f'{{"n": {n}}}\n' for n in range(100)))
    parts = parts_of(path, 100)
    assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
    assert parts[-1].end == -1


def test_arrays_and_tables_are_cut_too(tmp_path):
    rows = [{"n": str(n)} for n in range(1, 101)]
    array = put(tmp_path, "a.json", json.dumps(rows, indent=1))
    table = put(tmp_path, "b.csv", "n\n" + "".join(f"{row['n']}\n" for row in rows))
    for path in (array, table):
        parts = parts_of(path, 64)
        assert len(parts) > 4
        found = [entry for part in parts for entry in entries(part)]
        assert [entry.record for entry in found] == rows
        assert [entry.n for entry in found] == list(range(1, 101))


def test_a_line_longer_than_a_shard_is_one_part(tmp_path):
    path = put(tmp_path, "a.jsonl", '{"n": 1}\n' + json.dumps({"n": "x" * 500}) + '\n{"n": 3}\n')
    assert [part.first for part in parts_of(path, 20)] == [1, 3]
