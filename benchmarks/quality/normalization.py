"""Normalization: the cases of WeTextProcessing and OpenCC that say what our steps also promise.

Those sets verbalize for speech; ours unify writing. A case is in scope where both sides hold the same value in a form
that the step's own description covers; the other side is then compared by its value, not by its spelling.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import get_args

from benchmarks.quality.cases import CQIA, Pair, cqia, sample
from benchmarks.quality.figures import Figure, Part, at_least

from tilth.operators.normalize import currency, dates, numbers, simplified, width
from tilth.operators.normalize_script import ScriptConfig
from tilth.sample import Sample

_NUMERAL = "[零一二两三四五六七八九十百千万亿]+(?:点[零一二三四五六七八九]+)?"
_ARABIC = r"\d+(?:\.\d+)?[万亿]?(?:\d+)?"
_CARRIER = "公里"
"""A unit put after a bare number: `normalize.numbers` looks only at numbers before units."""
_UNITS = re.compile("(?:平方|立方|千|毫|厘|公)?(?:米|克|斤|里|升|吨|秒|分钟|小时|度|瓦|伏)")
"""Units of measure; what else can be counted (年, 人, 块钱) is no unit and out of scope."""
_GOLD_DAY = re.compile(r"(?<!\d)(\d{4})/(\d{2})/(\d{2})(?!\d)")
_SPELLED_DAY = re.compile(
    "([零一二三四五六七八九]{4})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})日"
)
_WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ\u3000]")

Case = tuple[str, str, str]
"""What goes in, what comes out, what should come out."""


def measure(data: Path, quick: bool = False) -> Part:
    """All steps; `quick` is the same, it takes seconds."""
    parts: dict[str, Iterator[Case]] = {
        "dates": _dates(data),
        "numbers to digits": _to_digits(data),
        "numbers to hanzi": _to_hanzi(data),
        "money": _money(data),
        "width: code points": _code_points(),
        "width: texts with full-width characters": _width(data),
        **{f"OpenCC {config}": _script(data, config) for config in get_args(ScriptConfig)},
    }
    figures: list[Figure] = []
    wrong: list[str] = []
    for name, cases in parts.items():
        done = list(cases)
        missed = [f"{name}: {before} → {got}, expected {gold}" for before, got, gold in done if got != gold]
        figures.append(at_least(1, f"{name}: cases in scope", len(done) - len(missed), len(done)))
        wrong += missed
    return Part("Normalization", figures, {"cases that differ": wrong})


def _after(step: Callable[..., object], text: str, **settings: object) -> str:
    outcome = step(sample(0, text), **settings)
    return outcome.question if isinstance(outcome, Sample) else text


def _cases(data: Path, direction: str, *names: str) -> Iterator[Pair]:
    """Both sides of each case, in digits (`itn`) or in words (`tn`)."""
    for name in names:
        path = data / "tn_wetext" / f"{direction}_chinese_test_data_{name}.txt"
        for line in path.read_text(encoding="utf-8").splitlines():
            before, arrow, after = line.partition(" => ")
            if arrow:
                yield before, after


def _value(text: str) -> str:
    """A numeral in digits or hanzi, with 万 and 亿 or without, as one number."""
    whole, point, decimals = text.partition("点")
    digits = "零一二三四五六七八九"
    total = section = number = 0
    for char in whole.replace("两", "二"):
        if char in digits:
            number = digits.index(char)
        elif char.isdecimal() or char == ".":
            return _arabic(text)
        elif char in "十百千":
            section, number = section + (number or 1) * 10 ** ("十百千".index(char) + 1), 0
        else:
            total, section, number = total + (section + number) * (10**4 if char == "万" else 10**8), 0, 0
    return f"{total + section + number}" + (
        "." + "".join(str(digits.index(d)) for d in decimals) if point else ""
    )


def _arabic(text: str) -> str:
    parts = re.findall(r"(\d+(?:\.\d+)?)([万亿]?)", text)
    scale = {"": 1, "万": 10**4, "亿": 10**8}
    return str(sum(Decimal(number) * scale[name] for number, name in parts))


def _dates(data: Path) -> Iterator[Case]:
    """Full dates with a year of four digits: each one that the case names must come out in ISO form."""
    for before, gold in _cases(data, "itn", "date", "normalizer"):
        for year, month, day in _GOLD_DAY.findall(gold):
            iso = f"{year}-{month}-{day}"
            after = _after(dates, before)
            yield before, iso if iso in after else after, iso
    for before, gold in _cases(data, "tn", "date"):
        found = _SPELLED_DAY.fullmatch(gold)
        if found:
            year = int("".join(_value(char) for char in found[1]))
            yield (
                before,
                _after(dates, before),
                date(year, int(_value(found[2])), int(_value(found[3]))).isoformat(),
            )


def _same_tail(spoken: str, written: str) -> bool:
    """Whether both sides end alike: with nothing, or with a unit of measure."""
    return spoken == written and (not spoken or bool(_UNITS.match(spoken)))


def _to_digits(data: Path) -> Iterator[Case]:
    """Whole numerals, alone (a unit is put after them) or before what they count."""
    for before, gold in _cases(data, "itn", "number", "cardinal", "measure"):
        spoken = re.match(f"({_NUMERAL})(.*)", before)
        written = re.match(f"({_ARABIC})(.*)", gold)
        if not spoken or not written or not _same_tail(spoken[2], written[2]):
            continue
        if _value(spoken[1]) != _value(written[1]):
            continue
        tail = spoken[2] or _CARRIER
        after = _after(numbers, spoken[1] + tail)
        value = after.removesuffix(tail)
        done = after.endswith(tail) and re.fullmatch(_ARABIC, value)
        yield before + ("" if spoken[2] else tail), _value(value) if done else after, _value(written[1])


def _to_hanzi(data: Path) -> Iterator[Case]:
    """Numbers in digits, alone or before what they count; 二 and 两 are one number."""
    for before, gold in _cases(data, "tn", "number", "measure"):
        written = re.match(r"(\d+(?:\.\d+)?)(?![\d.])(.*)", before)
        spoken = re.match(f"({_NUMERAL})(.*)", gold)
        if not spoken or not written or not _same_tail(spoken[2], written[2]):
            continue
        tail = written[2] or _CARRIER
        after = _after(numbers, written[1] + tail, style="hanzi")
        yield (
            before + ("" if written[2] else tail),
            after.replace("两", "二"),
            (spoken[1] + tail).replace("两", "二"),
        )


def _money(data: Path) -> Iterator[Case]:
    """Amounts in words, written in digits and then with the sign; ranges are out of scope."""
    for before, gold in _cases(data, "itn", "money"):
        if re.fullmatch(r"[¥$£€]\d+(?:\.\d+)?", gold):
            yield before, _after(currency, _after(numbers, before), to="symbol"), gold


def _code_points() -> Iterator[Case]:
    """Every full-width form: letters, digits and the space become ASCII, all others stay as they are."""
    for char in [chr(code) for code in (0x3000, *range(0xFF01, 0xFFEF))]:
        plain = unicodedata.normalize("NFKC", char)
        changes = char == "\u3000" or (plain.isascii() and plain.isalnum())
        yield f"甲{char}乙", _after(width, f"甲{char}乙"), f"甲{plain if changes else char}乙"


def _width(data: Path) -> Iterator[Case]:
    """Texts without code or formulas that hold a full-width letter, digit or space."""
    texts = [text for name in CQIA for pair in cqia(data, name) for text in pair]
    texts += [before for before, _ in _cases(data, "tn", "normalizer")]
    for text in texts:
        if _WIDE.search(text) and not re.search(r"[`$\\]|://|www\.", text):
            yield (
                text,
                _after(width, text),
                _WIDE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text),
            )


def _script(data: Path, config: str) -> Iterator[Case]:
    text = (data / "opencc" / "testcases.json").read_text(encoding="utf-8")
    for case in json.loads(re.sub(r",(\s*[}\]])", r"\1", text))["cases"]:
        if config in case["expected"]:
            yield case["input"], _after(simplified, case["input"], config=config), case["expected"][config]
