"""Amounts of money: which notations mean the same, and when 块 is money at all."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from importlib.resources import files
from typing import Any, Literal, NamedTuple

import yaml

from tilth.operators.normalize_marks import stands_in_foreign_line
from tilth.operators.normalize_numbers import NUMERALS, read_numeral
from tilth.operators.regex import Hint, regex

_NUMBER = r"(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?![\d.,]*\d)(?:[ ]?(?P<scale>[万亿]))?"
_RANGE_AFTER = r"(?![ ]?[-~～—－至到][ ]?\d)"
_VAGUE = r"(?![ ]?(?:[A-Za-z%多余来几块毛角分日円+]|\d))"
_NO_MONEY = r"(?!素|旦|宵|首|帅|老|件|组|凶|勋|音|年|整|钱|[一二三四五六七八九]次|方程|[ ]?\d|[一二三四五六七八九][角毛分])"
_EDGE = r"(?<![\dA-Za-z_$¥￥€£])(?<!\d[/.,:：])(?<!\d[-~～—－至到])(?<!\d[ ][-~～—－至到][ ])"
_CLAUSE_END = r"(?=[ ]?(?:$|[\n，。！？；、,.!?;）)」”]))"


class _Currency(NamedTuple):
    word: str
    symbol: str
    pattern: re.Pattern[str]
    hint: Hint


def rewrite_money(text: str, to: Literal["word", "symbol"]) -> str:
    """`text` with amounts of money as a word after the number, or as a symbol before it."""
    if not _gate()(text):
        return text
    if "元" in text:
        text = _CHANGE.sub(partial(_write_change, to=to), text)
    for currency in _currencies(to):
        if currency.hint(text):
            text = currency.pattern.sub(partial(_write, currency=currency, to=to), text)
    return _LOOSE_CHANGE.sub(partial(_write_loose, to=to), text) if "块" in text else text


def _write(match: re.Match[str], currency: _Currency, to: Literal["word", "symbol"]) -> str:
    if to == "word" and stands_in_foreign_line(match):
        return match[0]
    number = match["number"] or match["number2"]
    scale = match["scale"] or match["scale2"] or ""
    return f"{number}{scale}{currency.word}" if to == "word" else f"{currency.symbol}{number}{scale}"


_ONE = "[1-9一二两三四五六七八九]"
_CHANGE = regex(
    rf"(?<![\dA-Za-z_.,:：{NUMERALS}几数多美欧日韩港第])(?<![\d{NUMERALS}][-~～—－至到])"
    rf"(?P<number>\d+|[{NUMERALS}]+)元(?:(?P<tenths>{_ONE})[角毛](?:(?P<hundredths>{_ONE})分)?|零(?P<cents>{_ONE})分)"
    r"(?:钱|整)?(?=[的，。！？；：、,.!?;:）)”」』\s]|$)"
)
"""元 with 角 and 分, down to the end of what is said: 三元五角星 and 十元五分钟 go on."""


def _write_change(match: re.Match[str], to: Literal["word", "symbol"]) -> str:
    """An amount in 元, 角 and 分 as one decimal number; where the number is not exact it stays."""
    whole = int(match["number"]) if match["number"].isdecimal() else read_numeral(match["number"])
    if whole is None:
        return match[0]
    decimals = "0" + _digit(match["cents"]) if match["cents"] else _digit(match["tenths"])
    decimals += _digit(match["hundredths"]) if match["hundredths"] else ""
    return f"¥{whole}.{decimals}" if to == "symbol" else f"{whole}.{decimals}元"


def _digit(char: str) -> str:
    return char if char.isdecimal() else str(read_numeral(char))


_LOOSE_CHANGE = regex(
    rf"(?<![\dA-Za-z_{NUMERALS}几数])(?<!\d[.,:：])(?<![\d{NUMERALS}][-~～—－至到])"
    rf"(?P<number>\d+(?:\.\d+)?|[{NUMERALS}]+)[ ]?块(?:(?P<money>钱)|{_CLAUSE_END})"
)


def _write_loose(match: re.Match[str], to: Literal["word", "symbol"]) -> str:
    """Amounts in 块: certain with 钱, else only where the clause before speaks of a price; never a bare 一块."""
    number = match["number"]
    if not match["money"]:
        clause = re.split(r"[\n，。！？；,;!?]", match.string[max(0, match.start() - 40) : match.start()])[-1]
        if number == "一" or not _price_words().search(clause):
            return match[0]
    if to == "word":
        return f"{number}元"
    runs_on = match.string[match.end() : match.end() + 1].isdecimal()
    return f"¥{number}" if number[0].isascii() and not runs_on else match[0]


@lru_cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(
        (files("tilth.operators") / "data" / "money.yaml").read_text(encoding="utf-8")
    )
    return found


@lru_cache
def _price_words() -> re.Pattern[str]:
    return re.compile("|".join(_table()["price_words"]))


@lru_cache
def _gate() -> Hint:
    """What a text must hold before it is looked at more closely."""
    names = {
        name for word, row in _table()["currencies"].items() for name in (word, *row["before"], *row["after"])
    }
    return Hint("|".join(map(re.escape, sorted(names | {"块", "角", "毛", "分"}))))


@lru_cache
def _currencies(to: Literal["word", "symbol"]) -> tuple[_Currency, ...]:
    return tuple(
        _Currency(word, row["symbol"], _pattern(word, row, to), _hint(word, row))
        for word, row in _table()["currencies"].items()
    )


def _hint(word: str, row: dict[str, Any]) -> Hint:
    """A sign or word of the currency beside a number."""
    before = "|".join(map(re.escape, row["before"]))
    after = "|".join(map(re.escape, (word, *row["after"])))
    return Hint(rf"(?:{before})[ ]?\d|[\d万亿][ ]?(?:{after})")


def _pattern(word: str, row: dict[str, Any], to: Literal["word", "symbol"]) -> re.Pattern[str]:
    """A sign before the number (and perhaps the word after it), or one of the words after it."""
    before = "|".join(map(re.escape, row["before"]))
    after = "|".join(re.escape(name) for name in row["after"] if name != "块钱")
    plain = f"|{word}{_NO_MONEY}" if to == "symbol" else ""
    number2 = _NUMBER.replace("<number>", "<number2>").replace("<scale>", "<scale2>")
    return re.compile(
        rf"(?<![\dA-Za-z¥￥$€£])(?:{before})[ ]?{_NUMBER}(?:[ ]?{word}{_NO_MONEY}|{_VAGUE}(?![ ]?[美欧日韩港]?元)){_RANGE_AFTER}"
        rf"|{_EDGE}{number2}[ ]?(?:(?:{after})(?![A-Za-z\d]){plain})"
    )
