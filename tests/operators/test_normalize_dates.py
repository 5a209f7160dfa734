"""Dates with one reading are rewritten, those with two are proposed, and look-alikes stay."""

from __future__ import annotations

import pytest

from tests.operators.one_text import run, sample_of
from tilth.operators import normalize
from tilth.sample import Propose, Sample


@pytest.mark.parametrize(
    ("before", "iso", "zh"),
    [
        ("2024/05/01", "2024-05-01", "2024年5月1日"),
        ("于2024.5.1发布", "于2024-05-01发布", "于2024年5月1日发布"),
        ("2024年05月01日起", "2024-05-01起", "2024年5月1日起"),
        ("2024 年 5 月 1 日", "2024-05-01", "2024年5月1日"),
        ("二〇二四年五月一日", "2024-05-01", "2024年5月1日"),
        ("一九四九年十月三十一日", "1949-10-31", "1949年10月31日"),
        ("截止2024-5-1。", "截止2024-05-01。", "截止2024年5月1日。"),
        ("25/12/2024那天", "2024-12-25那天", "2024年12月25日那天"),
        ("2024年8月2日23时", "2024-08-02 23时", "2024年8月2日23时"),
        ("2024/5/1，2024/5/3", "2024-05-01，2024-05-03", "2024年5月1日，2024年5月3日"),
        ("2024/5/1~2024/5/3", "2024-05-01~2024-05-03", "2024年5月1日~2024年5月3日"),
    ],
)
def test_dates(before, iso, zh):
    assert run(normalize.dates, before) == iso
    assert run(normalize.dates, before, style="zh") == zh


@pytest.mark.parametrize("style", ["iso", "zh"])
@pytest.mark.parametrize(
    "text",
    [
        "2024-13-45",
        "2023/02/29",
        "XTuner 0.1.17",
        "10.0.0.12",
        "比例3/4",
        "比分12-10-2",
        "ISBN 978-7-1111-2024-1",
        "电话010-2024-0501",
        "PyCharm 2021.3.1",
        "版本2021.3.1",
        "2024-05-01T12:00:00",
        "log/2024/05/01/a.txt",
        "2024-05-01.txt",
        "2024/05/01-2024/05/03",
        "农历2024年5月1日",
        "2024年5月1日至3日",
        "他写道“2024/05/01”",
        "`2024/05/01`",
        'Format("2006/1/2")',
        "写法mm/dd/yyyy，如12/25/2024",
        "12024/05/01",
    ],
)
def test_dates_keeps(text, style):
    assert run(normalize.dates, text, style=style) == text


def test_dates_joins_no_two_iso_dates_with_a_hyphen():
    text = "2024年5月1日-2024年5月3日"
    assert run(normalize.dates, text) == text


def test_dates_proposes_both_readings_and_guesses_none():
    before = sample_of("03/05/2024开会", "好，2024/05/01见")
    verdict = normalize.dates(before)
    assert isinstance(verdict, Propose)
    assert verdict.sample is not None
    assert verdict.sample.question == "03/05/2024开会"
    assert verdict.sample.answer == "好，2024-05-01见"
    assert [proposal.after for proposal in verdict.proposals] == ["2024-03-05开会", "2024-05-03开会"]
    assert {proposal.field for proposal in verdict.proposals} == {"question"}
    assert verdict.proposals[0].evidence == {
        "ambiguous": "03/05/2024",
        "reading": "2024-03-05",
        "readings": ["2024-03-05", "2024-05-03"],
    }


def test_dates_proposes_only_for_the_chosen_field():
    assert isinstance(normalize.dates(sample_of("03/05/2024"), field="answer"), Sample)
    assert isinstance(normalize.dates(sample_of("“03/05/2024”")), Sample)
    verdict = normalize.dates(sample_of("03/05/2024"))
    assert isinstance(verdict, Propose)
    assert verdict.sample is None
