"""`denoise.wrong_characters`: finds hanzi that stand for others which sound or look like them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar, NamedTuple

import msgspec
import numpy as np
from pydantic import Field as Limits

from tilth.operators import protect
from tilth.operators.base import Facts, Field, Read, set_operator
from tilth.operators.decoys import DECOYS, FLOOR, Tally, decoys
from tilth.operators.mending import Mode
from tilth.operators.regex import regex
from tilth.operators.words_zh import HOLE, LONGEST, RARE, Words, lookalikes, words
from tilth.sample import Proposal, Propose, Sample, Verdict

NAME = "denoise.wrong_characters"
_RUN = regex("[\u4e00-\u9fff]{2,60}")
_LEAST = {2: 8.0, 3: 6.0, 4: 4.0}
"""How many nats likelier the text becomes in a change that counts as level 0, by the length of the word that appears.
Taken from real text with errors planted by chance (docs/design/wrong-characters.md)."""
_AHEAD = 2.0
"""By how many nats the best change of a run of hanzi must lead the second."""
_WORD_BROKEN = 4.0
"""What it costs to break a word of two hanzi that the dictionary knows."""
_MOST = 4.0
"""The most that one pair of hanzi in the set can say for or against a change."""
_TERM = 3
"""Samples that write a pair the same way make it a term and no error."""
_BUCKETS = 1 << 24
_SURE = 0.97
"""The precision that `mode: apply` asks for; above 0.95 the estimate was seen to be up to 0.03 too high."""


class _Change(NamedTuple):
    at: int
    right: str
    before: str
    after: str
    gain: float

    @property
    def level(self) -> float:
        """Nats above what is asked of a word of this length."""
        return self.gain - _LEAST[len(self.after)]


Seen = Callable[[str], int]
"""In how many samples of the set a pair of hanzi occurs."""
Others = Callable[[str], Mapping[str, float]]
"""The hanzi that may stand for this one, and what each costs."""
_TRIED: tuple[Others, ...] = (lookalikes, *(decoys(n) for n in range(DECOYS)))
"""What may stand for a hanzi, and the decoys: as many hanzi that neither sound nor look like it."""


@set_operator(NAME, version=3)
@dataclass(frozen=True)
class WrongCharacters:
    """Offer to put the right hanzi where one that sounds or looks alike makes no word: 自然环竟 to 自然环境.

    Each run of hanzi is divided into the likeliest words (jieba's dictionary). A hanzi is changed where another with
    the same or an almost equal reading, or a like shape, makes a word of what was none, the whole run becomes much
    likelier, and no other change comes near. The set itself is asked as well: pairs that other samples write speak for
    them, and what three samples write the same way is a term and stays. How much likelier is enough is measured on the
    set: hanzi that do not sound or look alike are tried too, and what they find tells how much of what is found is
    chance. So a set with few errors gets few offers, and one with many gets more. Names are no target, since they are
    spelt in many ways. Traditional hanzi, code, formulas, addresses and quotations are left alone; it needs `tilth[zh]`.

    Args:
        field: which messages to look at.
        mode: offer every change, or make those of which an estimated 97 in 100 are right and offer the others.
        precision: the share of right offers, as estimated from the set, below which nothing is offered.
    """

    field: Field = "both"
    mode: Mode = "propose"
    precision: Annotated[float, Limits(ge=0.5, le=0.99)] = 0.8

    fact: ClassVar[np.dtype[np.void]] = np.dtype([("suspect", "?")])

    def __post_init__(self) -> None:
        """Miss the dictionary before the run and not in it."""
        words(NAME)

    def observe(self, sample: Sample) -> bool:
        """Whether any change, or any decoy, could be likely enough, whatever the other samples write."""
        known = words(NAME)
        least = FLOOR - 2 * _MOST
        return any(
            _best(run, known, others, None, least) is not None
            for text in _texts(sample, self.field)
            for run in _runs(text)
            for others in _TRIED
        )

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Count the pairs of the whole set, try hanzi and decoys in the suspects, then offer what is likely enough."""
        suspects = facts.rows["suspect"].tolist()
        if not any(suspects):
            return
        seen = _count(read(place) for place in facts.places)
        suspected = [place for place, suspect in zip(facts.places, suspects, strict=True) if suspect]
        found: dict[str, _Change] = {}
        tally = Tally(tuple(_LEAST))
        hits = [place for place in suspected if _try(read(place), self.field, seen, tally, found)]
        offered = {size: tally.level(size, self.precision) for size in _LEAST}
        sure = {size: max(offered[size], tally.level(size, _SURE)) for size in _LEAST}
        for place in hits:
            verdict = _verdict(read(place), self.field, found, offered, sure if self.mode == "apply" else {})
            if verdict:
                yield place, verdict


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


def _try(sample: Sample, field: Field, seen: Seen, tally: Tally, found: dict[str, _Change]) -> bool:
    """Whether the sample holds a change; every change is found, and counted with those of the decoys."""
    known = words(NAME)
    hit = False
    for text in _texts(sample, field):
        for run in _runs(text):
            for n, others in enumerate(_TRIED):
                change = _best(run, known, others, seen, FLOOR)
                if change is None:
                    continue
                tally.add(len(change.after), change.level, decoy=n > 0)
                if not n:
                    found[run] = change
                    hit = True
    return hit


Levels = Mapping[int, float]
"""The least level of a change, by the length of its word."""


def _verdict(
    sample: Sample, field: Field, found: Mapping[str, _Change], offered: Levels, sure: Levels
) -> Propose | None:
    """What is offered, and the sample with what is sure where such changes are to be made."""
    proposals, messages = [], list(sample.messages)
    for n, message in enumerate(sample.messages):
        name = _FIELD_OF.get(message.role)
        if name is None or field not in (name, "both"):
            continue
        made, done = _mended(message.content, found, sure)
        after, changes = _mended(message.content, found, offered)
        if done:
            messages[n] = msgspec.structs.replace(message, content=made)
        if after != made:
            left = [change for change in changes if change not in done]
            proposals.append(Proposal(name, made, after, {"changes": left}))
    changed = tuple(messages) != sample.messages
    if not proposals and not changed:
        return None
    return Propose(
        tuple(proposals), msgspec.structs.replace(sample, messages=tuple(messages)) if changed else None
    )


def _mended(text: str, found: Mapping[str, _Change], least: Levels) -> tuple[str, list[list[str | float]]]:
    """The text with the changes that reach their level, and these."""
    changes: list[list[str | float]] = []

    def mend(match: re.Match[str]) -> str:
        run = match[0]
        change = found.get(run)
        if change is None or change.level < least.get(len(change.after), math.inf):
            return run
        changes.append([change.before, change.after, round(change.gain, 1)])
        return run[: change.at] + change.right + run[change.at + 1 :]

    return protect.outside(text, lambda part: _RUN.sub(mend, part), wording=True), changes


def _best(run: str, known: Words, others: Others, seen: Seen | None, least: float) -> _Change | None:
    """The change that makes the run likeliest; `None` where it is not likely enough or another comes near.

    Args:
        run: hanzi and nothing else.
        known: the dictionary.
        others: what may stand for a hanzi.
        seen: what the set writes; without it only the dictionary speaks.
        least: the lowest level that is of interest.
    """
    ground = _ground(run)
    if ground is None:
        return None
    forth, back, spots = ground
    found: dict[tuple[int, str], _Change] = {}
    for at, first, size, broken in spots:
        fitting = others(run[at])
        base = forth[-1] + math.log(len(fitting) + 1) + (_WORD_BROKEN if broken else 0.0)
        for right in _fitting(run, at, first, size, known, fitting):
            if seen and _is_term(run, at, first, size, seen):
                break
            word = run[first:at] + right + run[at + 1 : first + size]
            changed = run[:at] + right + run[at + 1 :]
            gain = _with_word_at(changed, at, known, forth, back) - base - fitting[right]
            gain += _set_says(run, changed, at, seen) if seen else 0.0
            before = found.get((at, right))
            if before is None or len(before.after) < size:
                found[at, right] = _Change(at, right, run[first : first + size], word, gain)
    ranked = sorted(found.values(), key=lambda change: -change.gain)
    likely = [change for change in ranked if change.level >= least]
    if seen is None or not likely:
        return likely[0] if likely else None
    leads = len(ranked) == 1 or ranked[0].gain - ranked[1].gain >= _AHEAD
    return ranked[0] if leads and likely[0] is ranked[0] else None


@lru_cache(maxsize=64)
def _ground(run: str) -> tuple[list[float], list[float], list[tuple[int, int, int, bool]]] | None:
    """The likelihoods of each beginning and each end, and the spots; `None` without one. Kept for the decoys."""
    known = words(NAME)
    forth, sizes = _forth(run, known)
    spots = [(at, first, size, sizes[at] == 2) for at, first, size in _spots(run, sizes, known)]
    if not spots:
        return None
    back, _ = _forth(run[::-1], known, reverse=True)
    return forth, back[::-1], spots


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
        if sizes[at] > 2 or hanzi not in known.common or hanzi in known.traditional:
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
