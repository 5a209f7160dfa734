"""Chinese numerals before units; idioms, ranges and vague numbers stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.operators.one_text import run
from tilth.operators import normalize
from tilth.operators.normalize_numbers import read_numeral, write_numeral


@given(st.integers(0, 10**12 - 1))
def test_numerals_round_trip(value):
    assert read_numeral(write_numeral(value)) == value


@pytest.mark.parametrize(
    ("value", "numeral"),
    [
        (0, "零"),
        (10, "十"),
        (110, "一百一十"),
        (1010, "一千零一十"),
        (2012, "二千零一十二"),
        (10010, "一万零一十"),
        (3 * 10**8 + 5, "三亿零五"),
    ],
)
def test_numerals(value, numeral):
    assert write_numeral(value) == numeral


@pytest.mark.parametrize("text", ["三四", "三百二", "百十", "千", "一十", "二三十", "一万亿"])
def test_numerals_that_are_not_exact(text):
    assert read_numeral(text) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("三百二十五公里", "325公里"),
        ("跑了三点五公里", "跑了3.5公里"),
        ("两千克", "2千克"),
        ("一万两千三百米", "12300米"),
        ("三百二十五万公里", "325万公里"),
        ("二十四小时", "24小时"),
        ("三十元", "30元"),
        ("十八岁", "18岁"),
        ("零点五升", "0.5升"),
        ("每三分钟", "每3分钟"),
    ],
)
def test_numbers(before, after):
    assert run(normalize.numbers, before) == after


@pytest.mark.parametrize(
    "text",
    [
        "说它是两元甚至多元制的帝国也行。",
        "一心一意",
        "五一劳动节",
        "十一黄金周",
        "三七二十一",
        "一些，一下，万一",
        "一个",
        "三四个",
        "十几斤",
        "几十公里",
        "三四公里",
        "一米八",
        "两米二",
        "三到五公里",
        "三公里半",
        "第三公里",
        "百米赛跑",
        "最后一公里",
        "一小时",
        "三克油",
        "十分克制",
        "八元素",
        "三分钟热度",
        "“三公里”",
        "三元一次方程",
        "周三米饭",
    ],
)
def test_numbers_keeps(text):
    assert run(normalize.numbers, text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("325公里", "三百二十五公里"),
        ("3.5公里", "三点五公里"),
        ("2公里", "两公里"),
        ("达到5公里", "达到五公里"),
        ("1,000米", "1,000米"),
        ("3-5公里", "3-5公里"),
        ("A4米", "A4米"),
        ("007米", "007米"),
        ("9" * 5000 + "米", "9" * 5000 + "米"),
        ("三公里", "三公里"),
    ],
)
def test_numbers_in_hanzi(before, after):
    assert run(normalize.numbers, before, style="hanzi") == after
