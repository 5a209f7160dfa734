"""Hostile files: whatever lies in a line or an element, its neighbours come through."""

import bz2
import codecs
import gzip
import json
import lzma

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.errors import SourceError
from tilth.sources import entries, entry_at, plan
from tilth.sources.base import Part, Spec

from .helpers import put, read, told

ONE, TWO = '{"问": "一"}', '{"问": "二"}'
HOSTILE = {
    "truncated": (b'{"a": "b', "the JSON ends too early"),
    "invalid UTF-8": (b'{"a": "\xff"}', "invalid UTF-8 at byte 7"),
    "GBK": ('{"a": "问"}'.encode("gbk"), "invalid UTF-8 at byte 7"),
    "NaN": (b'{"a": NaN}', "NaN is no JSON number (byte 6)"),
    "surrogate": (b'{"a": "\\ud800"}', "half of a surrogate pair at byte 7"),
    "too large": (b'{"a": 1e999}', "a number is too large to be read"),
    "control": (b'{"a": "\x01"}', "a control character in the text must be escaped (byte 7)"),
    "deep": (b'{"a":' * 3000 + b"1" + b"}" * 3000, "the JSON is nested more than 200 levels deep"),
    "NUL": (b"\x00\x00\x00", "a control character in the text must be escaped (byte 0)"),
    "no JSON": ("只是一句话".encode(), "no valid JSON: invalid character (byte 0)"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_broken_line_is_alone(tmp_path, name):
    raw, error = HOSTILE[name]
    path = put(tmp_path, "raw.jsonl", ONE.encode() + b"\n" + raw + b"\n" + TWO.encode())
    found = read(path)
    assert told(found) == [(1, {"问": "一"}), (2, error), (3, {"问": "二"})]
    assert found[1].raw == raw


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - {"truncated"}))
def test_a_broken_element_is_alone(tmp_path, name):
    raw, error = HOSTILE[name]
    path = put(tmp_path, "raw.json", b"[" + ONE.encode() + b",\n" + raw + b",\n" + TWO.encode() + b"]")
    found = read(path)
    assert told(found) == [(1, {"问": "一"}), (2, error), (3, {"问": "二"})]
    assert found[1].raw == raw


@pytest.mark.parametrize("value", ["null", "3", '"字"', "true", "[1]"])
def test_values_that_are_no_objects_are_the_formats_business(tmp_path, value):
    assert [entry.record for entry in read(put(tmp_path, "a.jsonl", f"{ONE}\n{value}\n"))][1] == json.loads(
        value
    )


@pytest.mark.parametrize(
    "data",
    [
        f"{ONE}\n{TWO}\n",
        f"{ONE}\n{TWO}",
        f"{ONE}\r\n{TWO}\r\n",
        f"\ufeff{ONE}\n{TWO}\n",
        f"\ufeff[{ONE},{TWO}]",
        f"[{ONE}, {TWO}]",
        f"[\r\n  {ONE},\r\n  {TWO}\r\n]\r\n",
        json.dumps([json.loads(ONE), json.loads(TWO)], indent=2),
    ],
)
@pytest.mark.parametrize("suffix", ["json", "jsonl", "ndjson"])
def test_the_layout_is_what_the_file_holds(tmp_path, data, suffix):
    assert told(read(put(tmp_path, f"a.{suffix}", data))) == [(1, {"问": "一"}), (2, {"问": "二"})]


def test_line_separators_of_unicode_are_text(tmp_path):
    text = "甲\u2028乙\u2029丙\x85丁\x0b戊\x0c己"
    line = '{"a": "' + text.replace("\x0b", "\\u000b").replace("\x0c", "\\u000c") + '"}'
    assert told(read(put(tmp_path, "a.jsonl", f"{line}\n{TWO}\n"))) == [(1, {"a": text}), (2, {"问": "二"})]


def test_blank_lines_have_a_number_and_no_record(tmp_path):
    found = read(put(tmp_path, "a.jsonl", f"\n{ONE}\n  \t\r\n\n{TWO}\n\n"))
    assert [(entry.n, entry.blank) for entry in found] == [
        (1, True), (2, False), (3, True), (4, True), (5, False), (6, True),
    ]  # fmt: skip


