"""Wishes, facets, and the excerpt of a text that a list shows."""

from __future__ import annotations

import pytest

from tilth.sample import Message, Sample
from tilth.studio.explorer import LONGEST, PAGE, SHOWN, Wish, excerpt, find
from tilth.studio.index import Index, Row, reason_of


def row(n, text="猫", door="kept", **more):
    sample = Sample("0", f"a.jsonl:{n}", (Message("user", text), Message("assistant", "答")))
    facts = {"step": "", "reason": "", "split": "train" if door == "kept" else "", **more}
    return Row(place=sample.place, id="0", door=door, sample=sample, **facts)


INDEX = Index(
    (
        row(1, "电冰箱与ＡＢＣ"),
        row(2, split="test"),
        row(3, door="dropped", step="filter.length", reason="too_short"),
        row(4, door="dropped", step="dedup.near", reason="near_duplicate"),
        row(5, proposed=("filter.length",)),
    )
)


@pytest.mark.parametrize(
    ("wish", "places"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"door": "dropped"}, [3, 4]),
        ({"door": "dropped", "reason": "near_duplicate"}, [4]),
        ({"step": "filter.length"}, [3, 5]),
        ({"split": "test"}, [2]),
        ({"q": "冰箱"}, [1]),
        ({"q": "冰箱 abc"}, [1]),
        ({"q": "冰箱 猫"}, []),
        ({"q": "a.jsonl:4"}, [4]),
        ({"door": "nowhere"}, []),
    ],
)
def test_a_wish_finds_its_samples(wish, places):
    assert [r.place for r in find(INDEX, Wish.of(wish)).rows] == [f"a.jsonl:{n}" for n in places]


def test_facets_count_what_choosing_them_would_show():
    found = find(INDEX, Wish(door="dropped"))
    assert found.facets["door"] == [("kept", 3), ("dropped", 2)]
    assert found.facets["step"] == [("dedup.near", 1), ("filter.length", 1)]
    assert found.facets["split"] == []
    for name, choices in found.facets.items():
        for value, count in choices:
            assert find(INDEX, Wish(**{"door": "dropped", name: value})).total == count


def test_the_chosen_step_stands_first_and_doors_keep_their_order():
    found = find(INDEX, Wish(step="filter.length"))
    assert [choice.value for choice in found.facets["step"]] == ["filter.length", "dedup.near"]
    assert [choice.value for choice in find(INDEX, Wish(door="dropped")).facets["door"]] == [
        "kept",
        "dropped",
    ]


def test_pages_cover_everything_once():
    index = Index(tuple(row(n) for n in range(1, 2 * PAGE + 2)))
    pages = [find(index, Wish(), page) for page in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [PAGE, PAGE, 1]
    assert [page.first for page in pages] == [1, PAGE + 1, 2 * PAGE + 1]
    assert find(Index(()), Wish()).first == 0


def test_a_long_search_is_cut():
    assert len(Wish.of({"q": "长" * 999}).q) == LONGEST


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("水是湿的", "", [("水是湿的", False)]),
        ("水是湿的，水", "水", [("水", True), ("是湿的，", False), ("水", True)]),
        ("A+B 与 a+b", "a+b", [("A+B", True), (" 与 ", False), ("a+b", True)]),
        ("冰箱", "冰 冰箱", [("冰箱", True)]),
    ],
)
def test_an_excerpt_marks_the_hits(text, query, shown):
    assert excerpt(text, query) == shown


def test_an_excerpt_begins_near_a_hit_that_stands_far_back():
    pieces = excerpt("前" * 500 + "冰箱" + "后" * 500, "冰箱")
    assert [p.text[0] for p in pieces] == ["…", "前", "冰", "后", "…"]
    assert sum(len(p.text) for p in pieces) == SHOWN + 2


def test_equal_errors_group_whatever_their_numbers():
    assert reason_of({"error": "invalid UTF-8 at byte 17"}) == "invalid UTF-8 at byte …"
    assert reason_of({"reason": "near_duplicate"}) == "near_duplicate"
