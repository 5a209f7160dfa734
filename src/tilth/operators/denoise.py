"""Proposes repairs of damaged text; a step changes something by itself only where the recipe says `mode: apply`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from pydantic import Field as Limits

from tilth.operators import lexicon, protect
from tilth.operators.base import ROLES, Field, operator
from tilth.operators.features import units
from tilth.operators.mending import Mode, Repaired, mend
from tilth.operators.regex import Hint, regex
from tilth.operators.repeats import NGRAM, kinds_of, repeating
from tilth.operators.texts import Flags, Texts
from tilth.sample import Propose, Sample


@operator(
    "denoise.spelling",
    examples=(
        "他既使生病也去上班 → 他即使生病也去上班",
        "I beleive it → I believe it",
        "红色的的车 → 红色的车",
    ),
)
def spelling(sample: Sample, *, field: Field = "both", mode: Mode = "propose") -> Sample | Propose:
    """Offer to mend common misspellings: English typing errors, Chinese wrong characters, doubled 的, 了, 在.

    Only forms that are wrong wherever they stand are listed (`data/misspellings_*.txt`), so it finds few errors and
    names few that are none. Code, formulas, addresses and quotations are left alone; so are identifiers.
    """
    return mend(sample, _spell, field, mode)


def _spell(words: str) -> Repaired:
    changes: dict[str, str] = {}
    if not _misspelling()(words):
        return words, {"changes": []}

    def right(match: re.Match[str]) -> str:
        wrong = match.group()
        mended = wrong if _is_reduplication(match) else _right_form(wrong)
        if mended != wrong:
            changes[wrong] = mended
        return mended

    after = protect.outside(words, lambda part: _misspelt().sub(right, part), wording=True)
    return after, {"changes": [list(change) for change in changes.items()]}


def _is_reduplication(match: re.Match[str]) -> bool:
    """Whether a doubled particle stands at the edge of a clause, as in verse and speech (了了分明)."""
    wrong, (start, end) = match.group(), match.span()
    if len(wrong) != 2 or wrong[0] != wrong[1]:
        return False
    return not (match.string[start - 1 : start].isalnum() and match.string[end : end + 1].isalnum())


def _right_form(wrong: str) -> str:
    """The right form in the case of the wrong one; `wrong` itself where it is an exception or oddly cased."""
    if not wrong.isascii():
        return _chinese().get(wrong, wrong)
    mended = _english()[wrong.lower()]
    for case in (str.lower, str.capitalize, str.upper):
        if wrong == case(wrong):
            return case(mended)
    return wrong


@lru_cache(maxsize=1)
def _english() -> Mapping[str, str]:
    return dict(line.split("\t") for line in lexicon.shipped("misspellings_en.txt"))


@lru_cache(maxsize=1)
def _chinese() -> Mapping[str, str]:
    """Wrong form → right form; the strings that hold a wrong form and are right stand for themselves."""
    table: dict[str, str] = {}
    for line in lexicon.shipped("misspellings_zh.txt"):
        wrong, right, *exceptions = line.split("\t")
        table[wrong] = right
        table.update((exception, exception) for exception in " ".join(exceptions).split())
    return table


@lru_cache(maxsize=1)
def _misspelling() -> Hint:
    """What stands in every text that holds a wrong form."""
    latin = lexicon.any_of(_english())
    return Hint(rf"{lexicon.any_of(_chinese())}|(?:^|[^A-Za-z0-9])(?i:{latin})(?:[^A-Za-z0-9_]|$)|[ıİ]")


@lru_cache(maxsize=1)
def _misspelt() -> re.Pattern[str]:
    """All wrong forms. Latin ones must be whole words, and not part of a name, a path or a call."""
    english = (
        rf"(?<![A-Za-z0-9_\-./@#$\\])(?i:{lexicon.any_of(_english())})(?![A-Za-z0-9_\-/@(=]|\.[A-Za-z0-9])"
    )
    return re.compile(f"{lexicon.any_of(_chinese())}|{english}")


def _may_say_again(texts: Texts, settings: Mapping[str, Any]) -> Flags:
    """Whether a text says as many units twice as a repetition must hold, or its beginning comes again in it."""
    least: int = settings["min_chars"]
    if least < NGRAM:
        return np.ones(texts.size, dtype=np.bool_)
    chosen = texts.said_by(*ROLES[settings["field"]]) | texts.rejected
    # Two copies of a whole text may share a word where they meet, and need no such units.
    copies = [
        is_chosen and (body := text.strip()).find(body[:least], 1) > 0
        for text, is_chosen in zip(texts.contents, chosen.tolist(), strict=True)
    ]
    found = np.zeros(texts.size, dtype=np.bool_)
    found[
        texts.owners[(repeating(texts, kinds_of(texts), 0) & chosen) | np.array(copies, dtype=np.bool_)]
    ] = True
    return found


@operator("denoise.repeated_text", gate=_may_say_again, examples=("水会结冰的。水会结冰的。 → 水会结冰的。",))
def repeated_text(
    sample: Sample,
    *,
    field: Field = "answer",
    min_chars: Annotated[int, Limits(ge=2)] = 8,
    mode: Mode = "propose",
) -> Sample | Propose:
    """Offer to remove what is said twice in a row: a sentence, several sentences, or the whole text.

    Only sentences that end as sentences do are looked at, so lines of code, table rows and refrains without a full
    stop stay; the whole text counts however it ends.

    Args:
        sample: the sample to repair.
        field: which messages to look at.
        min_chars: hanzi or words that a repetition must hold; shorter ones (哈哈。哈哈。) are a way to speak.
        mode: offer the change, or make it.
    """
    return mend(sample, lambda words: _say_once(words, min_chars), field, mode)


_TERMINAL = r"(?:[。！？!?…]|\.(?=\s|$|[\"')]))+[\"'”’」』）)*]*"
_PIECE = regex(rf"(?:(?!{_TERMINAL})[^\n])*(?:{_TERMINAL}|\n+|$)")
_SENTENCE = regex(rf"{_TERMINAL}$")


def _say_once(words: str, min_chars: int) -> Repaired:
    removed: list[str] = []
    after = _halve(words, min_chars, removed)
    after = protect.outside(after, lambda part: _drop_repeats(part, min_chars, removed))
    return after, {"removed": removed}


_GAP = 4
"""White space that may stand between two copies, in characters."""
_TRIES = 100
"""How often the beginning of a text may recur before it is taken for a pattern and not for the start of a copy."""


def _halve(words: str, min_chars: int, removed: list[str]) -> str:
    """The first copy of a text that consists of nothing but copies of it; the text itself otherwise."""
    body = words.strip()
    start = 0
    for _ in range(_TRIES):
        start = body.find(body[:min_chars], start + 1)
        if not 0 < start <= (len(body) + _GAP) // 2:
            break
        copy = body[:start].rstrip()
        if body.endswith(copy) and len(units(copy)) >= min_chars and _is_all(copy, body):
            removed.append(copy)
            return copy
    return words


def _is_all(copy: str, body: str) -> bool:
    return re.fullmatch(rf"(?:{re.escape(copy)}\s*)+", body) is not None


def _drop_repeats(words: str, min_chars: int, removed: list[str]) -> str:
    """The text without blocks of sentences that repeat the block right before them."""
    kept: list[str] = []
    seen: dict[str, list[int]] = {}
    parts: list[str] = []
    end = 0
    for match in _PIECE.finditer(words):
        key = match.group().strip()
        if not key:
            continue
        earlier = seen.setdefault(key, [])
        size = len(kept) - earlier[-1] if earlier else 0
        earlier.append(len(kept))
        kept.append(key)
        parts.append(words[end : match.end()])
        end = match.end()
        if size and _is_repeat(kept, size, min_chars):
            removed.append("".join(kept[-size:]))
            for key in kept[-size:]:
                seen[key].pop()
            del kept[-size:], parts[-size:]
    return "".join(parts) + words[end:]


def _is_repeat(kept: list[str], size: int, min_chars: int) -> bool:
    block = kept[-size:]
    return (
        kept[-2 * size : -size] == block
        and all(_SENTENCE.search(sentence) for sentence in block)
        and sum(len(units(sentence)) for sentence in block) >= min_chars
    )
