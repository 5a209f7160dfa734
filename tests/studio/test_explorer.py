"""Wishes, facets, and the excerpt of a text that a list shows."""

from __future__ import annotations

import re
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.operators import features
from tilth.sample import Message, Sample
from tilth.store import words
from tilth.store.catalog import Catalog, Entry, write
from tilth.store.words import grams, query
from tilth.studio.explorer import LONGEST, PAGE, SHOWN, Wish, bars, excerpt, find, queue_of
from tilth.studio.index import FIXED, known, reason_of


def entry(n, text="猫", door="kept", signals=None, meta=None, **more):
    sample = Sample("0" * 16, f"a.jsonl:{n}", (Message("user", text), Message("assistant", "答")))
    sample = sample.replace(signals=signals or {}, meta=meta or {})
    split = "train" if door == "kept" else ""
    return Entry(n - 1, sample.place, sample.id, door, **{"split": split, "sample": sample, **more})


def catalog(folder, *entries):
    path = folder / "c.sqlite"
    write(path, ((e, known(e)) for e in entries), {"note": "", "left": []}, FIXED)
    return Catalog(path)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return catalog(
        tmp_path_factory.mktemp("index"),
        entry(1, "电冰箱与ＡＢＣ", signals={"score": 0.25}, meta={"domain": ["常识", "物理"]}),
        entry(
            2,
            split="test",
            signals={"score": 0.5},
            meta={"domain": ["常识"], "checked": True, "kind": {"major": ["问答"]}},
        ),
        entry(
            3,
            "What is a cat",
            door="dropped",
            step="filter.length",
            reason="too_short",
            meta={"checked": False, "kind": {"major": ["改写"]}},
        ),
        entry(4, door="dropped", step="dedup.near", reason="near_duplicate"),
        entry(5, "黑猫警长", proposed=("filter.length",)),
    )


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"door": "dropped"}, [3, 4]),
        ({"door": "dropped", "reason": "near_duplicate"}, [4]),
        ({"step": "filter.length"}, [3]),
        ({"proposed": "filter.length"}, [5]),
        ({"split": "test"}, [2]),
        ({"language": "en"}, [3]),
        ({"domain": "物理"}, [1]),
        ({"domain": "常识"}, [1, 2]),
        ({"checked": "no"}, [3]),
        ({"kind.major": "问答"}, [2]),
        ({"score": "0.3.."}, [2]),
        ({"score": "..0.3"}, [1]),
        ({"score.min": "0.1", "score.max": "0.3"}, [1]),
        ({"score": "x..y"}, [1, 2, 3, 4, 5]),
        ({"question_chars": "4..4"}, [5]),
        ({"q": "冰箱"}, [1]),
        ({"q": "冰箱 abc"}, [1]),
        ({"q": "冰箱 猫"}, []),
        ({"q": "猫"}, [2, 4, 5]),
        ({"q": "长"}, [5]),
        ({"q": "猫警"}, [5]),
        ({"q": "黑警"}, []),
        ({"q": "与ＡＢ"}, [1]),
        ({"q": "a.jsonl:4"}, [4]),
        ({"q": "near_dup"}, [4]),
        ({"q": '"猫" OR *'}, []),
        ({"q": "？！"}, []),
        ({"door": "nowhere"}, []),
        ({"unheard": "of"}, [1, 2, 3, 4, 5]),
    ],
)
def test_a_wish_finds_its_samples(index, asked, places):
    assert [r.place for r in find(index, Wish.of(asked, index)).rows] == [f"a.jsonl:{n}" for n in places]


def test_facets_count_what_choosing_them_would_show(index):
    found = find(index, Wish.of({"door": "dropped"}, index))
    assert found.facets["door"] == [("kept", 3), ("dropped", 2)]
    assert found.facets["step"] == [("dedup.near", 1), ("filter.length", 1)]
    assert found.facets["split"] == []
    checked = 0
    for name, choices in found.facets.items():
        for value, count in choices:
            checked += 1
            assert find(index, Wish.of({"door": "dropped", name: value}, index)).total == count
    assert checked > 7


