"""Write the same thing one way: letters, marks, dates, numbers, money, script and terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tilth.operators.base import Field, edit, operator
from tilth.operators.normalize_dates import DateStyle, ambiguous, rewrite_dates
from tilth.operators.normalize_glossary import replace_terms
from tilth.operators.normalize_marks import curl_quotes, punctuate
from tilth.operators.normalize_money import rewrite_money
from tilth.operators.normalize_numbers import rewrite_numbers
from tilth.operators.normalize_script import WIDE, ScriptConfig, has_wide, narrow, simplify
from tilth.operators.protect import outside
from tilth.operators.texts import touching
from tilth.sample import Propose, Sample


@operator("normalize.width", gate=touching(WIDE), examples=("第１２章　ＡＢＣ，完 → 第12章 ABC，完",))
def width(sample: Sample, *, field: Field = "both") -> Sample:
    """Full-width letters, digits and the ideographic space become ASCII; Chinese marks stay as they are."""
    return edit(sample, _narrowed, field)


def _narrowed(text: str) -> str:
    return outside(text, narrow) if has_wide(text) else text


@operator("normalize.punctuation", version=4, examples=("你好,世界! → 你好，世界！",))
def punctuation(sample: Sample, *, field: Field = "both") -> Sample:
    """ASCII marks in Chinese sentences become Chinese marks: `,` `.` `?` `!` `:` `;` `(` `)` and `...`.

    A mark counts as Chinese where hanzi stand before it (a full stop also needs the end of a sentence after it, a
    bracket its partner). Strokes that serve as rules, as in 甲丨乙丨, are no hanzi here. Lines of code, tables, formulas
    and English are left alone.
    """
    return edit(sample, lambda text: outside(text, punctuate), field)


@operator("normalize.quotes", examples=('他说"你好"。 → 他说“你好”。',))
def quotes(sample: Sample, *, style: Literal["curly", "corner"] = "curly", field: Field = "both") -> Sample:
    """Straight double quotes around Chinese become paired ones: “ ” or 「 」.

    Quotes inside a quotation become ‘ ’ or 『 』. A line with an odd number of them is left alone, and so are code,
    JSON and inches. Marks that are paired already are never changed.
    """
    return edit(sample, lambda text: outside(text, lambda part: curl_quotes(part, style)), field)


@operator("normalize.dates", examples=("2024/05/01 → 2024-05-01", "二〇二四年五月一日 → 2024-05-01"))
def dates(sample: Sample, *, style: DateStyle = "iso", field: Field = "both") -> Sample | Propose:
    """Full dates are written one way: `2024-05-01` or `2024年5月1日`; a date with two readings is only proposed.

    Rewritten is what has one reading and exists in the calendar. 03/05/2024 stays, with one proposal for each
    reading. Dates inside quotations are left alone.
    """
    changed = edit(
        sample, lambda text: outside(text, lambda part: rewrite_dates(part, style), wording=True), field
    )
    proposals = ambiguous(changed, style, field)
    if not proposals:
        return changed
    return Propose(proposals, None if changed is sample else changed)


@operator("normalize.numbers", version=4, examples=("三百二十五公里 → 325公里",))
def numbers(sample: Sample, *, style: Literal["digits", "hanzi"] = "digits", field: Field = "both") -> Sample:
    """Numbers before a unit of measure are written in digits (or in hanzi).

    Only whole, exact numerals before a unit of `data/units.txt` count: 三四公里, 十几斤, 一米八 and numerals
    without a unit stay. 一 is a number only before units such as 公里 and 毫升, and never in 最后一公里.
    """
    return edit(
        sample, lambda text: outside(text, lambda part: rewrite_numbers(part, style), wording=True), field
    )


@operator("normalize.currency", version=2, examples=("¥30 → 30元", "30块钱 → 30元", "US$5 → 5美元"))
def currency(sample: Sample, *, to: Literal["word", "symbol"] = "word", field: Field = "both") -> Sample:
    """Amounts of money are written one way: `30元` or `¥30`.

    块 is money only as 块钱, or at the end of a clause that speaks of a price; 元 with 角 and 分 becomes one decimal
    number. Ranges and a bare `$`, which is the sign of many currencies, stay.
    """
    return edit(sample, lambda text: outside(text, lambda part: rewrite_money(part, to), wording=True), field)


@operator("normalize.simplified", version=2, examples=("虛偽 → 虚伪",))
def simplified(sample: Sample, *, config: ScriptConfig = "t2s", field: Field = "both") -> Sample:
    """Traditional characters become simplified ones, with OpenCC; quotations are converted too.

    `t2s`, `tw2s` and `hk2s` change characters; `tw2sp` and `hk2sp` also change words (軟體 → 软件). A text in
    simplified characters is left alone but for words that only Taiwan uses (`data/taiwan_words.txt`, with `tw2sp`).

    Raises:
        MissingExtra: OpenCC is not installed.
    """
    return edit(sample, lambda text: outside(text, lambda part: simplify(part, config)), field)


@operator("normalize.glossary", files=("file",), examples=("Pytorch → PyTorch",))
def glossary(sample: Sample, *, file: str, field: Field = "both") -> Sample:
    """Variants of a term become the one form that a glossary file gives.

    The file is YAML or tab-separated: variant, canonical form and, where wanted, longer phrases that keep the
    variant. The longest entry wins; a Latin entry never matches inside a longer word; quotations are left alone.

    Raises:
        UserError: the file is missing or has a faulty entry.
    """
    return edit(
        sample, lambda text: outside(text, lambda part: replace_terms(part, file), wording=True), field
    )


def glossary_files(settings: Mapping[str, Any]) -> list[str]:
    """The files whose content decides what `normalize.glossary` does with these settings."""
    return [settings["file"]]
