"""Near-duplicates: candidates from an index, each verified on the texts, never a chain of resemblances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from tilth.operators.base import Facts, Field, Read, set_operator
from tilth.operators.candidates import Entries, Flags, Groups, Measure
from tilth.operators.grams import BLOCK, Document, Documents, Hashes, Ints, encoded, hashed
from tilth.operators.greedy import Prepare, Screen, Verify, keep_greedily
from tilth.operators.keeper import KEEPER, answer, label, order, worth
from tilth.operators.minhash import (
    BUCKET,
    MINHASH_VERSION,
    ROWS,
    Signatures,
    band_entries,
    composed,
    signatures,
)
from tilth.operators.sketch import Bounds, Compared
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
        documents = Documents(facts.places, read, self._document)
        labels = facts.rows["label"][ranking]
        characters = facts.rows["chars"].sum(dtype=np.int64)
        if len(facts) <= EXACT_SAMPLES and characters <= EXACT_CHARACTERS:
            documents.warm(np.sort(ranking))
            groups, screen, bucket = *self._exactly(_Ranked(documents, ranking), labels), None
        else:
            signature = np.concatenate(list(facts.gather(self.signed, read)))[ranking]
            groups, screen, bucket = self._by_bands(signature), self._agree(signature, labels), BUCKET
        prepare = self._verifier(_Ranked(documents, ranking))
        dropped = keep_greedily(groups, ranking.size, screen, prepare, bucket)
        for x, (kept, similarity) in dropped.items():
            same_as = facts.places[ranking[kept]]
            evidence = {"same_as": same_as, "similarity": round(similarity, 4), "field": self.on}
            yield facts.places[ranking[x]], Drop("near_duplicate", evidence)

    def signed(self, samples: Sequence[Sample]) -> Signatures:
        """The MinHash signatures of the n-grams of some samples; sets small enough for the index never need them."""
        texts = [text for sample in samples for text in self._document(sample)]
        size = SIGNATURE // self._parts
        return signatures(texts, self.ngram, size).reshape(len(samples), SIGNATURE)

    @property
    def _parts(self) -> int:
        return 2 if self.on == "both" else 1

    def _document(self, sample: Sample) -> Document:
        if self.on == "question":
            return (sample.question,)
        return (answer(sample),) if self.on == "answer" else (sample.question, answer(sample))

    def _exactly(self, documents: _Ranked, labels: np.ndarray) -> tuple[Groups, Screen]:
        """Candidates from the n-grams of one part, and what tells that two samples are not alike.

        Every part of two near-duplicates is similar, so the index of any one part misses none: the part that promises
        fewer pairs is taken.
        """
        measure = Measure("jaccard", self.ngram, self.threshold)
        tests: list[Screen] = []
        found: list[tuple[int, Groups]] = []
        for number in range(self._parts):
            part = _Part(documents, number)
            if found and found[0][0] <= FEW_PAIRS * len(documents):
                # Few pairs are alike in the question: only the answers of those need looking at.
                tests.append(Bounds(part, measure).may_be)
                continue
            grams = encoded(part, self.ngram, least=2)
            tests.append(partial(Compared.of(grams).may_be, measure))
            groups = measure.entries(grams).groups()
            sizes = np.diff(groups.starts)
            found.append((int((sizes * (sizes - 1)).sum()) // 2, groups))

        def screen(x: Ints, y: Ints) -> Flags:
            alike: Flags = labels[x] == labels[y]
            for may_be in tests:
                at = np.flatnonzero(alike)
                alike[at] = may_be(x[at], y[at])
            return alike

        return min(found, key=lambda pair: pair[0])[1], screen

    def _by_bands(self, signature: Signatures) -> Groups:
        """Candidates from MinHash bands; of what bands may be made of, that which promises the fewest pairs."""
        ways = [(ROWS,)] if self._parts == 1 else [(ROWS - answers, answers) for answers in range(ROWS)]
        found = (band_entries(composed(signature, rows)) for rows in ways)
        return min(found, key=Entries.pairs).groups()

    def _agree(self, signature: Signatures, labels: np.ndarray) -> Screen:
        size = SIGNATURE // self._parts
        t = self.threshold
        least = t * size - DEVIATIONS * (size * t * (1 - t)) ** 0.5

        def screen(x: Ints, y: Ints) -> Flags:
            same = (signature[x] == signature[y]).reshape(x.size, self._parts, size).sum(axis=2)
            return np.asarray((same >= least).all(axis=1) & (labels[x] == labels[y]))

        return screen

    def _verifier(self, documents: _Ranked) -> Prepare:
        def prepare(members: Ints) -> Verify:
            position = {rank: at for at, rank in enumerate(members.tolist())}
            read = [documents[rank] for rank in members.tolist()]
            columns = [
                _sets([document[part] for document in read], self.ngram) for part in range(self._parts)
            ]

            def similarity(x: int, y: int) -> float:
                least = 1.0
                for column in columns:
                    mine, other = column[position[x]], column[position[y]]
                    both = np.sort(np.concatenate([mine, other]))
                    shared = int(np.count_nonzero(both[1:] == both[:-1]))
                    least = min(least, shared / (mine.size + other.size - shared))
                return least if least >= self.threshold else 0.0

            return similarity

        return prepare


def _sets(texts: Sequence[str], n: int) -> list[Hashes]:
    """The distinct hashed n-grams of each text."""
    found: list[Hashes] = []
    for first in range(0, len(texts), BLOCK):
        block = texts[first : first + BLOCK]
        owner, gram = hashed([(text,) for text in block], n)
        found += np.split(gram, np.searchsorted(owner, np.arange(1, len(block))))
    return found


class _Ranked(Sequence[Document]):
    """Documents by rank."""

    def __init__(self, documents: Documents, ranking: Ints) -> None:
        self._documents, self._ranking = documents, ranking

    def __len__(self) -> int:
        return self._ranking.size

    def __getitem__(self, rank: int) -> Document:  # type: ignore[override]  # nobody slices
        return self._documents[int(self._ranking[rank])]


class _Part(Sequence[Document]):
    """One part of each document, as a document of its own."""

    def __init__(self, documents: Sequence[Document], part: int) -> None:
        self._documents, self._part = documents, part

    def __len__(self) -> int:
        return len(self._documents)

    def __getitem__(self, index: int) -> Document:  # type: ignore[override]  # nobody slices
        return (self._documents[index][self._part],)