def test_a_line_of_fifty_megabytes(tmp_path):
    answer = "水" * (50 * 1024 * 1024 // 3)
    path = put(tmp_path, "a.jsonl", f'{ONE}\n{{"a": "{answer}"}}\n{TWO}\n')
    found = read(path)
    assert [entry.error for entry in found] == ["", "", ""]
    assert len(found[1].record["a"]) == len(answer)
    assert found[2].n == 3


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "tsv", "txt", "md"])
def test_an_empty_file_has_no_entries(tmp_path, suffix):
    assert read(put(tmp_path, f"a.{suffix}", b"")) == []


@pytest.mark.parametrize("data", ["[]", " [ ]\n", "\ufeff[\n]\n"])
def test_an_empty_array_has_no_entries(tmp_path, data):
    assert read(put(tmp_path, "a.json", data)) == []


def test_lines_of_bare_lists(tmp_path):
    row = '[{"role": "user", "content": "问"}]'
    found = read(put(tmp_path, "a.jsonl", f"{row}\n{row}\n[{{\n{row}\n"))
    assert [entry.n for entry in found if not entry.error] == [1, 2, 4]
    assert found[0].record == [{"role": "user", "content": "问"}]


@pytest.mark.parametrize(
    "text", ['{\n  "a": [\n    {"b": 1},\n    {"b": 2}\n  ]\n}', '{"a": 1,\n "b": 2}\n', "\ufeff{\n}"]
)
def test_one_object_over_several_lines_is_one_record(tmp_path, text):
    assert told(read(put(tmp_path, "a.json", text))) == [(1, json.loads(text.removeprefix("\ufeff")))]


def test_a_broken_object_over_several_lines_is_one_entry(tmp_path):
    assert told(read(put(tmp_path, "a.json", '{\n  "a": 1,\n}\n'))) == [
        (1, "no valid JSON: trailing comma in object (byte 12)")
    ]


def test_an_array_that_derails_gives_what_came_before_and_one_rest(tmp_path):
    data = f'[{ONE}, {TWO}, {{"问": "没有引号}}, {ONE}, {TWO}]'
    found = read(put(tmp_path, "a.json", data))
    assert told(found)[:2] == [(1, {"问": "一"}), (2, {"问": "二"})]
    assert len(found) == 3
    assert "has no end" in found[2].error
    assert found[2].raw.decode() == f'{{"问": "没有引号}}, {ONE}, {TWO}]'


@pytest.mark.parametrize(
    ("data", "error"), [(f"[{ONE}, {TWO}", "is not closed"), (f"[{ONE}, {TWO}] 完", "behind the end")]
)
def test_an_array_that_ends_oddly_says_so(tmp_path, data, error):
    found = read(put(tmp_path, "a.json", data))
    assert told(found)[:2] == [(1, {"问": "一"}), (2, {"问": "二"})]
    assert error in found[2].error


def test_text_is_a_document_a_line_and_markdown_a_document_a_file(tmp_path):
    text = "\ufeff第一\r\n\r\n第二"
    lines = [(1, {"text": "第一"}), (3, {"text": "第二"})]
    whole = [(1, {"text": "第一\r\n\r\n第二"})]
    assert told(read(put(tmp_path, "a.txt", text))) == lines
    assert told(read(put(tmp_path, "a.md", text))) == whole
    assert told(read(tmp_path / "a.txt", page="file")) == whole
    assert told(read(tmp_path / "a.md", page="line")) == lines


def test_broken_text_is_alone(tmp_path):
    found = read(put(tmp_path, "a.txt", b"good\nb\xffd\nalso\n"))
    assert told(found) == [(1, {"text": "good"}), (2, "invalid UTF-8 at byte 1"), (3, {"text": "also"})]
    assert told(read(put(tmp_path, "b.md", b"b\xffd"))) == [(1, "invalid UTF-8 at byte 1")]
    assert read(put(tmp_path, "c.md", " \n"))[0].blank


