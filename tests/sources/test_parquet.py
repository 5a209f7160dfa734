import datetime as dt
import json
from decimal import Decimal

import pytest

from tilth.errors import MissingExtra, SourceError
from tilth.sources import plan, sniff
from tilth.sources.base import Spec
from tilth.sources.layout import encoding_hint
from tilth.sources.parquet import plain

from .helpers import put, read, told
from .test_archive import pack

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def write(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_a_row_is_the_object_of_its_columns(tmp_path):
    columns = {
        "问": ["影子会累吗？", None],
        "分": [1, 2],
        "对话": [[{"role": "user", "content": "在吗"}], []],
        "好": [True, False],
    }
    path = write(tmp_path / "a.parquet", columns)
    assert told(read(path)) == [
        (1, {"问": "影子会累吗？", "分": 1, "对话": [{"role": "user", "content": "在吗"}], "好": True}),
        (2, {"问": None, "分": 2, "对话": [], "好": False}),
    ]
    assert all(json.loads(entry.raw) == entry.record for entry in read(path))
    assert (sniff(str(path)).layout, encoding_hint(str(path))) == ("parquet", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (dt.datetime(2024, 1, 2, 3, 4, 5), "2024-01-02T03:04:05"),  # noqa: DTZ001  most files have no time zones
        (dt.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC), "2024-01-02T03:04:05.000006+00:00"),
        (dt.date(2024, 1, 2), "2024-01-02"),
        (dt.time(3, 4, 5), "03:04:05"),
        (dt.timedelta(hours=30), "1 day, 6:00:00"),
        (Decimal("1.50"), "1.50"),
        ("天".encode(), "天"),
        ([{"at": dt.date(2024, 1, 2)}], [{"at": "2024-01-02"}]),
    ],
)
def test_what_json_has_no_word_for_becomes_text(tmp_path, value, text):
    assert told(read(write(tmp_path / "a.parquet", {"v": pa.array([value])}))) == [(1, {"v": text})]


def test_what_has_no_counterpart_in_json_is_refused():
    with pytest.raises(ValueError, match="a complex, which is no JSON value"):
        plain([1j])


def test_one_bad_value_harms_no_other_row(tmp_path):
    text = pa.array([b"a", b"\xff\xfe", b"c"])
    path = write(tmp_path / "a.parquet", {"n": [1, 2, 3], "v": text})
    good, bad, last = read(path)
    assert (good.record, last.record) == ({"n": 1, "v": "a"}, {"n": 3, "v": "c"})
    assert bad.error == "the column `v` holds 2 bytes that are no UTF-8 text"
    assert json.loads(bad.raw) == {"n": 2, "v": "//4="}


def test_text_that_is_no_utf8_harms_no_other_row(tmp_path):
    wrong = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    first, bad, last = read(write(tmp_path / "a.parquet", {"n": [1, 2, 3], "v": wrong}))
    assert (first.record["v"], last.record["v"], bad.n) == ("a", "c", 2)
    assert bad.error.startswith("the value in the column `v` cannot be read: 'utf-8' codec")
    assert json.loads(bad.raw) == {"n": 2}


def test_columns_of_one_name_are_told_apart(tmp_path):
    table = pa.table([pa.array([1]), pa.array([2]), pa.array([3])], names=["a", "a", ""])
    pq.write_table(table, tmp_path / "a.parquet")
    assert told(read(tmp_path / "a.parquet")) == [(1, {"a": 1, "a_2": 2, "column_3": 3})]


def test_row_groups_are_parts_that_count_on(tmp_path):
    path = write(tmp_path / "a.parquet", {"n": list(range(50))}, row_group_size=8)
    parts = [part for shard in plan([Spec(str(path))], shard_bytes=150) for part in shard.parts]
    assert len(parts) > 2
    assert told(read(path, shard_bytes=150)) == [(n + 1, {"n": n}) for n in range(50)] == told(read(path))


def test_what_lies_in_a_file_is_no_hint_at_its_encoding(tmp_path):
    text = pa.array([f"第{n}行\n".encode("gb18030") for n in range(50)])
    path = write(tmp_path / "a.parquet", {"t": text}, compression="none", use_dictionary=False)
    assert encoding_hint(str(path)) == ""


def test_an_empty_table_has_no_rows(tmp_path):
    assert read(write(tmp_path / "a.parquet", {"n": pa.array([], pa.int64())})) == []


def test_in_an_archive(tmp_path):
    path = write(tmp_path / "a.parquet", {"n": [1, 2]})
    assert told(read(pack(tmp_path / "a.zip", {"a.parquet": path.read_bytes()}))) == [
        (1, {"n": 1}),
        (2, {"n": 2}),
    ]


def test_a_damaged_row_group_harms_no_other(tmp_path):
    path = write(
        tmp_path / "a.parquet", {"t": [f"第{n}行" for n in range(30)]}, row_group_size=10, compression="zstd"
    )
    group = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    at = group.dictionary_page_offset
    data[at : at + group.total_compressed_size] = b"\xee" * group.total_compressed_size
    path.write_bytes(data)
    found = read(path)
    assert [entry.n for entry in found] == [*range(1, 12), *range(21, 31)]
    assert found[10].error.startswith("row group 2 is damaged, its rows 11 to 20 cannot be read: ")


def test_what_is_no_parquet_says_what_to_do(tmp_path):
    path = put(tmp_path, "a.parquet", b'{"n": 1}\n')
    with pytest.raises(
        SourceError, match=r"a.parquet cannot be read as Parquet: .* Download or write it again"
    ):
        plan([Spec(str(path))])


def test_the_library_is_optional(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet", {"n": [1]})
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tilth\[parquet\]'"):
        plan([Spec(str(path))])
