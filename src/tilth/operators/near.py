"""Near-duplicates: candidates from an index, each verified on the texts, never a chain of resemblances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tilth.operators.base import Facts, Field, Read, set_operator
from tilth.operators.candidates import Entries, Measure
from tilth.operators.grams import Document, Documents, Grams, Ints, Vocabulary
from tilth.operators.keeper import KEEPER, answer, label, order, worth
from tilth.operators.minhash import BANDS, BUCKET, MINHASH_VERSION, Bands, band_entries, bands
from tilth.operators.similarity import ngrams
from tilth.sample import Drop, Sample, Verdict

EXACT_SAMPLES = 50_000
EXACT_CHARACTERS = 30_000_000
"""Up to both, candidates come from the n-gram index, which misses none; beyond, from MinHash bands."""

Values = npt.NDArray[np.float64]


@set_operator("dedup.near", version=100 + MINHASH_VERSION)
@dataclass(frozen=True)
class Near:
    """Keep one of the samples whose question and answer are nearly the same.

    Similarity is the Jaccard index of the sets of character n-grams of the comparison texts. With `on: both` question
    and answer must each be that similar, so that an answer that fits several questions stays, and a question that
    several experts answered. Samples are taken in the order verified, human, longer, first; one is dropped
    (`near_duplicate`) only where it is that similar to a kept one: A like B and B like C says nothing of A and C.
    Samples whose text to compare is blank are kept.

    Up to 50,000 samples and 30 million characters every near-duplicate is found; in larger sets one at similarity 0.7
    is found with probability 0.9998, and of a resemblance that thousands share at most 64 kept samples for each band
    are looked at.
    """

    threshold: float = 0.7
    ngram: int = 3
    on: Field = "both"

    fact: ClassVar[np.dtype[np.void]] = np.dtype(
        [*KEEPER, ("label", "u1"), ("blank", "?"), ("bands", "u4", (BANDS,))]
    )

    def __post_init__(self) -> None:
        """Refuse settings that compare nothing."""
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}; expected more than 0 and at most 1.")
        if self.ngram < 1:
            raise ValueError(f"ngram is {self.ngram}; expected at least 1 character.")

    def observe(self, sample: Sample) -> tuple[object, ...]:
        """What speaks for the sample, and the MinHash bands of its n-grams."""
        row: tuple[object, ...] = self.observe_many([sample])[0].item()
        return row

    def observe_many(self, samples: Sequence[Sample]) -> np.ndarray:
        """The same for many, several times faster."""
        documents = [self._document(sample) for sample in samples]
        rows = np.empty(len(samples), dtype=self.fact)
        for row, sample, document in zip(rows, samples, documents, strict=True):
            row["verified"], row["human"], row["chars"] = worth(sample)
            row["label"], row["blank"] = label(sample), not any(map(str.strip, document))
        rows["bands"] = bands(documents, self.ngram)
        return rows

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Drop each sample that resembles one that is kept, and say which."""
        ranking = order(facts.rows)
        ranking = ranking[~facts.rows["blank"][ranking]]
        documents = Documents(facts.places, read, self._document)
        characters = facts.rows["chars"].sum(dtype=np.int64)
        exact = len(facts) <= EXACT_SAMPLES and characters <= EXACT_CHARACTERS
        search = _Search(documents, facts.rows["label"], ranking, self)
        entries = search.rare_grams() if exact else search.band_values(facts.rows["bands"])
        dropped = entries.groups().greedy(ranking.size, search.similar, None if exact else BUCKET)
        for x, (kept, similarity) in dropped.items():
            same_as = facts.places[ranking[kept]]
            evidence = {"same_as": same_as, "similarity": round(similarity, 4), "field": self.on}
            yield facts.places[ranking[x]], Drop("near_duplicate", evidence)

    def _document(self, sample: Sample) -> Document:
        if self.on == "question":
            return (sample.question,)
        return (answer(sample),) if self.on == "answer" else (sample.question, answer(sample))


class _Search:
    """Finds candidates one way or the other, and verifies them on the texts. Counts samples by their rank."""

    def __init__(self, documents: Documents, labels: np.ndarray, ranking: Ints, near: Near) -> None:
        self._documents, self._labels, self._ranking = documents, labels, ranking
        self._n, self._threshold = near.ngram, near.threshold
        self._measure = Measure("jaccard", near.ngram, near.threshold)
        self._grams: Grams | None = None
        self._sets = lru_cache(maxsize=4096)(self._read_sets)

    def rare_grams(self) -> Entries:
        """Candidates from the n-gram index.

        Where each part of two documents is similar, so are their parts taken together: with shared Iₖ of all Uₖ,
        ΣIₖ/ΣUₖ is at least the smallest Iₖ/Uₖ. One index over all parts therefore misses none.
        """
        vocabulary = Vocabulary.of(self._documents, self._n, least=2)
        self._grams = vocabulary.encode(self._documents)
        return self._ranked(self._measure.entries(self._grams))

    def band_values(self, values: Bands) -> Entries:
        """Candidates from MinHash bands. What will be verified is read in order, which is fast, while it fits."""
        entries = self._ranked(band_entries(values))
        self._documents.warm(np.sort(self._ranking[np.unique(entries.document)]))
        return entries

    def _ranked(self, entries: Entries) -> Entries:
        rank = np.full(len(self._documents), -1)
        rank[self._ranking] = np.arange(self._ranking.size)
        document = rank[entries.document]
        ranked = document >= 0
        return Entries(entries.key[ranked], document[ranked], entries.strict[ranked])

    def similar(self, rank: int, ranks: Ints) -> Values:
        """The similarity of the least similar part; 0 below the threshold or where the labels differ.

        The texts are compared in the order of what they can reach at most. Once nothing can come before the most
        similar one, the others are left at 0.
        """
        x, others = int(self._ranking[rank]), self._ranking[ranks]
        most = (self._labels[others] == self._labels[x]).astype(np.float64)
        if self._grams is not None:
            overlaps = self._grams.overlaps(self._grams.row(x), others)
            most *= self._measure.of(overlaps, int(self._grams.sizes[x]), self._grams.sizes[others])
        values, best = np.zeros(others.size), 0.0
        for at in np.argsort(-most, kind="stable").tolist():
            if most[at] <= best:
                break
            values[at] = self._similarity(x, int(others[at]))
            best = max(best, values[at])
        return values

    def _similarity(self, x: int, y: int) -> float:
        least = 1.0
        for mine, other in zip(self._sets(x), self._sets(y), strict=True):
            shared = len(mine & other)
            least = min(least, shared / (len(mine) + len(other) - shared))
        return least if least >= self._threshold else 0.0

    def _read_sets(self, index: int) -> tuple[frozenset[str], ...]:
        return tuple(ngrams(part, self._n) for part in self._documents[index])
