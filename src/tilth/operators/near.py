"""Near-duplicates: candidates from an index, each verified on the texts, never a chain of resemblances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

import numpy as np

from tilth.operators.base import Facts, Field, Read, set_operator
from tilth.operators.candidates import Flags, Groups, Measure
from tilth.operators.grams import Document, Hashes, Ints, hashed
from tilth.operators.greedy import Candidates, Kept, Screen, keep_greedily
from tilth.operators.indexed import Indexed
from tilth.operators.keeper import KEEPER, answer, label, order, worth
from tilth.operators.minhash import (
    BUCKET,
    MINHASH_VERSION,
    ROWS,
    Signatures,
    band_entries,
    composed,
    shared_bands,
    signatures,
)
from tilth.operators.pairs import Fetch, Pairs
from tilth.operators.vocabulary import Encoder
from tilth.sample import Drop, Sample, Verdict

EXACT_SAMPLES = 50_000
EXACT_CHARACTERS = 30_000_000
"""Up to both, candidates come from the n-gram index, which misses none; beyond, from MinHash bands."""

SIGNATURE = 128
"""Bytes of a sample's signature; question and answer have half of it each."""
DEVIATIONS = 5
"""A pair whose signatures agree less than the threshold asks by so many standard deviations is not looked at."""


@set_operator("dedup.near", version=300 + MINHASH_VERSION)
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

    observes: ClassVar[tuple[str, ...]] = ("on",)
    fact: ClassVar[np.dtype[np.void]] = np.dtype([*KEEPER, ("label", "u1"), ("blank", "?")])

    def __post_init__(self) -> None:
        """Refuse settings that compare nothing."""
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}; expected more than 0 and at most 1.")
        if self.ngram < 1:
            raise ValueError(f"ngram is {self.ngram}; expected at least 1 character.")

    def observe(self, sample: Sample) -> tuple[object, ...]:
        """What speaks for the sample, and whether there is anything to compare."""
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
        return rows

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Drop each sample that resembles one that is kept, and say which."""
        ranking = order(facts.rows)
        ranking = ranking[~facts.rows["blank"][ranking]]
        labels = facts.rows["label"][ranking]
        characters = facts.rows["chars"].sum(dtype=np.int64)
        if len(facts) <= EXACT_SAMPLES and characters <= EXACT_CHARACTERS:
            candidates, screen, documents = self._indexed(facts, read, ranking, labels)
        else:
            candidates, screen, documents = self._banded(facts, read, ranking, labels)
        similarity = Pairs(facts, ranking, documents, self.ngram, self.threshold).similarity
        dropped = keep_greedily(candidates, ranking.size, screen, similarity)
        for x, (kept, value) in dropped.items():
            same_as = facts.places[ranking[kept]]
            evidence = {"same_as": same_as, "similarity": round(value, 4), "field": self.on}
            yield facts.places[ranking[x]], Drop("near_duplicate", evidence)

    def signed(self, samples: Sequence[Sample]) -> Signatures:
        """The MinHash signatures of the n-grams of some samples; sets small enough for the index never need them."""
        texts = [text for sample in samples for text in self._document(sample)]
        size = SIGNATURE // self._parts
        return signatures(texts, self.ngram, size).reshape(len(samples), SIGNATURE)

    def texts(self, samples: Sequence[Sample]) -> list[Document]:
        """What is compared of some samples."""
        return [self._document(sample) for sample in samples]

    def seen(self, samples: Sequence[Sample]) -> tuple[list[Document], Ints, Hashes]:
        """What is compared of some samples; how many n-grams the first part of each has, and these."""
        documents = self.texts(samples)
        owner, gram = hashed([(document[0],) for document in documents], self.ngram)
        return documents, np.bincount(owner, minlength=len(documents)), gram

    @property
    def _parts(self) -> int:
        return 2 if self.on == "both" else 1

    def _document(self, sample: Sample) -> Document:
        if self.on == "question":
            return (sample.question,)
        return (answer(sample),) if self.on == "answer" else (sample.question, answer(sample))

    def _indexed(
        self, facts: Facts, read: Read, ranking: Ints, labels: Ints
    ) -> tuple[Candidates, Screen, Fetch]:
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
        return *found, lambda ranks: [ranked[rank] for rank in ranks.tolist()]

    def _banded(
        self, facts: Facts, read: Read, ranking: Ints, labels: Ints
    ) -> tuple[Candidates, Screen, Fetch]:
        signature = np.concatenate(list(facts.gather(self.signed, read)))[ranking]

        def documents(ranks: Ints) -> list[Document]:
            rows = ranking[ranks]
            in_order = list(chain.from_iterable(facts.gather(self.texts, read, _among(facts, rows))))
            return [in_order[at] for at in np.searchsorted(np.sort(rows), rows).tolist()]

        kept = Kept(self._by_bands(signature), ranking.size, BUCKET)
        return kept, self._agree(signature, labels), documents

    def _by_bands(self, signature: Signatures) -> Groups:
        """Candidates from MinHash bands; of what bands may be made of, that which promises the fewest pairs."""
        ways = [(ROWS,)] if self._parts == 1 else [(ROWS - answers, answers) for answers in range(ROWS)]
        columns = np.ascontiguousarray(signature.T)
        fewest = min(ways, key=lambda rows: shared_bands(composed(columns, rows)))
        return band_entries(composed(columns, fewest)).groups()

    def _agree(self, signature: Signatures, labels: np.ndarray) -> Screen:
        size = SIGNATURE // self._parts
        t = self.threshold
        least = t * size - DEVIATIONS * (size * t * (1 - t)) ** 0.5
        usual = size * (t + (1 - t) / 256)

        def screen(x: Ints, y: Ints) -> tuple[Flags, Flags]:
            same = (signature[x] == signature[y]).reshape(x.size, self._parts, size).sum(axis=2).min(axis=1)
            alike = np.asarray((same >= least) & (labels[x] == labels[y]))
            return alike, alike & (same >= usual)

        return screen


def _among(facts: Facts, rows: Ints) -> Flags:
    among = np.zeros(len(facts), dtype=np.bool_)
    among[rows] = True
    return among
