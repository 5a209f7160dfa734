import json

import pytest

from tilth.errors import FormatError, SourceError, UserError
from tilth.evaluation.inputs import (
    columns_taken,
    questions_from_file,
    questions_from_texts,
    read_answers_file,
    read_side_file,
)


def put(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


CSV = '问题,微调前,微调后,分析\n水湿吗,不知道,"湿的，\n真的",好\n鱼渴吗,"他说 ""渴""",不会,\n'


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("a.csv", CSV, "utf-8"),
        ("a.csv", CSV, "utf-8-sig"),
        ("a.csv", CSV, "gb18030"),
        ("a.csv", CSV, "utf-16"),
        ("a.csv", CSV.replace("\n", "\r\n"), "utf-8-sig"),
        ("a.csv", "sep=,\n" + CSV, "utf-8-sig"),
        (
            "a.tsv",
            '问题\t微调前\t微调后\t分析\n水湿吗\t不知道\t"湿的，\n真的"\t好\n鱼渴吗\t"他说 ""渴"""\t不会\t\n',
            "utf-8",
        ),
        (
            "a.csv",
            'Question;Before;After;Analysis\n水湿吗;不知道;"湿的，\n真的";好\n鱼渴吗;"他说 ""渴""";不会;\n',
            "utf-8",
        ),
    ],
)
def test_tables_as_excel_saves_them(tmp_path, name, text, encoding):
    rows = read_answers_file(put(tmp_path, name, text, encoding))
    assert [row.question.text for row in rows] == ["水湿吗", "鱼渴吗"]
    assert rows[0].after.replace("\r", "") == "湿的，\n真的"
    assert rows[1].before == '他说 "渴"'
    assert [row.analysis for row in rows] == ["好", ""]


@pytest.mark.parametrize(
    ("record", "taken"),
    [
        ({"prompt": "水湿吗", "base": "不", "finetuned": "湿"}, {"question": "prompt", "before": "base", "after": "finetuned"}),
        ({"Question": "水湿吗", "answer_a": "不", "answer_b": "湿"}, {"before": "answer_a", "after": "answer_b"}),
        ({"问题": "水湿吗", "微调前回答": "不", "微调后回答": "湿"}, {"before": "微调前回答", "after": "微调后回答"}),
        ({"question": "水湿吗", "before": "不", "after": "湿", "base": "?"}, {}),
    ],
)  # fmt: skip
def test_other_peoples_columns(tmp_path, record, taken):
    path = put(tmp_path, "a.json", json.dumps([record, record], ensure_ascii=False))
    rows = read_answers_file(path)
    assert [(row.question.text, row.before, row.after) for row in rows] == [("水湿吗", "不", "湿")] * 2
    assert [row.question.place for row in rows] == ["a.json:1", "a.json:2"]
    assert columns_taken(path) == taken


def test_an_instruction_is_asked_with_its_input(tmp_path):
    record = {"instruction": "翻译", "input": "水", "response1": "a", "response2": "b"}
    (row,) = read_answers_file(put(tmp_path, "a.jsonl", json.dumps(record)))
    assert row.question.text == "翻译\n水"


def test_places_are_lines_of_the_file(tmp_path):
    rows = read_answers_file(put(tmp_path, "a.csv", CSV))
    assert [row.question.place for row in rows] == ["a.csv:2", "a.csv:4"]
    shifted = read_answers_file(put(tmp_path, "b.csv", "sep=,\n" + CSV))
    assert [row.question.place for row in shifted] == ["b.csv:3", "b.csv:5"]


