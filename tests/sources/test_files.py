import pickle
from hashlib import blake2b

import pytest

from tilth.errors import SourceError
from tilth.sources import digest, plan, sniff
from tilth.sources.base import Spec

from .helpers import put, read


def test_small_files_share_a_shard_and_big_ones_are_cut(tmp_path):
    for name in "abcd":
        put(tmp_path, f"{name}.jsonl", '{"n": 1}\n' * 3)
    put(tmp_path, "e.jsonl", '{"n": 1}\n' * 40)
    shards = plan([Spec(str(tmp_path))], shard_bytes=100)
    assert [[part.name for part in shard.parts] for shard in shards][:2] == [
        ["a.jsonl", "b.jsonl", "c.jsonl"],
        ["d.jsonl"],
    ]
    assert [shard.index for shard in shards] == list(range(len(shards)))
    assert {part.name for shard in shards[2:] for part in shard.parts} == {"e.jsonl"}
    assert pickle.loads(pickle.dumps(shards)) == shards


def test_parts_know_their_source(tmp_path):
    specs = [Spec(str(put(tmp_path, "b.jsonl", '{"n": 1}\n'))), Spec(str(put(tmp_path, "a.csv", "n\n1\n")))]
    parts = [part for shard in plan(specs) for part in shard.parts]
    assert [(part.source, part.name, part.layout) for part in parts] == [
        (0, "b.jsonl", "lines"),
        (1, "a.csv", "table"),
    ]


def test_digest_is_of_the_bytes(tmp_path):
    path = put(tmp_path, "a.jsonl", "问\n")
    assert digest(str(path)) == blake2b("问\n".encode(), digest_size=16).hexdigest()
    with pytest.raises(SourceError, match="cannot be opened: No such file"):
        digest(str(tmp_path / "b.jsonl"))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"encoding": "utf-88"}, "unknown encoding 'utf-88'"), ({"encoding": "rot13"}, "unknown encoding"), ({"page": "word"}, "unknown `page: word`")],
)  # fmt: skip
def test_settings_are_checked_by_the_plan(tmp_path, change, message):
    path = put(tmp_path, "a.txt", "问\n")
    with pytest.raises(SourceError, match=message):
        plan([Spec(str(path), **change)])


def test_a_first_look(tmp_path):
    path = put(tmp_path, "a.json", "[" + ", ".join(f'{{"n": {n}}}' for n in range(50)) + "]")
    look = sniff(str(path), limit=3)
    assert (look.layout, look.records, look.encoding) == ("array", ({"n": 0}, {"n": 1}, {"n": 2}), "")


LINES = "".join(f'{{"问": "第{n}个问题"}}\n' for n in range(30))


@pytest.mark.parametrize(
    ("name", "data", "likely"),
    [
        ("a.jsonl", LINES.encode("gb18030"), "gb18030"),
        ("a.jsonl", b'{"a": "plain"}\n' * 50 + LINES.encode("gb18030"), "gb18030"),
        ("a.csv", "问题,回答\n一,二\n".encode("gbk"), "gb18030"),
        ("a.jsonl", LINES.encode("utf-16"), "utf-16"),
        ("a.json", ("[" + LINES.replace("\n", ",")[:-1] + "]").encode("gb18030"), "gb18030"),
        ("a.jsonl", LINES.encode(), ""),
        ("a.jsonl", LINES.encode() + b'{"a": "\xff"}\n', ""),
        ("a.jsonl", b"plain", ""),
        ("a.txt", b"\xff\xff\xff\n" * 9, ""),
    ],
)
def test_a_wrong_encoding_is_noticed(tmp_path, name, data, likely):
    look = sniff(str(put(tmp_path, name, data)))
    assert look.encoding == likely


def test_a_first_look_says_what_was_wrong_first(tmp_path):
    look = sniff(str(put(tmp_path, "a.jsonl", '{"n": 0}\n{broken\n{"n": 1}\n[[\n')))
    assert look.records == ({"n": 0}, {"n": 1})
    assert "JSON" in look.error


def test_a_declared_encoding_is_not_questioned(tmp_path):
    path = put(tmp_path, "a.jsonl", LINES.encode("gb18030"))
    assert sniff(str(path), encoding="gb18030").records[0] == {"问": "第0个问题"}
    assert sniff(str(path), encoding="gb18030").encoding == ""


def test_a_first_look_at_a_long_line_of_chinese(tmp_path):
    """The look ends inside a character; that is no sign of a wrong encoding."""
    path = put(tmp_path, "a.json", '[{"a": "' + "水" * 500_000 + '"}]')
    assert sniff(str(path)).encoding == ""
    assert len(read(path)) == 1
