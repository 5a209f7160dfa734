"""Amounts of money in one notation; 块 that is no money stays."""

from __future__ import annotations

import pytest

from tests.operators.one_text import run
from tilth.operators import normalize


@pytest.mark.parametrize(
    ("before", "word", "symbol"),
    [
        ("¥30", "30元", "¥30"),
        ("￥30元", "30元", "¥30"),
        ("30块钱", "30元", "¥30"),
        ("RMB 30", "30元", "¥30"),
        ("30元人民币", "30元", "¥30"),
        ("三十块钱", "三十元", "三十块钱"),
        ("价格：US$5", "价格：5美元", "价格：US$5"),
        ("一共5美元", "一共5美元", "一共US$5"),
        ("¥1,000.50", "1,000.50元", "¥1,000.50"),
        ("人民币30万元", "30万元", "¥30万"),
        ("价格30块。", "价格30元。", "价格¥30。"),
        ("这本书卖三十块", "这本书卖三十元", "这本书卖三十块"),
        ("€5", "5欧元", "€5"),
        ("30块钱5个", "30元5个", "30块钱5个"),
        ("US$5 左右", "5美元 左右", "US$5 左右"),
        ("RMB 2 万", "2万元", "¥2万"),
        ("5元3角", "5.3元", "¥5.3"),
        ("三千元零五分", "3000.05元", "¥3000.05"),
    ],
)
def test_currency(before, word, symbol):
    assert run(normalize.currency, before) == word
    assert run(normalize.currency, before, to="symbol") == symbol


@pytest.mark.parametrize("to", ["word", "symbol"])
@pytest.mark.parametrize(
    "text",
    [
        "30块砖",
        "三块蛋糕",
        "我们一块走",
        "他卖一块",
        "分成3块。",
        "30-50元",
        "¥30-50",
        "¥30多",
        "$5",
        "￥3000日元",
        "30元素",
        "3元一次方程",
        "三元五角星",
        "十元五分钟",
        "“¥30”",
        "`¥30`",
        "¥30k",
        "35元5g",
        "第三板块",
        "¥¥20",
    ],
)
def test_currency_keeps(text, to):
    assert run(normalize.currency, text, to=to) == text


def test_currency_writes_no_chinese_word_into_an_english_sentence():
    text = "She bought a printer for €102, then left."
    assert run(normalize.currency, text) == text
