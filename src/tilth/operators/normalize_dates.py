"""Full dates: which ones have a single reading, and how they are written (ISO 8601, GB/T 15835-2011)."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

from tilth.operators.base import Field
from tilth.operators.normalize_marks import stands_in_foreign_line
from tilth.operators.protect import outside
from tilth.operators.regex import Hint, regex
from tilth.sample import Proposal, Sample

DateStyle = Literal["iso", "zh"]

_EDGE = r"(?<![\dA-Za-z_.\-/\\\"'])"
_END = r"(?![\dA-Za-z_/\\%版\"']|[ ]版|[-.]\d|\.[A-Za-z]|[ ]\d\d:\d\d:\d\d[.,]\d)"
_SPAN = r"(?![ ]?[-~～—至到、和][ ]?[0-9一二三四五六七八九十]{1,3}[ ]?[日号月])"
_DIGITS = "〇零一二三四五六七八九"
_NUMERIC = rf"{_EDGE}(?P<y>\d{{4}})(?P<sep>[-/.])(?P<m>\d{{1,2}})(?P=sep)(?P<d>\d{{1,2}}){_END}"
_CHINESE = r"(?<![\d.])(?P<zy>\d{4})[ ]?年[ ]?(?P<zm>\d{1,2})[ ]?月[ ]?(?P<zd>\d{1,2})[ ]?[日号]" + _SPAN
_SPELLED = (
    rf"(?<![{_DIGITS}十百千])(?P<hy>[一二][{_DIGITS}]{{3}})年(?P<hm>[{_DIGITS}十]{{1,2}})月(?P<hd>[{_DIGITS}十]{{1,3}})[日号]"
    + _SPAN
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = (
    "(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?)"
)
_TH = "(?:st|nd|rd|th)?"
_ENGLISH = regex(
    rf"(?<![A-Za-z0-9])(?:(?P<m1>{_NAMES})\.?[ ](?P<d1>\d{{1,2}}){_TH},?[ ](?P<y1>\d{{4}})"
    rf"|(?P<d2>\d{{1,2}}){_TH}[ ](?:of[ ])?(?P<m2>{_NAMES})\.?,?[ ](?P<y2>\d{{4}}))(?![\dA-Za-z]|[-.]\d)"
)
_DATE = regex(f"{_NUMERIC}|{_CHINESE}|{_SPELLED}")
_EUROPEAN = regex(rf"{_EDGE}(?P<a>\d{{1,2}})(?P<sep>[-/])(?P<b>\d{{1,2}})(?P=sep)(?P<y>\d{{4}}){_END}")
_GATE = Hint(
    rf"\d[-/.]\d{{1,2}}[-/.]\d|\d[ ]?年|[〇零一二三四五六七八九]年|(?i:{'|'.join(_MONTHS)})(?i:[a-zıİ]{{0,6}})\.?,?[ ]\d"
)
_VERSION = regex(r"(?:[A-Za-z][ -]?|版本?号?[:： 为是]{0,2})$")
_OTHER_CALENDAR = regex(r"(?:[农阴夏旧]历|[公纪]元?前|民国|回历|佛历)[ ]?$")
_FORMATS = regex(r"(?i:mm[-/.]dd|dd[-/.]mm|yyyy)|%[Yymd]")
"""A text that speaks of ways to write dates means each of them as it stands."""
_YEARS = range(1900, 2100)
"""Years that a date without 年 may have; others are more often numbers of something."""


def rewrite_dates(text: str, style: DateStyle) -> str:
    """`text` with every date that has one reading written as `style` wants it."""
    if not _GATE(text) or _FORMATS.search(text):
        return text

    def rewrite(match: re.Match[str]) -> str:
        found = _read(match)
        return _fit(match, found, style) if found else match[0]

    def rewrite_european(match: re.Match[str]) -> str:
        readings = _readings(match)
        return _fit(match, readings[0], style) if len(readings) == 1 else match[0]

    def rewrite_english(match: re.Match[str]) -> str:
        month = _MONTHS.index((match["m1"] or match["m2"])[:3].lower()) + 1
        year, day = int(match["y1"] or match["y2"]), int(match["d1"] or match["d2"])
        found = _day(year, month, day) if year in _YEARS else None
        return _fit(match, found, style) if found else match[0]

    text = _ENGLISH.sub(rewrite_english, text)
    return _EUROPEAN.sub(rewrite_european, _DATE.sub(rewrite, text))


def _fit(match: re.Match[str], day: date, style: DateStyle) -> str:
    """The date as `style` wants it, or as it stands where that would not be readable beside its neighbours."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() : match.end() + 1]
    if style == "zh":
        return match[0] if stands_in_foreign_line(match) else _write(day, style)
    if "-" in (before, after):
        return match[0]
    return _write(day, style) + (" " if after.isdecimal() else "")


def ambiguous(sample: Sample, style: DateStyle, field: Field) -> tuple[Proposal, ...]:
    """One proposal for each reading of each date such as 03/05/2024, over the whole question or answer."""
    proposals = []
    for name, text in (("question", sample.question), ("answer", sample.answer)):
        if field not in (name, "both"):
            continue
        for written, readings in _find_ambiguous(text).items():
            for reading in readings:
                evidence = {
                    "ambiguous": written,
                    "reading": reading.isoformat(),
                    "readings": [each.isoformat() for each in readings],
                }
                after = text.replace(written, _write(reading, style))
                proposals.append(Proposal(name, text, after, evidence))
    return tuple(proposals)


def _find_ambiguous(text: str) -> dict[str, list[date]]:
    found: dict[str, list[date]] = {}

    def look(part: str) -> str:
        for match in _EUROPEAN.finditer(part):
            readings = _readings(match)
            if len(readings) > 1:
                found[match[0]] = readings
        return part

    if _GATE(text) and not _FORMATS.search(text):
        outside(text, look, wording=True)
    return found


def _readings(match: re.Match[str]) -> list[date]:
    """Month first and day first, without the ones that no calendar has."""
    year, first, second = int(match["y"]), int(match["a"]), int(match["b"])
    found = {_day(year, first, second), _day(year, second, first)} if year in _YEARS else set()
    return sorted(day for day in found if day)


def _read(match: re.Match[str]) -> date | None:
    before = match.string[max(0, match.start() - 8) : match.start()]
    if match["y"]:
        if int(match["y"]) not in _YEARS or (match["sep"] == "." and _VERSION.search(before)):
            return None
        return _day(int(match["y"]), int(match["m"]), int(match["d"]))
    if _OTHER_CALENDAR.search(before):
        return None
    if match["zy"]:
        return _day(int(match["zy"]), int(match["zm"]), int(match["zd"]))
    year = int("".join(str(_digit(char)) for char in match["hy"]))
    return _day(year, _spelled(match["hm"]), _spelled(match["hd"]))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _digit(char: str) -> int:
    return max(0, _DIGITS.index(char) - 1)


def _spelled(text: str) -> int:
    """A numeral up to 99 such as 十二 or 三十一; 0, which no calendar has, where it is none."""
    tens, ten, ones = text.rpartition("十")
    if len(tens) > 1 or len(ones) > 1 or "〇" in text or "零" in text:
        return 0
    return (_digit(tens) if tens else 1) * 10 * bool(ten) + (_digit(ones) if ones else 0)


def _write(day: date, style: DateStyle) -> str:
    return day.isoformat() if style == "iso" else f"{day.year}年{day.month}月{day.day}日"
