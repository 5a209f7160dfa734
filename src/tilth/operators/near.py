"""Near-duplicates: candidates from an index, each verified on the texts, never a chain of resemblances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tilth.operators.banded import SIGNATURE, Banded
from tilth.operators.base import Facts, Field, Look, Read, set_operator
from tilth.operators.candidates import Flags, Measure
from tilth.operators.grams import Document, Hashes, Ints, hashed
from tilth.operators.greedy import Candidates, Screen, Verify, keep_greedily
from tilth.operators.indexed import Indexed
from tilth.operators.keeper import KEEPER, answer, label, order, worth
from tilth.operators.minhash import MINHASH_VERSION, Signatures, signatures
from tilth.operators.pairs import Fetch, Pairs
from tilth.operators.vocabulary import Encoder
from tilth.sample import Drop, Sample, Verdict

EXACT_SAMPLES = 50_000
EXACT_CHARACTERS = 30_000_000
"""Up to both, candidates come from the n-gram index, which misses none; beyond, from MinHash bands."""


@set_operator("dedup.near", version=400 + MINHASH_VERSION)
@dataclass(frozen=True)
class Near:
    """Keep one of the samples whose question and answer are nearly the same.

    Similarity is the Jaccard index of the sets of character n-grams of the comparison texts. With `on: both` question
    and answer must each be that similar, so that an answer that fits several questions stays, and a question that
    several experts answered. Samples are taken in the order verified, human, longer, first; one is dropped
    (`near_duplicate`) only where it is that similar to a kept one: A like B and B like C says nothing of A and C.
    Samples whose text to compare is blank are kept.

    Up to 50,000 samples and 30 million characters every near-duplicate is found; in larger sets one at similarity 0.7
    is found with probability 0.999 or more, and of a resemblance that thousands share at most 64 kept samples for each
    band are looked at.
    """

    threshold: float = 0.7
    ngram: int = 3
    on: Field = "both"

    observes: ClassVar[tuple[str, ...]] = ("on", "ngram")
    fact: ClassVar[np.dtype[np.void]] = np.dtype(
        [*KEEPER, ("label", "u1"), ("blank", "?"), ("signature", "u1", (SIGNATURE,))]
    )

    def __post_init__(self) -> None:
        """Refuse settings that compare nothing."""
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}; expected more than 0 and at most 1.")
        if self.ngram < 1:
            raise ValueError(f"ngram is {self.ngram}; expected at least 1 character.")

    def observe(self, sample: Sample) -> tuple[object, ...]:
        """What speaks for the sample, whether there is anything to compare, and a signature of the question.

        Questions are short: to sign them costs large sets less than to read them again. Answers are signed where it
        helps.
        """
        row: tuple[object, ...] = self.observe_many([sample])[0].item()
        return row

    def observe_many(self, samples: Sequence[Sample]) -> np.ndarray:
        """The same for many, several times faster."""
        documents = [self._document(sample) for sample in samples]
        rows = np.empty(len(samples), dtype=self.fact)
        rows["verified"], rows["human"], rows["chars"] = (
            zip(*map(worth, samples), strict=True) if samples else ((),) * 3
        )
        rows["label"] = [label(sample) for sample in samples]
        rows["blank"] = [not any(map(str.strip, document)) for document in documents]
        rows["signature"] = 0 if self.on == "answer" else self._signatures(documents, 0)
        return rows

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Drop each sample that resembles one that is kept, and say which."""
        ranking = order(facts.rows)
        ranking = ranking[~facts.rows["blank"][ranking]]
        labels = facts.rows["label"][ranking]
        characters = facts.rows["chars"].sum(dtype=np.int64)
        if len(facts) <= EXACT_SAMPLES and characters <= EXACT_CHARACTERS:
            decided = self._indexed(facts, read, ranking, labels)
        else:
            decided = self._banded(facts, read, ranking, labels)
        dropped = keep_greedily(decided.candidates, ranking.size, decided.screen, decided.verify)
        for x, (kept, value) in dropped.items():
            same_as = facts.places[ranking[kept]]
            evidence = {"same_as": same_as, "similarity": round(value, 4), "field": self.on}
            yield facts.places[ranking[x]], Drop("near_duplicate", evidence)

    def signed(self, samples: Sequence[Sample], part: int) -> Signatures:
        """The MinHash signatures of one part of some samples."""
        return self._signatures(self.texts(samples), part)

    def _signatures(self, documents: Sequence[Document], part: int) -> Signatures:
        return signatures([document[part] for document in documents], self.ngram, SIGNATURE)

    def texts(self, samples: Sequence[Sample]) -> list[Document]:
        """What is compared of some samples."""
        return [self._document(sample) for sample in samples]

    def seen(self, samples: Sequence[Sample]) -> tuple[list[Document], Ints, Hashes]:
        """What is compared of some samples; how many n-grams the first part of each has, and these."""
        documents = self.texts(samples)
        owner, gram = hashed([(document[0],) for document in documents], self.ngram)
        return documents, np.bincount(owner, minlength=len(documents)), gram

    def _document(self, sample: Sample) -> Document:
        if self.on == "question":
            return (sample.question,)
        return (answer(sample),) if self.on == "answer" else (sample.question, answer(sample))

    def _indexed(self, facts: Facts, read: Read, ranking: Ints, labels: Ints) -> _Way:
        in_order: list[Document] = []
        blocks: list[tuple[Ints, Hashes]] = []
        for documents, sizes, grams in facts.gather(self.seen, read, _among(facts, ranking)):
            in_order += documents
            blocks.append((sizes, grams))
        encoder = Encoder(least=2)
        encoder.add(blocks)
        at = np.searchsorted(np.sort(ranking), ranking)
        ranked = [in_order[row] for row in at.tolist()]
        measure = Measure("jaccard", self.ngram, self.threshold)
        found = Indexed(ranked, labels, measure, facts.share).candidates(encoder.grams().taken(at))

        def documents_of(ranks: Ints) -> list[Document]:
            return [ranked[rank] for rank in ranks.tolist()]

        return _Way(*found, self._pairs(facts, ranking, documents_of))

    def _banded(self, facts: Facts, read: Read, ranking: Ints, labels: Ints) -> _Way:
        def seen(look: Look, ranks: Ints) -> tuple[Iterator[Any], Ints]:
            """What is seen of some samples, in the order of the set, and where in it each of them is."""
            rows = ranking[ranks]
            return facts.gather(look, read, _among(facts, rows)), np.searchsorted(np.sort(rows), rows)

        def signed(part: int, ranks: Ints) -> Signatures:
            blocks, at = seen(partial(self.signed, part=part), ranks)
            return np.concatenate([np.empty((0, SIGNATURE), np.uint8), *blocks])[at]

        def documents_of(ranks: Ints) -> list[Document]:
            blocks, at = seen(self.texts, ranks)
            in_order = list(chain.from_iterable(blocks))
            return [in_order[row] for row in at.tolist()]

        known = self.on != "answer"
        first = facts.rows["signature"][ranking] if known else signed(0, np.arange(ranking.size))
        banded = Banded(first, labels, self.threshold, partial(signed, 1) if self.on == "both" else None)
        return _Way(*banded.candidates(), banded.sifted(self._pairs(facts, ranking, documents_of)))

    def _pairs(self, facts: Facts, ranking: Ints, documents: Fetch) -> Verify:
        return Pairs(facts, ranking, documents, self.ngram, self.threshold).similarity


class _Way(NamedTuple):
    """How near-duplicates are found."""

    candidates: Candidates
    screen: Screen
    verify: Verify


def _among(facts: Facts, rows: Ints) -> Flags:
    among = np.zeros(len(facts), dtype=np.bool_)
    among[rows] = True
    return among
