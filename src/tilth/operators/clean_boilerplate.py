"""`clean.strip_boilerplate`: takes out advertising, share requests and empty openings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import numpy as np

from tilth.operators.base import Field, edit, operator
from tilth.operators.lexicon import sections
from tilth.operators.protect import HOLE, masked, settled, spans
from tilth.operators.regex import Hint, regex
from tilth.operators.texts import Classes, Flags, Texts, places, table
from tilth.sample import Sample

_OPENING = regex(r"^(?:如题(?:[ \t]*[，,。.：:；;！!…~～]+[ \t]*|[ \t]+|[ \t]*$\n?))+", re.MULTILINE)
_CLOSING = regex(r"(?<=[\s。？！?!，,])(?:如题[。.！!~～]*\s*)+\Z")
_ASKS = frozenset(f"?？{HOLE}")
_SENTENCE = regex(r"[^。！？!?；;\n]*[。！？!?；;]*[”」』）)]*")
_END = regex(r"[。！？!?；;]+[”」』）)]*")
_STOPS = "。！？!?；;”」』）)"
_ORNAMENT = regex(
    r"[\s*_~～—=+#>·•|、，,。.！!；;&/\u2010-\u2013\u2190-\u21ff\u2460-\u24ff\u25a0-\u27bf\u2b00-\u2bff"
    r"\ufe0f\u200d\U0001f000-\U0001faff-]|\[[^\[\]\n]{1,6}R\]"
)
"""What may stand between the words: punctuation, emoji and the `[nameR]` stickers of Xiaohongshu."""


HINTING = "题赞看欢标评藏转享三注众码群信XxQq更阅责编版布著"
"""One character of each hint."""
_SIGNS = frozenset(HINTING)
_EMPTY_OPENING = "如题"
_LONGEST = 120
"""Characters of a sentence of advertising."""


_FIRST, _SECOND, _ALONE = 1, 2, 4


@cache
def _roles() -> Classes:
    """Whether each character begins a hint, comes second in one, or is one."""
    hints = sections("boilerplate.txt")["hint"]
    pairs = [hint for hint in hints if len(hint) > 1]
    alone = [hint for hint in hints if len(hint) == 1]
    return table({_FIRST: (hint[0] for hint in pairs), _SECOND: (hint[1] for hint in pairs), _ALONE: alone})


@cache
def _openings() -> frozenset[int]:
    """The first two characters of each hint that has so many, as one number."""
    return frozenset(
        ord(hint[0]) << 16 | ord(hint[1]) for hint in sections("boilerplate.txt")["hint"] if len(hint) > 1
    )


def _may_be_hinted(texts: Texts, settings: Mapping[str, Any]) -> Flags:
    """Whether a hint, or what begins like one, stands in each sample."""
    roles, points = texts.classes(_roles()), texts.points
    pairs = places((roles[:-1] & _FIRST) & (roles[1:] >> 1))
    codes = points[pairs].astype(np.uint32) << 16 | points[pairs + 1]
    hints = np.fromiter(map(_openings().__contains__, codes.tolist()), np.bool_, codes.size)
    return texts.holding(np.concatenate([pairs[hints], places(roles & _ALONE)]))


@operator(
    "clean.strip_boilerplate",
    version=2,
    gate=_may_be_hinted,
    examples=("水会结冰。\n扫码关注公众号 → 水会结冰。", "二维码为什么是黑白的？ → (unchanged)"),
)
def strip_boilerplate(sample: Sample, *, field: Field = "both") -> Sample:
    """Take out advertising lines, requests to like, share or follow, and the empty opening 如题.

    Whole lines go anywhere, whole sentences only at the end of the text, nothing is cut inside a sentence. A sentence
    counts only when it is made of listed phrases and nothing else (`operators/data/boilerplate.txt`), so that
    questions and statements about a 公众号 or 二维码 stay. A text that is nothing but boilerplate is left for a filter.
    """
    return edit(sample, _without_boilerplate, field)


def _without_boilerplate(text: str) -> str:
    if not _hint()(text):
        return text
    return settled(text, lambda current: masked(current, spans(current), _pass))


@cache
def _hint() -> Hint:
    return Hint("|".join(map(re.escape, sections("boilerplate.txt")["hint"])))


@cache
def _phrases(heading: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(line) for line in sections("boilerplate.txt")[heading])


@cache
def _call() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{line})" for line in sections("boilerplate.txt")["call"]))


def _is_boilerplate(sentence: str) -> bool:
    """Whether the sentence is made of listed phrases and nothing else, one of them a call."""
    if len(sentence) > _LONGEST or not _ASKS.isdisjoint(sentence) or _SIGNS.isdisjoint(sentence):
        return False
    return _is_made_of_phrases(sentence)


@lru_cache(maxsize=4096)
def _is_made_of_phrases(sentence: str) -> bool:
    """The same, of a sentence that may be; advertising says the same again and again."""
    core = _ORNAMENT.sub("", sentence)
    if not _hint()(core) or not _call().search(core):
        return False
    reached = {0}
    for start in range(len(core)):
        if start in reached:
            found = (p.match(core, start) for p in _phrases("call") + _phrases("filler"))
            reached |= {match.end() for match in found if match}
    return len(core) in reached


def _pass(text: str) -> str:
    lines = text.split("\n")
    kept = [line for line in lines if not _all_boilerplate(line)]
    after = "\n".join(kept).rstrip() if len(kept) < len(lines) else _without_tail(text)
    if _EMPTY_OPENING in after and (bare := _CLOSING.sub("", _OPENING.sub("", after))) != after:
        after = bare.rstrip()
    return after if after.strip() else text


def _all_boilerplate(line: str) -> bool:
    """Whether a line holds sentences of boilerplate and no others."""
    found = False
    for match in _SENTENCE.finditer(line):
        sentence = match[0]
        if sentence.strip():
            if not _is_boilerplate(sentence):
                return False
            found = True
    return found


def _without_tail(text: str) -> str:
    """`text` without boilerplate sentences at its very end."""
    whole = text.rstrip()
    # No line is all boilerplate here, so that what goes ends within the last one, behind its first sentence.
    first = whole.rfind("\n") + 1
    end = len(whole)
    while (start := _last_sentence(whole, first, end)) > first and _is_boilerplate(whole[start:end]):
        end = start
    return whole[:end].rstrip() if end < len(whole) else text


def _last_sentence(text: str, first: int, end: int) -> int:
    """Where the last sentence of `text[first:end]` begins; of one too long for advertising, some place within."""
    start = max(first, end - _LONGEST - 1)
    while start > first and text[start - 1] in _STOPS:
        start -= 1
    for match in _END.finditer(text, start, end):
        if match.end() < end:
            start = match.end()
    return start
