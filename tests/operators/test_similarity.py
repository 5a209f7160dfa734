from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.operators import similarity as similarity_module
from tilth.operators.similarity import (
    comparison_text,
    containment,
    find_leaks,
    jaccard,
    leak,
    ngrams,
)

SHORT = st.text("天地。", max_size=14)
"""Few characters, so that many texts are alike, equal, short or blank."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ａ１，b！", "a1b"),
        ("水 兑\n水？", "水兑水"),
        ("snake_case", "snakecase"),
        ("《》……", ""),
        ("ﬁne ①", "fine1"),
        ("", ""),
    ],
)
def test_comparison_text(text, expected):
    assert comparison_text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("锅里有水", {"锅里有", "里有水"}), ("不会。", {"不会"}), ("！？", {"！？"}), ("", {""})],
)
def test_ngrams(text, expected):
    assert ngrams(text, 3) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("锅里有水", "锅里有油", 1 / 3),
        ("不会", "不会！", 1.0),
        ("不会", "好的", 0.0),
        ("不会", "我不会做饭", 0.0),
        ("……", "……", 1.0),
        ("……", "？？", 0.0),
        ("……", "", 0.0),
    ],
)
def test_jaccard(a, b, expected):
    assert jaccard(a, b) == expected == jaccard(b, a)


def test_containment_is_the_share_of_the_smaller_text():
    inner, outer = "一二三四五六七八九", "前面的话一二三四五六七八九后面的话"
    assert containment(inner, outer) == containment(outer, inner) == 1.0
    assert containment("一二三四五六七八甲", outer) == 0.5
    assert containment("一二三四", outer) == 0.0, "too short for an n-gram: only an equal text counts"


def test_leak_of_a_near_copy_and_of_an_embedded_question():
    asked = "鱼会不会在水里觉得口渴得受不了"
    assert leak(asked, "鱼会不会在水里觉得口渴得受不住") == 7 / 8, "7 of 8 8-grams, 12 of 14 3-grams"
    assert leak(asked, "请你认真地回答下面这道题目：" + asked + "？请给出理由，写够三百字。") == 1.0
    assert leak(asked, "鸟会不会在天上觉得累得飞不动") is None


@given(st.lists(SHORT, max_size=12), st.lists(SHORT, max_size=12))
def test_find_leaks_finds_exactly_the_pairs_of_the_rule(questions, against):
    expected = [
        (i, j, leak(a, b))
        for i, a in enumerate(questions)
        for j, b in enumerate(against)
        if a.strip() and b.strip() and leak(a, b) is not None
    ]
    assert find_leaks(list(enumerate(questions)), list(enumerate(against))) == expected


@pytest.mark.parametrize("seed", range(4))
def test_find_leaks_among_texts_that_overlap_a_lot(seed):
    rng = random.Random(seed)
    signs = [chr(0x4E00 + n) for n in range(200)]
    texts = ["".join(rng.choices(signs, k=rng.randint(12, 60))) for _ in range(12)]
    asked, against = ([changed(rng.choice(texts), signs, rng) for _ in range(70)] for _ in range(2))
    expected = [
        (i, j, leak(a, b))
        for i, a in enumerate(asked)
        for j, b in enumerate(against)
        if leak(a, b) is not None
    ]
    assert find_leaks(list(enumerate(asked)), list(enumerate(against))) == expected
    assert 30 < len([similarity for _, _, similarity in expected if similarity < 1]) < 500


def changed(text, signs, rng):
    """A piece of the text with a sign replaced, and sometimes with something before or after it."""
    start = rng.randrange(0, 1 + len(text) // 6)
    piece = list(text[start : len(text) - rng.randrange(0, 1 + len(text) // 6)])
    piece[rng.randrange(len(piece))] = rng.choice(signs)
    before, after = ("".join(rng.choices(signs, k=rng.choice([0, 0, 1, 20]))) for _ in range(2))
    return before + "".join(piece) + after


def test_blank_questions_leak_nothing():
    assert find_leaks([("a", " "), ("b", "")], [("c", ""), ("d", "天")]) == []


@pytest.mark.real_data
def test_the_showcase_question_of_the_tutorial_leaks(real_data):
    import json

    lines = (real_data / "tutorial_camp2" / "ruozhiba_raw.jsonl").read_text("utf-8").splitlines()
    against = [(n, json.loads(line)["instruction"]) for n, line in enumerate(lines, 1)]
    (found,) = find_leaks([("showcase", "我用水兑水，得到的是稀水还是浓水")], against)
    assert found.place == 156
    assert found.similarity == 0.75, "the larger of 0.73 (3-grams) and 0.75 (8-grams)"
    assert jaccard("我用水兑水，得到的是稀水还是浓水", dict(against)[156]) == pytest.approx(0.733, abs=0.001)


@pytest.mark.parametrize("sifted", [5, 1 << 17])
@pytest.mark.parametrize("seed", range(3))
def test_find_leaks_among_many_sizes_with_rare_and_common_ngrams(seed, sifted, monkeypatch):
    """Keys that thousands share and keys of one document, in pieces of any size."""
    monkeypatch.setattr(similarity_module, "SIFTED", sifted)
    rng = random.Random(seed)
    head = "请用不超过三句话回答下面这个问题："
    texts = ["".join(rng.choices("甲乙丙丁戊己庚辛", k=rng.randint(1, 200))) for _ in range(60)]
    texts += [head + text[: rng.randint(1, 30)] for text in texts]
    asked, against = texts[::2], [text[rng.randint(0, 3) :] for text in texts]
    expected = [
        (i, j, leak(a, b))
        for i, a in enumerate(asked)
        for j, b in enumerate(against)
        if b.strip() and leak(a, b) is not None
    ]
    assert find_leaks(list(enumerate(asked)), list(enumerate(against))) == expected


def test_questions_indexed_in_parts_leak_the_same(monkeypatch):
    questions = [(n, f"第{n}口井里的水为什么是{'甜咸苦'[n % 3]}的，谁说得清楚？") for n in range(40)]
    against = [(f"a:{n}", text + "呀" * (n % 2)) for n, text in questions]
    whole = find_leaks(questions, against)
    assert len(whole) >= len(questions)
    made = []
    monkeypatch.setattr(
        similarity_module.LeakIndex, "__init__", counted(made, similarity_module.LeakIndex.__init__)
    )
    monkeypatch.setattr(similarity_module, "INDEXED", 100)
    assert find_leaks(questions, against) == whole
    assert len(made) > 5


def counted(made, init):
    def begin(self, texts):
        made.append(len(texts))
        init(self, texts)

    return begin
