"""Pages: translated, escaped, static; and diffs a person can read."""

from __future__ import annotations

import os
import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment
from jinja2.bccache import Bucket

from tilth.pages import diff as diffs
from tilth.pages import language, render
from tilth.pages.diff import diff
from tilth.pages.render import _environment, _Kept, _kept, words

TEMPLATES = resources.files("tilth.pages") / "templates"
PHRASE = re.compile(r"""\bt\("((?:[^"\\]|\\.)*)"|\bt\('((?:[^'\\]|\\.)*)'""")


def phrases() -> set[str]:
    found = set()
    for page in TEMPLATES.iterdir():
        for double, single in PHRASE.findall(page.read_text(encoding="utf-8")):
            found.add(double or single)
    return found


def test_every_phrase_is_translated():
    said = phrases()
    assert len(said) > 40
    assert said - set(words()) == set()


def test_translations_keep_their_placeholders():
    for english, chinese in words().items():
        assert sorted(re.findall(r"{\d}", english)) == sorted(re.findall(r"{\d}", chinese)), english


@pytest.mark.parametrize(
    ("wish", "lang"), [("zh_CN.UTF-8", "zh"), ("zh", "zh"), ("en", "en"), ("fr_FR", "en")]
)
def test_the_language_is_the_readers(monkeypatch, wish, lang):
    monkeypatch.setenv("TILTH_LANG", wish)
    assert language() == lang


def context(**more):
    counts = {"taken": 2, "made": 0, "blank": 0, "kept": 1, "dropped": 1, "quarantined": 0, "held": 0}
    step = {
        "name": "read",
        "taken": 2,
        "changed": 0,
        "proposed": 0,
        "made": 0,
        **{k: counts[k] for k in ("kept", "dropped", "quarantined", "held")},
    }
    empty = {"bins": [], "low": 0, "high": 0, "median": 0}
    base = {
        "name": "x", "status": "done", "reason": "", "counts": counts, "steps": [step], "leaks": [], "asked": 0, "gone": [],
        "changes": [], "proposals": [], "splits": {"train": 1}, "moved": [], "coverage": [], "models": {"teacher": {"requests": 2, "prompt_tokens": 9, "completion_tokens": 3, "cost": 0.1, "currency": "CNY", "cost_per_kept": None}}, "calibration": [{"dimension": "honest", "labels": 2, "agreement": 0.5, "low": 0.1, "high": 0.9, "too_kind": 1, "too_strict": 0, "kappa": None}], "represented": {}, "diversity": [{"group": "together", "samples": 2, "distinct": 0.5, "nearest": None}], "suffix": "jsonl",
        "lengths": {"question": empty, "answer": empty}, "inputs": [], "version": "0",
    }  # fmt: skip
    return {**base, **more}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_data_report_is_one_static_file(lang):
    page = render("data.html", lang, **context())
    assert not re.search(r"<script|https?:|<link|src=", page)
    assert ('lang="zh-CN"' in page) == (lang == "zh")


def test_what_samples_say_is_escaped():
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    leak = {"question": evil, "place": evil, "similarity": 1.0, "split": "train", "text": evil + "y"}
    page = render("data.html", "en", **context(leaks=[leak], asked=1, name=evil))
    assert "<script" not in page
    assert "<img" not in page


def test_a_short_change_stays_readable():
    kinds = [(p.kind, p.text) for p in diff("化学 成分", "化学成分")]
    assert kinds == [("same", "化学"), ("gone", " "), ("same", "成分")]


def test_long_sameness_is_folded():
    pieces = diff("甲" * 200 + "乙", "甲" * 200 + "丙")
    assert [p.kind for p in pieces] == ["fold", "same", "gone", "new"]


@pytest.mark.parametrize("limit", [0, 20_000])
@given(before=st.text("甲乙 a\n", max_size=60), after=st.text("甲乙 a\n", max_size=60))
def test_a_diff_holds_both_texts(limit, before, after):
    diffs.LONG = limit
    pieces = diff(before, after, fold=False)
    assert "".join(p.text for p in pieces if p.kind in ("same", "gone")) == before
    assert "".join(p.text for p in pieces if p.kind in ("same", "new")) == after


@pytest.mark.parametrize("before", ["word " * 100, "一个 word，" * 90])
def test_long_changes_are_compared_word_by_word_and_lose_nothing(before):
    after = "前" + before.replace("word", "ｗｏｒｄ") + "后"
    pieces = diff(before, after, fold=False)
    assert "".join(text for kind, text in pieces if kind != "new") == before
    assert "".join(text for kind, text in pieces if kind != "gone") == after
    assert not any(kind == "same" and "word" in text for kind, text in pieces)


def test_compiled_templates_are_kept_for_the_next_process(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _environment.cache_clear()
    _environment().get_template("macros.html")
    assert len(list(tmp_path.rglob("tilth-jinja*.cache"))) == 1
    _environment.cache_clear()


def test_a_page_is_made_where_nothing_can_be_kept(tmp_path, monkeypatch):
    assert _Kept(str(tmp_path / "gone")).dump_bytecode(Bucket(Environment(), "key", "sum")) is None
    if hasattr(os, "getuid"):
        (tmp_path / f"_jinja2-cache-{os.getuid()}").touch()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        assert _kept() is None