@pytest.mark.parametrize(
    ("suffix", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", f"{ONE}\n{TWO}\n"),
        ("a.json", f"[{ONE},{TWO}]"),
        ("a.csv", "问\n一\n二\n"),
        ("A.JSONL", f"\ufeff{ONE}\n{TWO}"),
    ],
)
def test_compressed_files(tmp_path, suffix, compress, name, data):
    path = put(tmp_path, f"{name}.{suffix}", compress(data.encode()))
    assert told(read(path, shard_bytes=1)) == [(1, {"问": "一"}), (2, {"问": "二"})]


@pytest.mark.parametrize(
    ("suffix", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
def test_a_damaged_compressed_file_gives_what_can_be_read(tmp_path, suffix, compress):
    packed = compress("".join(f'{{"n": {n}}}\n' for n in range(60_000)).encode())
    found = read(put(tmp_path, f"a.jsonl.{suffix}", packed[: len(packed) // 2]))
    assert "is damaged" in found[-1].error
    assert [entry.n for entry in found] == list(range(1, len(found) + 1))
    assert all(not entry.error for entry in found[:-1])
    assert told(read(put(tmp_path, f"b.jsonl.{suffix}", b"no archive")))[0][0] == 1


def test_gb18030_is_read_line_by_line(tmp_path):
    lines = ['{"a": "中文𠮷"}'.encode("gb18030"), b'{"a": "\xff"}', b'{"a": "plain"}']
    found = read(put(tmp_path, "a.jsonl", b"\n".join(lines)), encoding="GB18030", shard_bytes=1)
    assert told(found) == [(1, {"a": "中文𠮷"}), (2, "invalid gb18030 at byte 7"), (3, {"a": "plain"})]
    assert found[0].raw == '{"a": "中文𠮷"}'.encode()
    assert found[1].raw == lines[1]


@pytest.mark.parametrize(
    "encoding", ["gb18030", "gbk", "big5", "utf-16", "utf-16-le", "utf-32", "shift_jis", "utf-8-sig"]
)
def test_encodings(tmp_path, encoding):
    rows = [{"問": "一、[功]"}, {"問": '許\\{"蓋"'}]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    expected = list(enumerate(rows, 1))
    assert told(read(put(tmp_path, "a.jsonl", text.encode(encoding)), encoding=encoding)) == expected
    array = json.dumps(rows, ensure_ascii=False, indent=1)
    assert told(read(put(tmp_path, "b.json", array.encode(encoding)), encoding=encoding)) == expected
    table = "問\n一\n"
    assert told(read(put(tmp_path, "c.csv", table.encode(encoding)), encoding=encoding)) == [
        (1, {"問": "一"})
    ]


def test_wrong_bytes_of_an_encoding_that_is_decoded_whole_are_alone(tmp_path):
    text = (
        codecs.BOM_UTF16_LE
        + '{"a": "'.encode("utf-16-le")
        + b"\x0a\xd8"
        + f'"}}\n{TWO}\n'.encode("utf-16-le")
    )
    found = read(put(tmp_path, "a.jsonl", text), encoding="utf-16")
    assert told(found) == [(1, "invalid UTF-8 at byte 7"), (2, {"问": "二"})]
    assert b"\xff0ad8" in found[0].raw
    array = f'[{ONE}, {{"a": "？"}}, {TWO}]'.encode("gbk").replace("？".encode("gbk"), b"\x80")
    assert [entry.error[:13] for entry in read(put(tmp_path, "b.json", array), encoding="gbk")] == [
        "",
        "invalid UTF-8",
        "",
    ]


def test_tables(tmp_path):
    data = '\ufeffquestion,answer,\r\n"一,\r\n二",答,x\r\n\r\n三,"他说""好"""\r\n四,"",,\r\n'
    found = read(put(tmp_path, "a.csv", data))
    assert told(found) == [
        (1, {"question": "一,\r\n二", "answer": "答", "column_3": "x"}),
        (2, {"question": "三", "answer": '他说"好"'}),
        (3, {"question": "四", "answer": "", "column_3": ""}),
    ]
    assert sum(entry.blank for entry in found) == 1
    assert found[0].raw == '"一,\r\n二",答,x'.encode()


def test_rows_that_cannot_be_read_are_alone(tmp_path):
    data = b'a,b\n1,2\n3,\xff\n4,5,6\n"7,8\n9,10\n11,"x"y\n12,13\n'
    found = read(put(tmp_path, "a.csv", data))
    quotes = "the quotes of this row do not match"
    assert told(found) == [
        (1, {"a": "1", "b": "2"}),
        (2, "invalid UTF-8 at byte 2"),
        (3, "the row has 3 cells, the header has 2"),
        (4, quotes),
        (5, {"a": "9", "b": "10"}),
        (6, quotes),
        (7, {"a": "12", "b": "13"}),
    ]
    assert [entry.raw for entry in found][1:4] == [b"3,\xff", b"4,5,6", b'"7,8']


def test_tsv_cells_may_hold_quotation_marks(tmp_path):
    found = read(put(tmp_path, "a.tsv", '问\t答\n"引" 一\t二\n"没完\t三\n"a\nb"\t四\n五\t六\n'))
    assert told(found) == [
        (1, {"问": '"引" 一', "答": "二"}),
        (2, {"问": '"没完', "答": "三"}),
        (3, {"问": "a\nb", "答": "四"}),
        (4, {"问": "五", "答": "六"}),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", '问;答\r\n"一，\r\n二";答\r\n'),
        ("a.csv", '问\t答\n"一，\r\n二"\t答\n'),
        ("a.csv", '问|答\n"一，\r\n二"|答\n'),
        ("a.tsv", '问,答\n"一，\r\n二",答\n'),
        ("a.csv", 'sep=;\r\n问;答\r\n"一，\r\n二";答\r\n'),
        ("a.csv", '\ufeff"sep=|"\n问|答\n"一，\r\n二"|答\n'),
    ],
)
def test_the_first_row_shows_the_delimiter(tmp_path, name, data):
    assert told(read(put(tmp_path, name, data))) == [(1, {"问": "一，\r\n二", "答": "答"})]


@pytest.mark.parametrize(
    ("name", "data", "names"),
    [
        ("a.csv", "a;b,c;d\n1,2\n", ["a", "b,c", "d"]),
        ("a.csv", "a;b,c\n1,2\n", ["a;b", "c"]),
        ("a.csv", '"a;b;c"\n1\n', ["a;b;c"]),
        ("a.tsv", "a, b, c\td\n1\t2\n", ["a, b, c", "d"]),
    ],
)
def test_the_usual_delimiter_wins_where_it_cuts_as_often(tmp_path, name, data, names):
    from tilth.sources.tables import header_of

    path = put(tmp_path, name, data)
    with path.open("rb") as stream:
        assert header_of(stream, str(path)).names == names


@pytest.mark.parametrize(("name", "joint"), [("a.csv", ","), ("a.tsv", "\t"), ("a.txt", "\t")])
def test_a_table_without_a_header(tmp_path, name, joint):
    path = put(tmp_path, name, f"一{joint}二\n三{joint}四\n")
    assert told(read(path, page="rows")) == [
        (1, {"column_1": "一", "column_2": "二"}),
        (2, {"column_1": "三", "column_2": "四"}),
    ]
    assert told(read(path, page="rows", shard_bytes=1)) == told(read(path, page="rows"))


@pytest.mark.parametrize(
    "text",
    [
        '{"canary": "[{", "n": {"list": [{"no": 1}]}, "examples": [{"a": 1}, {"a": 2}], "end": [{"a": 3}]}',
        '\ufeff{\n  "examples": [\n    {"a": 1},\n    {"a": 2}\n  ]\n}\n',
    ],
)
def test_the_list_in_an_object(tmp_path, text):
    path = put(tmp_path, "a.json", text)
    assert told(read(path, page="items")) == [(1, {"a": 1}), (2, {"a": 2})]
    assert told(read(put(tmp_path, "b.json", text[: text.index('{"a": 2')]), page="items"))[0] == (
        1,
        {"a": 1},
    )


def test_an_object_without_a_list_of_objects_says_so(tmp_path):
    with pytest.raises(SourceError, match="no JSON object that holds a list of objects"):
        read(put(tmp_path, "a.json", '{"a": [1, 2]}'), page="items")


def test_documents_with_blank_lines_between_them(tmp_path):
    found = read(put(tmp_path, "a.txt", "\ufeff1. 一\r\n  续\r\n\r\n\r\n2. 二\n\n3. 三\n续"), page="blocks")
    assert told(found) == [(1, {"text": "1. 一\n  续"}), (5, {"text": "2. 二"}), (7, {"text": "3. 三\n续"})]
    assert [entry.n for entry in found if entry.blank] == [3, 4, 6]


def test_a_long_cell(tmp_path):
    answer = "长" * 200_000
    assert told(read(put(tmp_path, "a.csv", f"a\n{answer}\n"))) == [(1, {"a": answer})]


def test_columns_that_share_a_name(tmp_path):
    assert told(read(put(tmp_path, "a.csv", "a,a, b \n1,2,3\n"))) == [(1, {"a": "1", "a_2": "2", "b": "3"})]


def test_a_header_in_another_encoding_is_said_before_the_run(tmp_path):
    path = put(tmp_path, "a.csv", "问题,回答\n一,二\n".encode("gb18030"))
    with pytest.raises(SourceError, match=r"header of .*a\.csv cannot be read: invalid UTF-8.*gb18030"):
        plan([Spec(str(path))])


def test_a_file_that_is_gone_is_said(tmp_path):
    with pytest.raises(SourceError, match="cannot be opened: No such file"):
        list(entries(Part(str(tmp_path / "a.jsonl"), "a.jsonl", "lines")))


LINE = st.sampled_from([ONE, TWO, "", " ", "{", '{"a": "b"}\r', "[1, 2]", '"x', "３"])
CELL = st.sampled_from(["一", '"二\n三"', '"', '"a"b', "", "x,y", "\r"])


@settings(max_examples=150, deadline=None)
@given(st.lists(LINE, max_size=12), st.integers(1, 60), st.sampled_from(["\n", ",\n", ", "]), st.booleans())
def test_cutting_never_changes_what_is_read(tmp_path_factory, lines, shard_bytes, joint, closed):
    folder = tmp_path_factory.mktemp("cut")
    text = joint.join(lines)
    if joint != "\n":
        text = f"[{text}]" if closed else f"[{text}"
    for suffix in ("json", "txt"):
        path = put(folder, f"a.{suffix}", text)
        assert read(path, shard_bytes=shard_bytes) == read(path)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELL, max_size=3), max_size=10), st.integers(1, 40), st.sampled_from(["csv", "tsv"]))
def test_cutting_never_changes_a_table(tmp_path_factory, table, shard_bytes, suffix):
    joint = {"csv": ",", "tsv": "\t"}[suffix]
    text = f"a{joint}b\n" + "\n".join(joint.join(row) for row in table)
    path = put(tmp_path_factory.mktemp("cut"), f"a.{suffix}", text)
    assert read(path, shard_bytes=shard_bytes) == read(path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", b'\xef\xbb\xbf{"q": 1}\r\n\n{"q": 3}\n{broken\n{"q": 5}'),
        ("a.jsonl.gz", gzip.compress(mtime=0, data=b'{"q": 1}\n{"q": 2}\n')),
        ("a.json", b'[{"q": 1}, {"q": 2}]'),
        ("a.csv", b"q\n1\n2\n"),
        ("a.txt", "一\n二\n".encode()),
    ],
)
def test_one_entry_is_the_same_alone_as_among_all(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    parts = [part for shard in plan([Spec(str(tmp_path / name))]) for part in shard.parts]
    found = [(part, entry) for part in parts for entry in entries(part)]
    assert found
    for part, entry in found:
        assert entry_at(part, entry.n) == entry
    assert entry_at(parts[-1], 99) is None