def test_json_lines_with_a_bom_and_blank_lines(tmp_path):
    text = '\ufeff{"question": "水湿吗", "before": "", "after": "湿", "expected": "湿的"}\n\n{"问题": "鱼渴吗", "微调前": "a", "微调后": "b"}\r\n'
    rows = read_answers_file(put(tmp_path, "a.jsonl", text))
    assert [(r.question.place, r.before, r.after, r.question.expected) for r in rows] == [
        ("a.jsonl:1", "", "湿", "湿的"),
        ("a.jsonl:3", "a", "b", ""),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"question": "水", "before": "a"}\n',
            r"a\.jsonl:1: there is no `after` \(or 微调后\)\. The keys here are",
        ),
        (
            '{"question": "水", "before": "a", "after": "b"}\n{"before": 1}',
            r"a\.jsonl:2: there is no `question`",
        ),
        ('{"question": "水", "before": null, "after": "b"}', r"a\.jsonl:1: `before` is null, expected text"),
        ('{"question": 3, "before": "a", "after": "b"}', r"a\.jsonl:1: `question` is a number"),
        ('\n{"question": ', r"a\.jsonl:2: this is no JSON"),
        ("[1, 2]", r"a\.jsonl:1: expected an object, got a number"),
    ],
)
def test_a_broken_line_is_named(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read_answers_file(put(tmp_path, "a.jsonl", text))


def test_a_short_row_of_a_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"a\.csv:3: there is no `after`"):
        read_answers_file(put(tmp_path, "a.csv", "question,before,after\n水,a,b\n鱼,a\n"))


@pytest.mark.parametrize(
    ("name", "text"), [("a.jsonl", ""), ("a.csv", ""), ("a.csv", "question,before,after\n")]
)
def test_an_empty_file_is_said(tmp_path, name, text):
    with pytest.raises(SourceError, match="holds no answers"):
        read_answers_file(put(tmp_path, name, text))


def test_a_missing_file_and_foreign_bytes(tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        read_answers_file(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\x00\xff\xff")
    with pytest.raises(SourceError, match="neither UTF-8 nor GB18030"):
        read_answers_file(tmp_path / "bytes.csv")


def test_questions_from_a_recipe_and_from_lines_of_text(tmp_path):
    listed = questions_from_texts(["水湿吗", "鱼渴吗"])
    assert [(q.place, q.text) for q in listed] == [("question:1", "水湿吗"), ("question:2", "鱼渴吗")]
    read = questions_from_file(put(tmp_path, "q.txt", "\ufeff水湿吗\r\n\r\n鱼渴吗"))
    assert [(q.place, q.text, q.id) for q in read] == [
        ("q.txt:1", "水湿吗", listed[0].id),
        ("q.txt:3", "鱼渴吗", listed[1].id),
    ]


@pytest.mark.parametrize(
    "record",
    [
        {"question": "水湿吗", "answer": "湿"},
        {"问题": "水湿吗", "参考答案": "湿"},
        {"messages": [{"role": "user", "content": "水湿吗"}, {"role": "assistant", "content": "湿"}]},
        {"instruction": "水湿吗", "input": "", "output": "湿"},
        {"conversation": [{"system": "", "input": "水湿吗", "output": "湿"}]},
    ],
)
def test_questions_from_records_of_any_shape(tmp_path, record):
    path = put(tmp_path, "q.jsonl", json.dumps(record, ensure_ascii=False) + "\n")
    (found,) = questions_from_file(path)
    assert (found.text, found.expected, found.place) == ("水湿吗", "湿", "q.jsonl:1")


def test_records_of_no_known_shape_are_said(tmp_path):
    with pytest.raises(FormatError, match="no format fits"):
        questions_from_file(put(tmp_path, "q.jsonl", '{"foo": "bar"}\n'))
    with pytest.raises(SourceError, match="holds no question"):
        questions_from_file(put(tmp_path, "q.txt", "\n"))


def test_the_answers_of_one_model(tmp_path):
    path = put(tmp_path, "a.csv", CSV)
    assert read_side_file(path, ("before", "微调前"))["水湿吗"] == "不知道"
    assert read_side_file(path, ("after", "微调后"))["鱼渴吗"] == "不会"
    one = put(tmp_path, "b.jsonl", '{"question": "水湿吗", "answer": "湿"}\n')
    assert read_side_file(one, ("after", "微调后")) == {"水湿吗": "湿"}