def test_bars_lead_to_the_samples_they_count(tmp_path):
    index = catalog(tmp_path, *(entry(n, "猫" * n, signals={"score": n / 7}) for n in range(1, 90)))
    found = find(index, Wish())
    assert set(found.spreads) == {"question_chars", "score"}
    for name, spread in found.spreads.items():
        to = bars(lambda path, **query: query, Wish(), name, spread)
        shown = [find(index, Wish.of(to(bar), index)).total for bar in range(len(spread.bins))]
        assert sum(spread.bins) == 89
        if name == "question_chars":
            assert shown == list(spread.bins)
        assert min(shown) >= 0


def test_an_address_brings_the_same_wish_back(index):
    wish = Wish.of({"q": "猫", "door": "kept", "score.max": "0.5", "lang": "zh"}, index)
    assert wish.address() == {"q": "猫", "door": "kept", "score": "..0.5"}
    assert Wish.of(wish.address(), index) == wish
    assert wish.address(door="") == {"q": "猫", "score": "..0.5"}


def test_the_chosen_step_stands_first_and_doors_keep_their_order(index):
    found = find(index, Wish(facets={"step": "filter.length"}))
    assert [choice.value for choice in found.facets["step"]] == ["filter.length", "dedup.near"]
    assert [choice.value for choice in find(index, Wish()).facets["door"]] == ["kept", "dropped"]


def test_pages_cover_everything_once(tmp_path):
    index = catalog(tmp_path, *(entry(n) for n in range(1, 2 * PAGE + 2)))
    pages = [find(index, Wish(), page) for page in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [PAGE, PAGE, 1]
    assert [page.first for page in pages] == [1, PAGE + 1, 2 * PAGE + 1]
    (tmp_path / "empty").mkdir()
    assert find(catalog(tmp_path / "empty"), Wish()).first == 0


def test_a_long_search_is_cut(index):
    assert len(Wish.of({"q": "长" * 999}, index).q) == LONGEST


def test_many_values_make_no_facet(tmp_path):
    entries = [entry(n, meta={"own": f"v{n}", "same": "x", "some": f"v{n % 3}"}) for n in range(1, 61)]
    assert {"own", "same"}.isdisjoint(catalog(tmp_path, *entries).facets)
    assert "some" in catalog(tmp_path, *entries).facets


@given(st.text("冰箱门猫a b1？", max_size=12), st.text("冰箱门猫a b1？", min_size=2, max_size=3))
def test_hanzi_are_found_wherever_they_stand(text, word):
    base = sqlite3.connect(":memory:")
    base.execute(
        "CREATE VIRTUAL TABLE words USING fts5(grams, content='', tokenize='unicode61 remove_diacritics 0')"
    )
    base.execute("INSERT INTO words(rowid, grams) VALUES (1, ?)", (grams(text),))
    asked = query(word)
    hit = asked is not None and bool(list(base.execute("SELECT 1 FROM words WHERE words MATCH ?", (asked,))))
    base.close()
    if re.fullmatch("[冰箱门猫]+", word):
        assert hit == (word in text)


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


def test_hanzi_and_kana_are_the_same_everywhere():
    assert (words.HAN, words.KANA) == (features.HAN, features.KANA)


def test_what_is_shown_is_reviewed_where_a_queue_holds_exactly_that(index):
    def queue(q="", ranges=None, **facets):
        wish = Wish(q, facets, ranges or {})
        return queue_of(wish, find(index, wish))

    assert queue(door="kept", split="test") == {"queue": "kept", "split": "test"}
    assert queue(split="test") == {"queue": "kept", "split": "test"}
    assert queue(proposed="filter.length") == {"queue": "proposals", "step": "filter.length"}

    for none in (queue(), queue(door="dropped"), queue("猫", split="test"), queue(step="filter.length")):
        assert none == {}
    assert queue(split="test", ranges={"answer_chars": (1.0, None)}) == {}
