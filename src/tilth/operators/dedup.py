"""Finds samples that say the same: exactly, nearly, or as a question with two answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tilth.operators.base import Facts, Field, Read, set_operator
from tilth.operators.grams import Ints, comparison_text, digest
from tilth.operators.keeper import KEEPER, answer, label, order, worth
from tilth.operators.near import Near
from tilth.sample import Drop, Proposal, Propose, Sample, Verdict

__all__ = ["Conflicts", "Exact", "Near"]


@set_operator("dedup.exact")
@dataclass(frozen=True)
class Exact:
    """Keep one of the samples whose question and answer are the same, character by character.

    White space at both ends does not count. With `on: question` or `on: answer` only that text is compared. Of equal
    samples the first in the order verified, human, longer, first is kept; the others are dropped (`exact_duplicate`).
    Samples whose text to compare is blank are kept.
    """

    on: Field = "both"

    fact: ClassVar[np.dtype[np.void]] = np.dtype([*KEEPER, ("blank", "?"), ("text", "u8")])

    def observe(self, sample: Sample) -> tuple[object, ...]:
        """What speaks for the sample, and a hash of what it says."""
        parts = {"question": sample.question.strip(), "answer": answer(sample).strip()}
        if self.on != "both":
            parts = {self.on: parts[self.on]}
        text = "\0".join([*parts.values(), str(label(sample))])
        return (*worth(sample), not any(parts.values()), digest(text))

    def observe_many(self, samples: Sequence[Sample]) -> np.ndarray:
        """The same for many, faster."""
        return np.array([self.observe(sample) for sample in samples], dtype=self.fact)

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Drop all but the first choice of each group of equal texts."""
        for keeper, others in _groups(facts.rows, "text"):
            for other in others:
                evidence = {"same_as": facts.places[keeper], "field": self.on}
                yield facts.places[other], Drop("exact_duplicate", evidence)


@set_operator("dedup.conflicts")
@dataclass(frozen=True)
class Conflicts:
    """Point out questions that were answered differently, and propose one answer for all.

    Questions are the same, and answers differ, by their comparison texts. Nothing is changed or dropped: each sample
    but the first choice (verified, human, longer, first) goes on with the first choice's answer as a proposal.
    Samples without a question or an answer are passed by.
    """

    fact: ClassVar[np.dtype[np.void]] = np.dtype(
        [*KEEPER, ("blank", "?"), ("question", "u8"), ("answer", "u8")]
    )

    def observe(self, sample: Sample) -> tuple[object, ...]:
        """What speaks for the sample, and hashes of its question and its answer."""
        texts = [comparison_text(text) or text.strip() for text in (sample.question, sample.answer)]
        return (*worth(sample), not all(texts), *map(digest, texts))

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Propose the first choice's answer to each sample that answers the same question otherwise."""
        answers = facts.rows["answer"]
        for keeper, group in _groups(facts.rows, "question"):
            others = [other for other in group if answers[other] != answers[keeper]]
            if not others:
                continue
            chosen = read(facts.places[keeper])
            for other in others:
                before = read(facts.places[other]).answer
                evidence = {"same_as": facts.places[keeper], "field": "question"}
                yield facts.places[other], Propose((Proposal("answer", before, chosen.answer, evidence),))


def _groups(rows: np.ndarray, key: str) -> Iterator[tuple[int, list[int]]]:
    """The first choice and the others of each group of rows with equal keys, blank ones left out."""
    ranking: Ints = order(rows)
    ranking = ranking[~rows["blank"][ranking]]
    values = rows[key][ranking]
    by_key = np.argsort(values, kind="stable")
    cuts = np.flatnonzero(np.diff(values[by_key])) + 1
    for group in np.split(ranking[by_key], cuts):
        if group.size > 1:
            keeper, *others = group.tolist()
            yield keeper, sorted(others)
