"""Chinese numerals: read, write, and rewrite where a unit of measure says that they are exact."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from tilth.operators.regex import Hint, hint_of, regex

DIGITS = "零一二三四五六七八九"
NUMERALS = "零〇一二两三四五六七八九十百千万亿"
_SMALL = {"十": 10, "百": 100, "千": 1000}
_BIG = {"万": 10**4, "亿": 10**8}
_PLACES = 12
"""Digits of the largest number that is read or written: 10¹² - 1."""


def read_numeral(text: str) -> int | None:
    """The value of a whole Chinese numeral; `None` for 三四, 三百二, 百十 and all else that is not exact and complete.

    What is read is written again and compared, so only the full forms of GB/T 15835 pass, and 零十 for 零一十.
    """
    full = text.replace("两", "二").replace("〇", "零").replace("零十", "零一十")
    total = section = digit = 0
    for char in full:
        if char in _SMALL:
            section += (digit or 1) * _SMALL[char]
            digit = 0
        elif char in _BIG:
            total += (section + digit) * _BIG[char]
            section = digit = 0
        else:
            digit = DIGITS.index(char)
    value = total + section + digit
    return value if value < 10**_PLACES and write_numeral(value) == full else None


def write_numeral(value: int) -> str:
    """A whole number from 0 to 10¹² - 1 in hanzi: 12300 is 一万二千三百."""
    if value == 0:
        return "零"
    written = ""
    for name, size in (("亿", 10**8), ("万", 10**4), ("", 1)):
        section, value = divmod(value, size)
        if section:
            gap = "零" if written and section < 1000 else ""
            written += gap + _section(section) + name
        elif written and value and not written.endswith("零"):
            written += "零"
    written = written.replace("零零", "零")
    return written.removeprefix("一") if written.startswith("一十") else written


def _section(value: int) -> str:
    written = ""
    for name, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit, value = divmod(value, size)
        if digit:
            written += DIGITS[digit] + name
        elif written and value and not written.endswith("零"):
            written += "零"
    return written


def rewrite_numbers(text: str, style: Literal["digits", "hanzi"]) -> str:
    """`text` with the exact numbers before units in digits or in hanzi."""
    if not _hint(style)(text):
        return text
    pattern = _pattern(style)
    return pattern.sub(_to_digits if style == "digits" else _to_hanzi, text)


_RANGE_BEFORE = regex(rf"[0-9{NUMERALS}][ ]?[-~～—－至到、比][ ]?$")


def _is_range(match: re.Match[str]) -> bool:
    return bool(_RANGE_BEFORE.search(match.string[max(0, match.start() - 4) : match.start()]))


_METRIC = frozenset(
    [
        "公里",
        "千米",
        "厘米",
        "毫米",
        "微米",
        "纳米",
        "公斤",
        "千克",
        "毫克",
        "微克",
        "毫升",
        "平方公里",
        "平方米",
        "立方米",
        "公顷",
    ]
)
_NO_ONE = frozenset("后每这那哪同某另唯头前上下统整任")


def _is_one(match: re.Match[str]) -> bool:
    """Whether 一 is the number 1: before a unit of the metric system that is no everyday word, and no 最后一公里."""
    unit, (start, end) = match["unit"], match.span()
    before, behind = match.string[max(0, start - 3) : start], match.string[end : end + 1]
    return (
        unit in _METRIC
        and not (_NO_ONE & {before[-1:], behind})
        and not before.endswith(unit)
        and behind != "一"
    )


_OLD_UNIT_BEFORE = regex(rf"[{NUMERALS}半][石斛斗丈尺寸钱]$")
_NO_MONEY = frozenset(["制", "化", "论", "性", "素"])
_FAR = 6
"""Characters behind 元 in which 多元 tells that it counts parts: 两元甚至多元制."""


def _is_part(match: re.Match[str]) -> bool:
    """Whether it is half of a measure in old units (三斗五升), or its 元 is a part of a whole (两元制)."""
    start, end = match.span()
    behind = match.string[end : end + _FAR]
    after_old_unit = _OLD_UNIT_BEFORE.search(match.string, max(0, start - 2), start)
    of_a_whole = behind[:1] in _NO_MONEY or "多元" in behind
    return bool(after_old_unit) or (match["unit"] == "元" and of_a_whole)


def _to_digits(match: re.Match[str]) -> str:
    if not match["unit"] or _is_part(match):
        return match[0]
    whole, point, decimals = match["number"].partition("点")
    value = read_numeral(whole)
    if value is None or _is_range(match) or (match["number"] == "一" and not _is_one(match)):
        return match[0]
    fraction = (
        "." + "".join(str(DIGITS.index(char)) for char in decimals.replace("〇", "零")) if point else ""
    )
    return _arabic(value, fraction) + match["unit"]


def _arabic(value: int, fraction: str) -> str:
    """Digits as people write them: 万 and 亿 stay words where nothing smaller follows."""
    if value < 10**4 or value % 10**4 or fraction:
        return f"{value}{fraction}"
    hundreds_of_millions, ten_thousands = divmod(value // 10**4, 10**4)
    parts = ((hundreds_of_millions, "亿"), (ten_thousands, "万"))
    return "".join(f"{part}{name}" for part, name in parts if part)


def _to_hanzi(match: re.Match[str]) -> str:
    if not match["unit"]:
        return match[0]
    whole, point, decimals = match["number"].partition(".")
    if len(whole) > _PLACES or _is_range(match):
        return match[0]
    written = write_numeral(int(whole))
    if point:
        written += "点" + "".join(DIGITS[int(char)] for char in decimals)
    return ("两" if written == "二" else written) + match["unit"]


def _units() -> tuple[str, str]:
    """Patterns of the set phrases and of the units, from `data/units.txt`."""
    text = (files("tilth.operators") / "data" / "units.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    fixed = "|".join(line.removeprefix("=") for line in lines if line.startswith("="))
    units = []
    for line in lines:
        unit, _, other = line.partition("\t")
        if not line.startswith("="):
            units.append(f"{unit}(?![{other}])" if other else unit)
    return fixed, "|".join(units)


@lru_cache
def _hint(style: Literal["digits", "hanzi"]) -> Hint:
    """A numeral, or a digit, before a unit."""
    units = hint_of(_units()[1]).pattern
    return Hint(rf"[{NUMERALS}](?:{units})" if style == "digits" else rf"\d[ ]?(?:{units})")


@lru_cache
def _pattern(style: Literal["digits", "hanzi"]) -> re.Pattern[str]:
    fixed, units = _units()
    end = rf"(?![0-9{NUMERALS}半多余来几])"
    if style == "digits":
        number = rf"(?<![{NUMERALS}几数多好成第点初周期拜大A-Za-z0-9])(?<!(?<!身)高)(?P<number>[{NUMERALS}]+?(?:点[零〇一二三四五六七八九]+)?)"
    else:
        number = r"(?<![\dA-Za-z_第])(?<!\d[-.,:/])(?P<number>(?:0|[1-9]\d*)(?:\.\d+)?)[ ]?"
    return re.compile(f"{fixed}|{number}(?P<unit>{units}){end}")
