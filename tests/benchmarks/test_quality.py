"""The quality benchmarks on small samples: no figure falls below its target but those that are known to."""

from __future__ import annotations

import random
import re

import pytest
from benchmarks.quality import figures, spelling
from benchmarks.quality.cases import near_copy, similarity
from benchmarks.quality.run import PAGE, PARTS, main, page

KNOWN: dict[str, set[str]] = {}
"""Figures that miss their target today, each with its reason in the docs. Take out what is mended."""


@pytest.mark.real_data
@pytest.mark.parametrize("name", PARTS)
def test_no_figure_falls_below_its_target(name, real_data):
    part = PARTS[name](real_data, quick=True)
    assert part.figures
    assert {figure.what for figure in part.figures if figure.holds is False} == KNOWN.get(name, set())


def test_the_page_holds_every_benchmark_with_its_date_and_versions():
    text = PAGE.read_text(encoding="utf-8")
    head = page([]).splitlines()[0]
    assert text.startswith(head)
    assert re.search(r"on 20\d\d-\d\d-\d\d: Tilth", text)
    assert "rensa " in text
    assert text.count("\n## ") == len(PARTS)


def test_a_share_holds_only_where_there_are_cases():
    assert figures.at_least(0.99, "found", 99, 100).holds
    assert not figures.at_least(0.99, "found", 98, 100).holds
    assert not figures.at_least(0.99, "found", 0, 0).holds
    assert figures.at_most(0, "wrong", 0, 5).holds
    assert not figures.at_most(0, "wrong", 1, 5).holds


def test_a_precision_over_few_proposals_stays_open():
    few, many = figures.enough_for(0.8, "p", 99, 99, 500), figures.enough_for(0.8, "p", 79, 100, 500)
    assert few.holds is None
    assert "too few" in few.note
    assert many.holds is False


@pytest.mark.parametrize(
    ("positive", "negative", "area"), [([2, 3], [0, 1], 1.0), ([0], [1], 0.0), ([1, 1], [1], 0.5)]
)
def test_the_area_under_the_curve(positive, negative, area):
    assert figures.area_under_curve(positive, negative) == area


def test_a_near_copy_stays_above_the_lowest_similarity():
    text = "为什么晚上睡得越早第二天反而越不想起床呢"
    for seed in range(20):
        assert similarity(text, near_copy(text, "春夏秋冬", 0.7, random.Random(seed))) >= 0.7


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [("既使下雨", "即使下雨", {(0, 1, "即")}), ("的的", "的", {(1, 2, "")}), ("一样", "一样", set())],
)
def test_edits_are_characters_or_spans(before, after, found):
    assert spelling.edits(before, after) == found


def test_an_unknown_name_is_refused(capsys, monkeypatch):
    monkeypatch.setenv("TILTH_REAL_DATA", "nowhere")
    with pytest.raises(SystemExit) as stopped:
        main(["deduplication"])
    assert stopped.value.code == 2
    assert "expected some of dedup" in capsys.readouterr().err
