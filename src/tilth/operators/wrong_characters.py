"""`denoise.wrong_characters`: finds hanzi that stand for others which sound or look like them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from tilth.operators import protect
from tilth.operators.base import Facts, Field, Read, set_operator
from tilth.operators.regex import regex
from tilth.operators.words_zh import HOLE, LONGEST, RARE, Words, lookalikes, words
from tilth.sample import Proposal, Propose, Sample, Verdict

NAME = "denoise.wrong_characters"
_RUN = regex("[\u4e00-\u9fff]{2,60}")
_LEAST = {2: 8.0, 3: 6.0, 4: 4.0}
"""How many nats likelier the text must become, by the length of the word that appears. Taken from real text with errors
planted by chance; labelled sets had been scored at several (docs/design/wrong-characters.md)."""
_AHEAD = 2.0
"""By how many nats the best change of a run of hanzi must lead the second."""
_WORD_BROKEN = 4.0
"""What it costs to break a word of two hanzi that the dictionary knows."""
_MOST = 4.0
"""The most that one pair of hanzi in the set can say for or against a change."""
_TERM = 3
"""Samples that write a pair the same way make it a term and no error."""
_BUCKETS = 1 << 24


class _Change(NamedTuple):
    at: int
    right: str
    before: str
    after: str
    gain: float


Seen = Callable[[str], int]
"""In how many samples of the set a pair of hanzi occurs."""


@set_operator(NAME)
@dataclass(frozen=True)
class WrongCharacters:
    """Offer to put the right hanzi where one that sounds or looks alike makes no word: 自然环竟 to 自然环境.

    Each run of hanzi is divided into the likeliest words (jieba's dictionary). A hanzi is changed where another with
    the same or an almost equal reading, or a like shape, makes a word of what was none, the whole run becomes much
    likelier, and no other change comes near. The set itself is asked as well: pairs that other samples write speak for
    them, and what three samples write the same way is a term and stays. Names are no target, since they are spelt in
    many ways. Code, formulas, addresses and quotations are left alone. It only proposes, and on texts
    with few errors most of what it offers is wrong; it needs `tilth[zh]`.
    """

    field: Field = "both"

    fact: ClassVar[np.dtype[np.void]] = np.dtype([("suspect", "?")])

    def __post_init__(self) -> None:
        """Miss the dictionary before the run and not in it."""
        words(NAME)

    def observe(self, sample: Sample) -> bool:
        """Whether any hanzi could be wrong, whatever the other samples write."""
        known = words(NAME)
        return any(
            _best(run, known, None, least=-2 * _MOST) is not None
            for text in _texts(sample, self.field)
            for run in _runs(text)
        )

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Count the pairs of the whole set once, then judge the suspects."""
        suspects = facts.rows["suspect"].tolist()
        if not any(suspects):
            return
        seen = _count(read(place) for place in facts.places)
        for place, suspect in zip(facts.places, suspects, strict=True):
            if suspect and (offers := tuple(_offers(read(place), self.field, seen))):
                yield place, Propose(offers)


_FIELD_OF: dict[str, Field] = {"user": "question", "assistant": "answer"}


def _texts(sample: Sample, field: Field) -> Iterator[str]:
    for message in sample.messages:
        if _FIELD_OF.get(message.role) in ((field,) if field != "both" else ("question", "answer")):
            yield message.content


def _runs(text: str) -> Iterator[str]:
    """Runs of hanzi outside of protected spans."""
    found: list[str] = []

    def collect(part: str) -> str:
        found.extend(_RUN.findall(part))
        return part

    protect.outside(text, collect, wording=True)
    return iter(found)


def _offers(sample: Sample, field: Field, seen: Seen) -> Iterator[Proposal]:
    known = words(NAME)
    for message in sample.messages:
        name = _FIELD_OF.get(message.role)
        if name is None or field not in (name, "both"):
            continue
        changes: list[list[str | float]] = []

        def mend(match: re.Match[str], changes: list[list[str | float]] = changes) -> str:
            run = match[0]
            found = _best(run, known, seen)
            if found is None:
                return run
            changes.append([found.before, found.after, round(found.gain, 1)])
            return run[: found.at] + found.right + run[found.at + 1 :]

        after = protect.outside(message.content, lambda part: _RUN.sub(mend, part), wording=True)
        if changes:
            yield Proposal(name, message.content, after, {"changes": changes})


def _best(run: str, known: Words, seen: Seen | None, least: float = 0.0) -> _Change | None:
    """The change that makes the run likeliest; `None` where it is not likely enough or another comes near.

    Args:
        run: hanzi and nothing else.
        known: the dictionary.
        seen: what the set writes; without it only the dictionary speaks.
        least: added to what is asked of a change.
    """
    forth, sizes = _forth(run, known)
    spots = list(_spots(run, sizes, known))
    if not spots:
        return None
    back, _ = _forth(run[::-1], known, reverse=True)
    back = back[::-1]
    found: dict[tuple[int, str], _Change] = {}
    for at, first, size in spots:
        others = lookalikes(run[at])
        base = forth[-1] + math.log(len(others) + 1) + (_WORD_BROKEN if sizes[at] == 2 else 0.0)
        for right in _fitting(run, at, first, size, known, others):
            if seen and _is_term(run, at, first, size, seen):
                break
            word = run[first:at] + right + run[at + 1 : first + size]
            changed = run[:at] + right + run[at + 1 :]
            gain = _with_word_at(changed, at, known, forth, back) - base - others[right]
            gain += _set_says(run, changed, at, seen) if seen else 0.0
            before = found.get((at, right))
            if before is None or len(before.after) < size:
                found[at, right] = _Change(at, right, run[first : first + size], word, gain)
    ranked = sorted(found.values(), key=lambda change: -change.gain)
    likely = [change for change in ranked if change.gain >= _LEAST[len(change.after)] + least]
    if seen is None or not likely:
        return likely[0] if likely else None
    leads = len(ranked) == 1 or ranked[0].gain - ranked[1].gain >= _AHEAD
    return ranked[0] if leads and likely[0] is ranked[0] else None


def _fitting(
    run: str, at: int, first: int, size: int, known: Words, others: Mapping[str, float]
) -> Iterable[str]:
    """The lookalikes that make the window a word."""
    before, behind = run[first:at], run[at + 1 : first + size]
    if size < 4:
        fits = known.gaps.get(f"{before}{HOLE}{behind}", ())
        return [right for right in others if right in fits]
    names = known.names
    words_of_four = ((right, f"{before}{right}{behind}") for right in others)
    return [
        right for right, word in words_of_four if known.counts.get(word, 0) >= RARE[4] and word not in names
    ]


def _forth(run: str, known: Words, reverse: bool = False) -> tuple[list[float], list[int]]:
    """The likelihood of each beginning of `run` in its best division, and the size of the word each hanzi is in."""
    size = len(run)
    best = [0.0] + [-math.inf] * size
    came = [0] * (size + 1)
    logs = known.logs
    for at in range(size):
        for end in range(at + 1, min(size, at + LONGEST) + 1):
            word = run[at:end]
            value = logs.get(word[::-1] if reverse else word, known.unknown if end == at + 1 else None)
            if value is not None and best[at] + value > best[end]:
                best[end], came[end] = best[at] + value, at
    sizes = [0] * size
    end = size
    while end:
        for index in range(came[end], end):
            sizes[index] = end - came[end]
        end = came[end]
    return best, sizes


def _with_word_at(changed: str, at: int, known: Words, forth: list[float], back: list[float]) -> float:
    """The likelihood of the changed run in its best division: only words over the changed hanzi are new."""
    best = -math.inf
    for first in range(max(0, at - LONGEST + 1), at + 1):
        for end in range(at + 1, min(len(changed), first + LONGEST) + 1):
            value = known.logs.get(changed[first:end], known.unknown if end == first + 1 else None)
            if value is not None:
                best = max(best, forth[first] + value + back[end])
    return best


def _spots(run: str, sizes: list[int], known: Words) -> Iterator[tuple[int, int, int]]:
    """Hanzi that may be wrong, with the window in which another could make a word: place, first, size."""
    for at, hanzi in enumerate(run):
        if sizes[at] > 2 or hanzi not in known.common:
            continue
        for size in _LEAST:
            for first in range(max(0, at - size + 1), min(at, len(run) - size) + 1):
                window = run[first : first + size]
                if window in known.logs or max(sizes[first : first + size]) > 2:
                    continue
                if size == 2 and (max(sizes[first : first + 2]) > 1 or window in known.inside):
                    continue
                if size < 4 or all(pair in known.in_four for pair in _pairs_beside(window, at - first)):
                    yield at, first, size


def _pairs_at(run: str, at: int) -> list[str]:
    return [run[first : first + 2] for first in (at - 1, at) if first >= 0 and first + 2 <= len(run)]


def _pairs_beside(window: str, at: int) -> list[str]:
    """The pairs of a window that a change at one place leaves as they are, each after its place."""
    return [f"{n}{window[n : n + 2]}" for n in range(len(window) - 1) if at not in (n, n + 1)]


def _is_term(run: str, at: int, first: int, size: int, seen: Seen) -> bool:
    """Whether other samples write the window the same way."""
    window = run[first : first + size]
    return all(seen(pair) >= _TERM for pair in _pairs_at(window, at - first))


def _set_says(run: str, changed: str, at: int, seen: Seen) -> float:
    """What the pairs of the set say for the change; the sample's own use of the old pair is left out."""
    total = 0.0
    for old, new in zip(_pairs_at(run, at), _pairs_at(changed, at), strict=True):
        said = math.log((seen(new) + 0.5) / (max(0, seen(old) - 1) + 0.5))
        total += max(-_MOST, min(_MOST, said))
    return total


def _count(samples: Iterable[Sample]) -> Seen:
    """In how many samples each pair of hanzi occurs, by a hash of 24 bits: 32 MB however large the set is."""
    occurs = np.zeros(_BUCKETS, np.uint16)
    for sample in samples:
        text = "\n".join(message.content for message in sample.messages if message.role in _FIELD_OF)
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
        hanzi = (codes >= 0x4E00) & (codes <= 0x9FFF)
        both = hanzi[:-1] & hanzi[1:]
        found = np.unique(_bucket(codes[:-1][both], codes[1:][both]))
        occurs[found] += occurs[found] < np.iinfo(np.uint16).max
    return lambda pair: int(occurs[_bucket(np.uint64(ord(pair[0])), np.uint64(ord(pair[1])))])


def _bucket(left: np.uint64 | np.ndarray, right: np.uint64 | np.ndarray) -> np.ndarray:
    mixed = (left * np.uint64(20992) + right) % np.uint64(16777213)
    return np.asarray(mixed, np.int64)
