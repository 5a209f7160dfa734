"""Near-duplicates: candidates from an index, each verified on the texts, never a chain of resemblances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import ClassVar

import numpy as np

from tilth.operators.base import Facts, Field, Read, set_operator
from tilth.operators.candidates import Flags, Groups, Measure
from tilth.operators.grams import Document, Ints
from tilth.operators.greedy import Screen, keep_greedily
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
from tilth.operators.pairs import Pairs
from tilth.operators.sketch import Bounds, Compared
from tilth.operators.vocabulary import encoded
from tilth.sample import Drop, Sample, Verdict

EXACT_SAMPLES = 50_000
EXACT_CHARACTERS = 30_000_000
"""Up to both, candidates come from the n-gram index, which misses none; beyond, from MinHash bands."""

SIGNATURE = 128
"""Bytes of a sample's signature; question and answer have half of it each."""
DEVIATIONS = 5
"""A pair whose signatures agree less than the threshold asks by so many standard deviations is not looked at."""
FEW_PAIRS = 1000
"""Pairs for each sample that the questions may promise before the answers are indexed as well: to look at so many costs
what it costs to index an answer."""


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
            documents = self._fetched(facts, read, np.sort(ranking))
            at = np.empty(len(facts), dtype=np.int64)
            at[np.sort(ranking)] = np.arange(ranking.size)
            ranked = [documents[row] for row in at[ranking].tolist()]
            groups, screen, bucket = *self._exactly(ranked, labels), None

            def fetch(rows: Ints) -> list[Document]:
                return [documents[row] for row in at[rows].tolist()]
        else:
            signature = np.concatenate(list(facts.gather(self.signed, read)))[ranking]
            groups, screen, bucket = self._by_bands(signature), self._agree(signature, labels), BUCKET
            fetch = partial(self._fetched, facts, read)
        pairs = Pairs(facts, ranking, fetch, self.ngram, self.threshold)
        dropped = keep_greedily(groups, ranking.size, screen, pairs.similarity, bucket)
        for x, (kept, similarity) in dropped.items():
            same_as = facts.places[ranking[kept]]
            evidence = {"same_as": same_as, "similarity": round(similarity, 4), "field": self.on}
            yield facts.places[ranking[x]], Drop("near_duplicate", evidence)

    def signed(self, samples: Sequence[Sample]) -> Signatures:
        """The MinHash signatures of the n-grams of some samples; sets small enough for the index never need them."""
        texts = [text for sample in samples for text in self._document(sample)]
        size = SIGNATURE // self._parts
        return signatures(texts, self.ngram, size).reshape(len(samples), SIGNATURE)

    def texts(self, samples: Sequence[Sample]) -> list[Document]:
        """What is compared of some samples."""
        return [self._document(sample) for sample in samples]

    def _fetched(self, facts: Facts, read: Read, rows: Ints) -> list[Document]:
        among = np.zeros(len(facts), dtype=np.bool_)
        among[rows] = True
        return list(chain.from_iterable(facts.gather(self.texts, read, among)))

    @property
    def _parts(self) -> int:
        return 2 if self.on == "both" else 1

    def _document(self, sample: Sample) -> Document:
        if self.on == "question":
            return (sample.question,)
        return (answer(sample),) if self.on == "answer" else (sample.question, answer(sample))

    def _exactly(self, documents: Sequence[Document], labels: np.ndarray) -> tuple[Groups, Screen]:
        """Candidates from the n-grams of one part, and what tells that two samples are not alike.

        Every part of two near-duplicates is similar, so the index of any one part misses none: the part that promises
        fewer pairs is taken.
        """
        measure = Measure("jaccard", self.ngram, self.threshold)
        tests: list[Callable[[Ints, Ints], Flags]] = []
        found: list[tuple[int, Groups]] = []
        for number in range(self._parts):
            part = [(document[number],) for document in documents]
            if found and found[0][0] <= FEW_PAIRS * len(documents):
                # Few pairs are alike in the question: only the answers of those need looking at.
                tests.append(Bounds(part, measure).may_be)
                continue
            grams = encoded(part, self.ngram, least=2)
            tests.append(partial(Compared.of(grams).may_be, measure))
            groups = measure.entries(grams).groups()
            sizes = np.diff(groups.starts)
            found.append((int((sizes * (sizes - 1)).sum()) // 2, groups))

        def screen(x: Ints, y: Ints) -> tuple[Flags, Flags]:
            alike: Flags = labels[x] == labels[y]
            for may_be in tests:
                at = np.flatnonzero(alike)
                alike[at] = may_be(x[at], y[at])
            return alike, alike

        return min(found, key=lambda pair: pair[0])[1], screen

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
