from __future__ import annotations

import gzip

import numpy as np
import pytest

from tilth.errors import UserError
from tilth.operators.base import OPERATORS, Facts
from tilth.operators.benchmarks import read_questions
from tilth.operators.decontaminate import Against
from tilth.sample import Drop, Measured, Message, Sample

LONG = "小河边有十二只鸭子，早上走了五只，中午又来了三只，请问到了晚上河边一共还剩多少只鸭子"
SHORT = "下列说法正确的是"


def sample(n, question, answer="好"):
    return Sample(
        id=f"{n:016x}",
        place=f"a.jsonl:{n}",
        messages=(Message("user", question), Message("assistant", answer)),
    )


def verdicts(op, *samples):
    rows = np.array([op.observe(one) for one in samples], dtype=op.fact)
    return dict(op.decide(Facts(rows, [one.place for one in samples]), {}.__getitem__))


@pytest.fixture
def benchmark(tmp_path):
    path = tmp_path / "bench.txt"
    path.write_text(f"{SHORT}\n\n{LONG}\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        (LONG.replace("，", ","), "九只", (3, 1.0, "equal")),
        ("请你先读题再作答：" + LONG + "？要写出过程。", "十只", (3, 1.0, "contained")),
        ("出一道题", "好的，题目如下。" + LONG, (3, 1.0, "contained")),
        (SHORT + "？", "甲", (1, 1.0, "equal")),
        (SHORT + "：甲、天是蓝的；乙、草是绿的；丙、都对", "丙", None),
        (LONG[:14], "题目没有写完", None),
        ("鸭子为什么会浮在水面上", "因为羽毛不透水", None),
    ],
)
def test_what_counts_as_a_leak(benchmark, question, answer, expected):
    found = verdicts(Against((benchmark,)), sample(1, question, answer))
    if expected is None:
        assert found == {}
    else:
        item, similarity, kind = expected
        leak = {"file": "bench.txt", "item": item, "similarity": similarity, "kind": kind}
        assert found == {"a.jsonl:1": Measured({"benchmark_leak": leak})}


def test_near_copies_are_found_where_containment_does_not_see_them(tmp_path):
    signs = [chr(0x4E00 + n) for n in range(56)]
    changed = [sign if n % 9 else "变" for n, sign in enumerate(signs)]
    path = tmp_path / "b.txt"
    path.write_text("".join(signs), encoding="utf-8")
    assert verdicts(Against((str(path),)), sample(1, "".join(changed))) == {}
    changed = [sign if n % 14 else "变" for n, sign in enumerate(signs)]
    (found,) = verdicts(Against((str(path),)), sample(1, "".join(changed))).values()
    assert found.signals["benchmark_leak"]["kind"] == "near"
    assert 0.6 <= found.signals["benchmark_leak"]["similarity"] < 1


def test_drop_and_the_field(benchmark):
    asked, told = sample(1, LONG), sample(2, "出一道题", LONG)
    found = verdicts(Against((benchmark,), action="drop", field="answer"), asked, told)
    evidence = {"file": "bench.txt", "item": 3, "similarity": 1.0, "kind": "equal"}
    assert found == {"a.jsonl:2": Drop("benchmark_leak", evidence)}
    assert list(verdicts(Against((benchmark,), field="question"), asked, told)) == ["a.jsonl:1"]


def test_each_turn_is_compared_by_itself(benchmark):
    turns = [Message("user", SHORT), Message("assistant", "请给出选项"), Message("user", "没有选项")]
    one = Sample(id="0" * 16, place="a.jsonl:1", messages=tuple(turns))
    assert list(verdicts(Against((benchmark,)), one)) == ["a.jsonl:1"]


