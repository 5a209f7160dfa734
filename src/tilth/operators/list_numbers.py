"""Numbers that a list put before its items: found with the neighbours as proof, and taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tilth.operators.base import Facts, Field, Read, edit, operator, set_operator, text
from tilth.operators.regex import regex
from tilth.sample import Measured, Sample, Verdict

_HAN = "\u3400-\u9fff"
_OPENS = '“”"「『《（(【…—🐱>：:'
_NUMBER = r"\A\s*(?P<number>\d{1,4})"
_MARKED = regex(
    rf"{_NUMBER}(?:[ ]?[、．][ \t]*(?=[^\s\d])|\.[ \t]*(?=[{_HAN}{_OPENS}])|[.)）][ \t]+(?=[^\s\d])|[)）](?=[{_HAN}{_OPENS}]))"
)
_BARE = regex(rf"{_NUMBER}[ \t\u3000]+(?=[{_HAN}A-Za-z{_OPENS}])")
_ITEM = regex(r"(?:^|[\s。！？；;，,])\s*[（(]?(\d{1,4})[ ]?(?:[、．]|\.(?!\d)|[)）])", re.MULTILINE)
_QUANTITY = regex(
    r"(?:[年月日号时点分秒岁周天夜个只条头匹名位人口家所间座栋层楼次遍趟回场顿件套双对副本册页篇首句字行列张片块根支枝棵朵颗粒"
    r"杯碗瓶盒袋包箱斤吨克米里升度元角毛万亿千百十多余来几加减乘除是比和与到至等的倍成折级届代种类项款门道则集部台辆架艘世代维进毫厘公平立英摄第名进位]"
    r"|分之|不是|等于|大于|小于|[A-Za-z]{1,2}(?![A-Za-z])|mm|cm|km|kg|ml|GB|MB|KB|Hz|px|pt|am|pm|vs|in\b|ft\b|years?\b|days?\b|hours?\b|minutes?\b|percent\b|times?\b|people\b|plus\b|minus\b|x\b)"
)
"""What makes a number before it a quantity, a date or part of a sum."""
_NEAR = 5
"""How many samples before and after may prove that a number belongs to a list."""


def leading_number(words: str) -> tuple[int, Literal["marked", "bare"]] | None:
    """The number that begins a text as the items of a list do, and whether a mark or only a space follows it."""
    if match := _MARKED.match(words):
        style: Literal["marked", "bare"] = "marked"
    elif (match := _BARE.match(words)) and not _QUANTITY.match(words, match.end()):
        style = "bare"
    else:
        return None
    rest = words[match.end() :]
    if _MARKED.match(rest) or _BARE.match(rest) or _lists_itself(words, int(match["number"])):
        return None
    return int(match["number"]), style


def _lists_itself(words: str, number: int) -> bool:
    """Whether the text goes on counting: then the number belongs to a list inside of it."""
    return any(int(found) == number + 1 for found in _ITEM.findall(words)[1:])


def without_list_number(words: str, proven: int | None) -> str:
    """`words` without the list number before it; one that only a space follows goes only where it is `proven`."""
    found = leading_number(words)
    if found is None or (found[1] == "bare" and found[0] != proven):
        return words
    match = _MARKED.match(words) or _BARE.match(words)
    assert match
    return words[match.end() :]


@operator(
    "clean.strip_list_number",
    examples=("182.鱼会渴吗？ → 鱼会渴吗？", "1.5倍是多少？ → (unchanged)"),
)
def strip_list_number(sample: Sample, *, field: Field = "question") -> Sample:
    """Take out the number that a list put before its item: `151、`, `182.`, `3)`, and a bare `151 ` where it is proven.

    A number with a mark goes when words follow; decimals, times, enumerations (1、2、3), and texts that go on counting
    (1. … 2. …) stay. A number with only a space behind it goes only where `measure.list_number` found neighbours that
    count along with it, because `7 为什么是幸运数字` looks the same. Quantities (`10 个`, `3 月`) always stay.
    """
    signal = sample.signals.get("list_number")
    return edit(sample, lambda words: without_list_number(words, signal), field)


@set_operator("measure.list_number")
@dataclass(frozen=True)
class ListNumber:
    """Find the numbers of a list whose items became samples: `151 …`, `150 …`, `149 …` one after another.

    Signal `list_number`, only on samples where two of the five samples before or behind, of the same file, begin with
    numbers that count along, up or down, with small gaps. `clean.strip_list_number` reads it.
    """

    field: Field = "question"

    fact: ClassVar[np.dtype[np.void]] = np.dtype([("number", "<i4")])

    def observe(self, sample: Sample) -> int:
        """The number the text begins with; -1 for none."""
        found = leading_number(text(sample, self.field))
        return found[0] if found else -1

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Measure the numbers that two neighbours vouch for."""
        numbers = facts.rows["number"].tolist()
        for at, number in enumerate(numbers):
            if number >= 0 and _vouched(at, numbers, facts.places):
                yield facts.places[at], Measured({"list_number": number})


def _vouched(at: int, numbers: list[int], places: object) -> bool:
    for direction in (1, -1):
        votes = 0
        for other in range(max(0, at - _NEAR), min(len(numbers), at + _NEAR + 1)):
            step = (numbers[other] - numbers[at]) * direction
            apart = other - at
            if apart and numbers[other] >= 0 and step * apart > 0 and abs(step) <= abs(apart) + 2:
                votes += 1
        if votes >= 2:
            return True
    return False
