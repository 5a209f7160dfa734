"""The repairs that need to see the whole set: answers that swallowed another one, answers that lost their beginning."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import ClassVar

import numpy as np

from tilth.operators import lexicon
from tilth.operators.base import Facts, Read, set_operator
from tilth.operators.features import HAN, units
from tilth.operators.regex import regex
from tilth.sample import Proposal, Propose, Sample, Verdict


@set_operator("denoise.merged_answers")
@dataclass(frozen=True)
class MergedAnswers:
    """Offer to cut another row's whole answer from the beginning of an answer.

    A sign of records that ran together. Looks at samples with one assistant turn. Rows that ask the same question are
    not compared: there the longer answer says more. Equal answers are the business of `dedup.exact`.
    """

    min_chars: int = 30
    """The other row's answer must have at least this many characters; shorter ones begin others by chance."""

    fact: ClassVar[np.dtype[np.void]] = np.dtype([("head", "<u8")])

    def __post_init__(self) -> None:
        """Refuse a length at which every empty answer begins every other one."""
        if self.min_chars < 1:
            raise ValueError("min_chars must be at least 1.")

    def observe(self, sample: Sample) -> int:
        """A hash of the answer's first `min_chars` characters; 0 where the answer has fewer."""
        answer = _only_answer(sample)
        return _hash(answer[: self.min_chars]) if len(answer) >= self.min_chars else 0

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Propose the remainder of each answer that another row's answer begins; that row stands in the evidence."""
        heads: dict[int, list[str]] = defaultdict(list)
        for place, head in zip(facts.places, facts.rows["head"].tolist(), strict=True):
            if head:
                heads[head].append(place)
        found = {
            place: proposal
            for group in heads.values()
            if len(group) > 1
            for place, proposal in _merged([read(place) for place in group])
        }
        for place in facts.places:
            if place in found:
                yield place, Propose((found[place],))


def _merged(samples: list[Sample]) -> Iterator[tuple[str, Proposal]]:
    """Pairs among samples whose answers begin alike.

    In sorted order the prefixes of a string stand before it as a chain, so one pass with a stack finds the longest.
    """
    chain: list[tuple[str, Sample]] = []
    for answer, sample in sorted(((_only_answer(s), s) for s in samples), key=lambda pair: pair[0]):
        while chain and not answer.startswith(chain[-1][0]):
            chain.pop()
        if chain and answer != chain[-1][0]:
            begins, other = chain[-1]
            rest = answer[len(begins) :].strip()
            if units(rest) and other.question.strip() != sample.question.strip():
                yield sample.place, Proposal("answer", answer, rest, {"same_as": other.place})
        if not chain or answer != chain[-1][0]:
            chain.append((answer, sample))


def _only_answer(sample: Sample) -> str:
    answers = [message.content for message in sample.messages if message.role == "assistant"]
    return answers[0] if len(answers) == 1 else ""


def _hash(words: str) -> int:
    return int.from_bytes(blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


@set_operator("denoise.clipped_start")
@dataclass(frozen=True)
class ClippedStart:
    """Offer to give an answer its lost first hanzi back: 士比亚写过… to a question that begins 莎士比亚写过….

    The answer must begin like the question without its first hanzi, for `min_chars` characters, and in the whole set
    the two hanzi it begins with must stand nowhere else without that first one: 介绍北京 to 请介绍北京 is healthy, because
    介绍 stands by itself elsewhere. Verbs and function words that open a question (`data/openers.txt`) never count as
    lost, which matters in small sets.
    """

    min_chars: int = 4

    fact: ClassVar[np.dtype[np.void]] = np.dtype([("suspect", "?")])

    def __post_init__(self) -> None:
        """Refuse a length at which two hanzi in common are enough."""
        if self.min_chars < 3:
            raise ValueError("min_chars must be at least 3.")

    def observe(self, sample: Sample) -> bool:
        """Whether the answer begins like the question without its first hanzi."""
        question, answer = sample.question, _only_answer(sample)
        shared = question[1 : 1 + self.min_chars]
        return (
            len(shared) == self.min_chars
            and answer.startswith(shared)
            and bool(_THREE_HANZI.match(question))
            and question[0] not in _openers()
        )

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Read the set once where there are suspects, and propose those whose opening is no word of its own."""
        places = [
            place for place, row in zip(facts.places, facts.rows["suspect"].tolist(), strict=True) if row
        ]
        if not places:
            return
        suspects = [read(place) for place in places]
        words = _standing_alone(suspects, map(read, facts.places))
        for sample in suspects:
            question, answer = sample.question, _only_answer(sample)
            if (question[0], answer[:2]) not in words:
                evidence = {"missing": question[0], "question": question[: self.min_chars + 1]}
                yield sample.place, Propose((Proposal("answer", answer, question[0] + answer, evidence),))


_THREE_HANZI = regex(f"[{HAN}]{{3}}")


def _standing_alone(suspects: list[Sample], samples: Iterable[Sample]) -> set[tuple[str, str]]:
    """Pairs (lost hanzi, opening) whose opening stands somewhere in the set without the hanzi before it."""
    lost: dict[str, set[str]] = defaultdict(set)
    for suspect in suspects:
        lost[_only_answer(suspect)[:2]].add(suspect.question[0])
    opening = re.compile(lexicon.any_of(lost))
    suspected = {suspect.place for suspect in suspects}
    found: set[tuple[str, str]] = set()
    for sample in samples:
        first = 1 if sample.place in suspected else 0
        for text in (sample.question, _only_answer(sample)[first:] if first else sample.answer):
            for match in opening.finditer(text):
                before = text[match.start() - 1 : match.start()]
                found.update((hanzi, match.group()) for hanzi in lost[match.group()] if hanzi != before)
    return found


@lru_cache(maxsize=1)
def _openers() -> frozenset[str]:
    return frozenset("".join(lexicon.shipped("openers.txt")))
