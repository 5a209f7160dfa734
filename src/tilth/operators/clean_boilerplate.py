"""`clean.strip_boilerplate`: takes out advertising, share requests and empty openings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from tilth.operators.base import Field, edit, operator
from tilth.operators.lexicon import sections
from tilth.operators.protect import HOLE, masked, settled, spans
from tilth.operators.regex import regex
from tilth.sample import Sample

_OPENING = regex(r"^(?:如题(?:[ \t]*[，,。.：:；;！!…~～]+[ \t]*|[ \t]+|[ \t]*$\n?))+", re.MULTILINE)
_CLOSING = regex(r"(?<=[\s。？！?!，,])(?:如题[。.！!~～]*\s*)+\Z")
_ASKS = frozenset(f"?？{HOLE}")
_SENTENCE = regex(r"[^。！？!?；;\n]*[。！？!?；;]*[”」』）)]*")
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
def _roles() -> npt.NDArray[np.uint8]:
    """Whether each character begins a hint, comes second in one, or is one."""
    roles = np.zeros(0x10000, dtype=np.uint8)
    for hint in sections("boilerplate.txt")["hint"]:
        if len(hint) == 1:
            roles[ord(hint)] |= _ALONE
        else:
            roles[ord(hint[0])] |= _FIRST
            roles[ord(hint[1])] |= _SECOND
    return roles


def _may_be_hinted(samples: Sequence[Sample]) -> list[bool]:
    """Whether a hint stands in each sample, or what begins like one and goes on like another."""
    texts = ["\n".join([m.content for m in (*one.messages, *(one.rejected or ()))]) for one in samples]
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    points = np.frombuffer("\n".join([*texts, ""]).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    roles = _roles()[np.minimum(points, 0xFFFF)]
    begins = (roles[:-1] & _FIRST).astype(np.bool_) & (roles[1:] & _SECOND).astype(np.bool_)
    at = np.flatnonzero(begins | (roles[:-1] & _ALONE).astype(np.bool_))
    hinted = np.zeros(len(texts), dtype=np.bool_)
    hinted[np.searchsorted(np.cumsum(lengths), at, side="right")] = True
    found: list[bool] = hinted.tolist()
    return found


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
    if not _hinted(text):
        return text
    return settled(text, lambda current: masked(current, spans(current), _pass))


def _hinted(text: str) -> bool:
    return any(map(text.__contains__, _hints(text.isascii())))


@cache
def _hints(ascii_only: bool) -> tuple[str, ...]:
    return tuple(h for h in sections("boilerplate.txt")["hint"] if h.isascii() or not ascii_only)


@cache
def _phrases(heading: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(line) for line in sections("boilerplate.txt")[heading])


def _is_boilerplate(sentence: str) -> bool:
    """Whether the sentence is made of listed phrases and nothing else, one of them a call."""
    if len(sentence) > _LONGEST or not _ASKS.isdisjoint(sentence) or _SIGNS.isdisjoint(sentence):
        return False
    core = _ORNAMENT.sub("", sentence)
    if not _hinted(core) or not any(call.search(core) for call in _phrases("call")):
        return False
    reached = {0}
    for start in range(len(core)):
        if start in reached:
            found = (p.match(core, start) for p in _phrases("call") + _phrases("filler"))
            reached |= {match.end() for match in found if match}
    return len(core) in reached


def _pass(text: str) -> str:
    lines = text.split("\n")
    kept = [line for line in lines if not line.strip() or not _all_boilerplate(line)]
    after = "\n".join(kept).rstrip() if len(kept) < len(lines) else _without_tail(text)
    if _EMPTY_OPENING in after and (bare := _CLOSING.sub("", _OPENING.sub("", after))) != after:
        after = bare.rstrip()
    return after if after.strip() else text


def _all_boilerplate(line: str) -> bool:
    parts = (match[0] for match in _SENTENCE.finditer(line) if match[0].strip())
    verdicts = map(_is_boilerplate, parts)
    return next(verdicts, False) and all(verdicts)


def _without_tail(text: str) -> str:
    """`text` without boilerplate sentences at its very end."""
    if _SIGNS.isdisjoint(text.rstrip()[-_LONGEST:]):
        return text
    sentences = [match for match in _SENTENCE.finditer(text.rstrip()) if match[0]]
    start = len(sentences)
    while start > 1 and (not sentences[start - 1][0].strip() or _is_boilerplate(sentences[start - 1][0])):
        start -= 1
    return text[: sentences[start].start()].rstrip() if start < len(sentences) else text