def test_items_are_counted_in_their_own_file(benchmark, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text('{"question": "水为什么往低处流"}\n{"question": "火为什么往高处烧"}\n', encoding="utf-8")
    (found,) = verdicts(Against((benchmark, str(other))), sample(1, "火为什么往高处烧？")).values()
    assert (found.signals["benchmark_leak"]["file"], found.signals["benchmark_leak"]["item"]) == (
        "other.jsonl",
        2,
    )


def test_the_batch_form_gives_the_same_facts(benchmark):
    op, samples = Against((benchmark,)), [sample(1, LONG), sample(2, "水"), sample(3, SHORT)]
    assert op.observe_many(samples).tolist() == [op.observe(one) for one in samples]


def test_files_are_part_of_the_step_key(benchmark, tmp_path):
    assert OPERATORS.get("decontaminate.against").files == ("files",)
    with pytest.raises(ValueError, match="is a folder"):
        Against((str(tmp_path),))
    with pytest.raises(ValueError, match="is empty"):
        Against(())


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.jsonl", '{"question": "甲", "answer": "乙"}\n\n{"question": "丙"}\n', [(1, "甲"), (3, "丙")]),
        ("a.json", '[{"prompt": "甲"}, {"prompt": "丙"}]', [(1, "甲"), (2, "丙")]),
        ("a.json", '{"version": 1, "data": [{"query": "甲"}]}', [(1, "甲")]),
        ("a.jsonl", '{"instruction": "译", "input": "天", "output": "sky"}', [(1, "译\n天")]),
        (
            "a.jsonl",
            '{"messages": [{"role": "system", "content": "你"}, {"role": "user", "content": "甲"}]}',
            [(1, "甲")],
        ),
        ("a.jsonl", '{"conversations": [{"from": "human", "value": "甲"}]}', [(1, "甲")]),
        ("a.jsonl", '{"conversation": [1], "title": "甲"}', [(1, "甲")]),
        ("a.json", '["甲", "丙"]', [(1, "甲"), (2, "丙")]),
        ("a.csv", "\ufeff,Question,A\n0,甲,一\n1,丙,二\n", [(1, "甲"), (2, "丙")]),
        ("a.csv", "编号,题目\n1,甲\n", [(1, "甲")]),
        ("a.tsv", "text\tlabel\n甲\t0\n", [(1, "甲")]),
        ("a.txt", "甲\r\n\r\n丙", [(1, "甲"), (3, "丙")]),
        ("a.jsonl", '{"id": "x", "question": {"stem": "甲", "choices": [{"text": "乙"}]}, "answerKey": "A"}', [(1, "甲")]),
        ("a.jsonl", '{"category": "写作", "turns": ["甲", "丙"]}\n{"turns": ["丁"]}', [(1, "甲"), (1, "丙"), (2, "丁")]),
        ("a.json", '{"version": "v1", "data": [{"title": "云", "paragraphs": [{"context": "长长的文章", "qas": [{"question": "甲", "id": "1"}, {"question": "乙"}]}]}]}', [(1, "甲"), (1, "乙")]),
        ("a.jsonl", '{"activity_label": "屋顶", "ctx": "甲", "endings": ["乙"]}', [(1, "甲")]),
        ("a.jsonl", '{"id": "b", "lemma": "甲甲甲", "solution": "很长很长的解答"}', [(1, "甲甲甲")]),
        ("a.csv", "甲乙丙丁戊己庚辛壬癸是什么？,是,否,A\n丙？,是,否,B\n", [(1, "甲乙丙丁戊己庚辛壬癸是什么？"), (2, "丙？")]),
        ("a.csv", '"What is it, really?",No,No,A\n"And, how?",x,y,B\n', [(1, "What is it, really?"), (2, "And, how?")]),
    ],
)  # fmt: skip
def test_read_questions(tmp_path, name, text, expected):
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8"))
    assert read_questions(str(path)) == expected


def test_packed_and_gb18030_benchmarks_are_read(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress('{"question": "甲"}\n'.encode()))
    (tmp_path / "a.csv").write_bytes("序号,题目\n1,树上有几只鸟\n".encode("gb18030"))
    assert read_questions(str(tmp_path / "a.jsonl.gz")) == [(1, "甲")]
    assert read_questions(str(tmp_path / "a.csv")) == [(1, "树上有几只鸟")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"question": "a"}\n{"question', "a.jsonl:2 cannot be read"),
        ("a.txt", b"\xff\xff\xff", "a.txt:1 cannot be read: invalid UTF-8 at byte 0"),
        ("a.jsonl", b'{"answer": 1}', "holds no question"),
    ],
)
def test_unreadable_benchmarks_say_what_is_wrong(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_questions(str(path))
    with pytest.raises(UserError, match="cannot be read"):
        read_questions(str(tmp_path / "missing.jsonl"))


@pytest.mark.real_data
def test_real_benchmarks(real_data):
    gsm8k, cmmlu = real_data / "bench_gsm8k" / "test.jsonl", real_data / "bench_cmmlu" / "test_logical.csv"
    english, chinese = read_questions(str(gsm8k)), read_questions(str(cmmlu))
    assert len(english) == 1319
    assert len(chinese) > 100
    op = Against((str(gsm8k), str(cmmlu)))
    n, question = english[700]
    (found,) = verdicts(op, sample(1, "Solve this.\n" + question + "\nThink step by step.")).values()
    assert found.signals["benchmark_leak"] == {
        "file": "test.jsonl",
        "item": n,
        "similarity": 1.0,
        "kind": "contained",
    }
    assert verdicts(op, sample(1, "How many ducks does it take to change a light bulb?")) == {}
