from __future__ import annotations

import random

import numpy as np
import pytest

from tilth.operators import banded, indexed, pairs
from tilth.operators import near as near_module
from tilth.operators.base import OPERATORS, Facts
from tilth.operators.dedup import Conflicts, Exact, Near
from tilth.operators.similarity import jaccard, ngrams
from tilth.sample import Drop, Message, Propose, Sample

EXACT, MINHASH = 50_000, 0


def sample(n, question, answer="", **more):
    messages = [Message("user", question)] + ([Message("assistant", answer)] if answer else [])
    return Sample(id=f"{n:016x}", place=f"a.jsonl:{n}", messages=tuple(messages), **more)


def decide(op, samples):
    rows = np.zeros(len(samples), dtype=op.fact)
    for at, one in enumerate(samples):
        rows[at] = op.observe(one)
    by_place = {one.place: one for one in samples}
    return dict(op.decide(Facts(rows, [one.place for one in samples]), by_place.__getitem__))


def dropped(op, samples):
    return {int(place.split(":")[1]): verdict for place, verdict in decide(op, samples).items()}


WAYS = {
    "index": (EXACT, {}),
    "minhash": (MINHASH, {}),
    "minhash, answers signed": (MINHASH, {"FEW_PAIRS": -1}),
    "minhash, answers sifted": (MINHASH, {"MEASURED": 0, "FEW_PAIRS": 10**9}),
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def every_way(request, monkeypatch):
    samples, settings = request.param
    monkeypatch.setattr(near_module, "EXACT_SAMPLES", samples)
    for name, value in settings.items():
        monkeypatch.setattr(banded, name, value)


def sentence(rng, low=20, high=60):
    return "".join(chr(rng.randint(0x4E00, 0x4E00 + 3000)) for _ in range(rng.randint(low, high)))


def near_copy(text, rng, edits):
    signs = list(text)
    for _ in range(edits):
        signs[rng.randrange(len(signs))] = chr(rng.randint(0x4E00, 0x4E00 + 3000))
    return "".join(signs)


def test_exact_keeps_the_first_of_equal_samples():
    found = decide(
        Exact(), [sample(1, "天冷吗", "冷"), sample(2, " 天冷吗\n", "冷 "), sample(3, "天冷吗？", "冷")]
    )
    assert found == {
        "a.jsonl:2": Drop("exact_duplicate", {"same_as": "a.jsonl:1", "field": "both"}),
    }


@pytest.mark.parametrize(("on", "gone"), [("both", []), ("question", [1]), ("answer", [3])])
def test_exact_compares_what_it_is_told(on, gone):
    samples = [sample(1, "天冷吗", "冷"), sample(2, "天冷吗", "不冷"), sample(3, "水凉吗", "冷")]
    assert list(dropped(Exact(on=on), samples)) == gone, "the longer answer is kept"


@pytest.mark.parametrize("op", [Exact(), Near()], ids=["exact", "near"])
def test_the_better_sample_is_kept(op):
    question, answer = "锅里的水为什么会冒泡", "因为水里的气体受热以后跑了出来"
    samples = [
        sample(1, question, answer),
        sample(2, question, answer, meta={"answer_from": "human"}),
        sample(3, question, answer, meta={"human_verified": True}),
        sample(4, question, answer, meta={"human_verified": True}),
    ]
    found = dropped(op, samples)
    assert sorted(found) == [1, 2, 4]
    assert {verdict.evidence["same_as"] for verdict in found.values()} == {"a.jsonl:3"}


def test_near_keeps_the_longer_of_two():
    question, answer = "锅里的水为什么会冒泡", "因为水里的气体受热以后跑了出来"
    (verdict,) = (
        found := dropped(Near(), [sample(1, question, answer), sample(2, question, answer + "吧")])
    ).values()
    assert list(found) == [1]
    expected = {"same_as": "a.jsonl:2", "similarity": round(13 / 14, 4), "field": "both"}
    assert verdict == Drop("near_duplicate", expected)


@pytest.mark.parametrize("op", [Exact(on="answer"), Near(on="answer")], ids=["exact", "near"])
def test_samples_without_the_text_are_kept(op, every_way):
    assert decide(op, [sample(1, "天冷吗"), sample(2, "水凉吗")]) == {}


@pytest.mark.parametrize("op", [Exact(), Near()], ids=["exact", "near"])
def test_preferences_that_differ_in_the_rejected_answer_or_the_mark_are_kept(op):
    def pair(n, rejected):
        return sample(n, "天为什么蓝呢", "因为散射", rejected=(Message("assistant", rejected),))

    assert decide(op, [pair(1, "因为天空喜欢蓝色所以蓝"), pair(2, "不知道，你去问问别人好了")]) == {}
    marked = [
        sample(1, "天为什么蓝呢", "因为散射", label=True),
        sample(2, "天为什么蓝呢", "因为散射", label=False),
    ]
    assert decide(op, marked) == {}


@pytest.mark.parametrize("on", ["question", "answer"])
def test_near_compares_what_it_is_told(on, every_way):
    first, second = "锅里的水为什么会冒泡，又为什么会响", "长椅朝哪边由设计师按地形来定的吗"
    texts = [
        (first, second),
        (first + "呢", "因为水里的气体受热以后跑了出来"),
        ("天为什么是蓝色的呢", second + "呀"),
    ]
    samples = [sample(n, *pair) for n, pair in enumerate(texts)]
    assert list(dropped(Near(on=on), samples)) == ([1] if on == "question" else [2])


def test_short_texts_are_near_only_when_equal(every_way):
    samples = [
        sample(1, "不会"),
        sample(2, "好的"),
        sample(3, "不会。"),
        sample(4, "谢谢你"),
        sample(5, "。。"),
    ]
    assert list(dropped(Near(), samples)) == [1], "the longer of 不会 and 不会。 is kept"


def test_a_shared_answer_and_a_shared_question_are_no_duplicates(every_way):
    answer, question = "这个问题没有意义，因为前提并不成立", "为什么公园里的长椅总是朝着湖水"
    questions = ["公鸡为什么不下蛋呢", "半夜的太阳有多亮呢", "把冰箱门打开房间会凉快吗"]
    answers = ["朝着湖水的风景更好看一些", "施工的时候图纸就是这样画的", "长椅朝哪边由设计师按地形来定"]
    samples = [sample(n, text, answer) for n, text in enumerate(questions, 1)]
    samples += [sample(n, question, text) for n, text in enumerate(answers, 11)]
    assert decide(Near(), samples) == {}


def test_answers_to_one_question_are_told_apart_by_their_signatures(every_way, monkeypatch):
    rng = random.Random(3)
    samples = [sample(n, "用一句话介绍你所在的这座城市", sentence(rng, 30, 60)) for n in range(300)]
    samples += [sample(1000, "用一句话介绍你所在的这座城市", samples[7].answer + "呢")]
    compared = []
    similarities = pairs.similarities

    def counted(n, threshold, task):
        compared.append(task[1].size)
        return similarities(n, threshold, task)

    monkeypatch.setattr(pairs, "similarities", counted)
    assert list(dropped(Near(), samples)) == [7]
    assert sum(compared) < 10


def test_resemblance_is_never_passed_on(every_way):
    start = "一二三四五六七八九十甲乙丙丁戊己庚辛壬癸"
    middle, end = "子丑" + start[2:], "子丑" + start[2:-2] + "寅卯"
    assert jaccard(start, middle) >= 0.7 > jaccard(start, end)
    assert jaccard(middle, end) >= 0.7
    assert list(dropped(Near(), [sample(1, start), sample(2, middle), sample(3, end)])) == [2]


@pytest.mark.parametrize(
    ("few", "held", "measured"),
    [(0, 4_000_000, 2), (1000, 4_000_000, 2), (1000, 4_000_000, 0), (1000, 10, 2)],
    ids=["answers indexed", "questions only", "answers sketched", "too many at once"],
)
def test_near_is_the_greedy_rule_applied_to_all_pairs(few, held, measured, monkeypatch):
    for name, value in {"FEW_PAIRS": few, "HELD_PAIRS": held, "MEASURED": measured}.items():
        monkeypatch.setattr(indexed, name, value)
    rng = random.Random(5)
    texts = [(sentence(rng, 30, 90), sentence(rng, 30, 90)) for _ in range(40)]
    chosen = rng.choices(texts, k=250)
    pairs = [(near_copy(q, rng, rng.randint(0, 3)), near_copy(a, rng, rng.randint(0, 3))) for q, a in chosen]
    samples = [sample(n, question, answer) for n, (question, answer) in enumerate(pairs)]
    kept, expected = [], {}
    for n in sorted(range(len(pairs)), key=lambda n: (-len(pairs[n][0]) - len(pairs[n][1]), n)):
        alike = max((min(map(jaccard, pairs[n], pairs[k])) for k in kept), default=0)
        if alike >= 0.7:
            expected[n] = round(alike, 4)
        else:
            kept.append(n)
    assert 50 < len(expected) < 200
    found = dropped(Near(), samples)
    assert {n: verdict.evidence["similarity"] for n, verdict in found.items()} == expected


def test_planted_near_copies_are_found_and_nothing_else(every_way):
    rng = random.Random(11)
    texts = [sentence(rng) for _ in range(250)]
    copies = [near_copy(rng.choice(texts), rng, rng.randint(1, 4)) for _ in range(300)]
    samples = [sample(n, text, meta={"human_verified": True}) for n, text in enumerate(texts)]
    samples += [sample(10_000 + n, text) for n, text in enumerate(copies)]
    found = dropped(Near(), samples)
    grams = [ngrams(text, 3) for text in texts]
    most = [max(len(g & ngrams(c, 3)) / len(g | ngrams(c, 3)) for g in grams) for c in copies]
    above = {10_000 + n for n, similarity in enumerate(most) if similarity >= 0.7}
    missed = above - set(found)
    assert len(above) > 100
    assert len(missed) <= (0 if near_module.EXACT_SAMPLES else 0.01 * len(above))
    everything = {one.place: one.question for one in samples}
    for n, verdict in found.items():
        similarity = jaccard(everything[f"a.jsonl:{n}"], everything[verdict.evidence["same_as"]])
        assert similarity >= 0.7
        assert verdict.evidence["similarity"] == round(similarity, 4)


def test_the_order_of_the_rows_decides_only_between_equals(every_way):
    rng = random.Random(2)
    text = sentence(rng, 90, 90)
    samples = [sample(n, near_copy(text[n:], rng, n % 5)) for n in range(40)]
    found = decide(Near(), samples)
    assert 10 < len(found) < 40
    assert decide(Near(), samples[::-1]) == found


def test_thousands_of_near_copies_leave_one():
    samples = [
        sample(n, "请把下面这个数字用汉字大写写出来，不要解释，也不要换行，写完就停：" + str(n))
        for n in range(2000)
    ]
    assert 2000 - len(decide(Near(threshold=0.5), samples)) == 1


def test_the_batch_form_gives_the_same_facts():
    samples = [sample(n, sentence(random.Random(n), 0, 9), "好" * n) for n in range(5)]
    for op in (Near(), Exact()):
        rows = [op.observe(s) for s in samples]
        assert op.observe_many(samples).tobytes() == np.array(rows, op.fact).tobytes()


@pytest.mark.parametrize("settings", [{"threshold": 0.0}, {"threshold": 1.1}, {"ngram": 0}])
def test_near_refuses_settings_without_a_meaning(settings):
    with pytest.raises(ValueError, match="expected"):
        Near(**settings)


def test_conflicts_propose_the_first_choice():
    samples = [
        sample(1, "光年是什么单位？", "时间。"),
        sample(2, "光年是什么单位", "距离，光一年走的路。"),
        sample(3, "光年是什么单位", "时间"),
        sample(4, "光年是什么单位", "距离——光一年走的路"),
        sample(5, "光年是什么单位"),
        sample(6, "一年有多少天", "三百六十五天"),
    ]
    found = decide(Conflicts(), samples)
    assert sorted(found) == ["a.jsonl:1", "a.jsonl:3"]
    assert all(isinstance(verdict, Propose) for verdict in found.values())
    (proposal,) = found["a.jsonl:1"].proposals
    assert (proposal.field, proposal.before, proposal.after) == ("answer", "时间。", "距离，光一年走的路。")
    assert proposal.evidence == {"same_as": "a.jsonl:2", "field": "question"}


def test_the_family_is_registered():
    assert {name for name in OPERATORS.names() if name.startswith("dedup.")} == {
        "dedup.conflicts",
        "dedup.exact",
        "dedup.near",
    }


@pytest.mark.real_data
def test_all_240_questions_of_the_tutorial_are_kept(real_data, every_way):
    import json

    lines = (real_data / "tutorial_camp2" / "ruozhiba_raw.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    samples = [sample(n, row["instruction"], row["output"]) for n, row in enumerate(rows, 1)]
    assert len(samples) == 240
    for op in (Near(), Near(on="question"), Exact(), Conflicts()):
        assert decide(op, samples) == {}
