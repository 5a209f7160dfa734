"""Which samples of a set could be alike, by an index of all their n-grams: none that is alike is missed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tilth.operators.base import Share
from tilth.operators.candidates import Flags, Groups, Measure
from tilth.operators.grams import Document, Ints, distinct
from tilth.operators.greedy import Candidates, Found, Kept, Screen
from tilth.operators.screen import screen
from tilth.operators.sketch import Bounds, Compared
from tilth.operators.vocabulary import Grams, encoded

FEW_PAIRS = 1000
"""Pairs for each sample that the questions may promise before the answers are indexed as well: to look at so many costs
what it costs to index an answer. Up to so many are also looked at all at once, whoever is kept."""
HELD_PAIRS = 4_000_000
"""Pairs found at once that may be held."""
MEASURED = 2
"""Pairs for each of their samples up to which they are measured at once, without a look at bitmaps of the answers."""


@dataclass(frozen=True)
class Indexed:
    """The samples of a set by rank, the first choice first."""

    documents: Sequence[Document]
    labels: Ints
    measure: Measure
    share: Share

    def candidates(self, first: Grams) -> tuple[Candidates, Screen]:
        """Candidates from the n-grams of one part, and what tells that two samples are not alike.

        Every part of two near-duplicates is similar, so the index of any one part misses none: the part that promises
        fewer pairs is taken. `first` is the first part of all.
        """
        parts = len(self.documents[0]) if self.documents else 1
        indexed = [self._index(first)]
        if parts == 2 and indexed[0][0] > FEW_PAIRS * len(self.documents):
            indexed.append(self._index(encoded(self._part(1), self.measure.n, least=2)))
        tests: list[Callable[[Ints, Ints], Flags]] = [
            partial(compared.may_be, self.measure) for _, compared, _ in indexed
        ]
        _, compared, groups = min(indexed, key=lambda each: each[0])
        found = self._found(compared, groups)
        if parts > len(indexed) and (found is None or found.found.size > MEASURED * found.members):
            # Few pairs are alike in the question: only the answers of those need looking at.
            tests.append(Bounds(self._part(1), self.measure).may_be)
        return found or Kept(groups, len(self.documents)), self._screen(tests)

    def _part(self, number: int) -> list[Document]:
        return [(document[number],) for document in self.documents]

    def _index(self, grams: Grams) -> tuple[int, Compared, Groups]:
        """The n-grams of a part and their index, after the number of pairs that it promises."""
        groups = self.measure.entries(grams).groups()
        sizes = np.diff(groups.starts)
        return int((sizes * (sizes - 1)).sum()) // 2, Compared.of(grams), groups

    def _found(self, compared: Compared, groups: Groups) -> Found | None:
        """All pairs at once that bitmaps cannot tell apart, by all processes; `None` where they are too many."""
        after = groups.after()
        if int(after.sum()) > FEW_PAIRS * len(self.documents):
            return None
        held, pairs = 0, [np.zeros(0, np.int64)]
        for x, y in screen(compared, self.measure, self.share)(groups, after):
            same = self.labels[x] == self.labels[y]
            x, y = x[same], y[same]
            pairs.append(distinct(np.maximum(x, y) << 32 | np.minimum(x, y)))
            held += pairs[-1].size
            if held > HELD_PAIRS:
                return None
        return Found(distinct(np.concatenate(pairs)))

    def _screen(self, tests: Sequence[Callable[[Ints, Ints], Flags]]) -> Screen:
        def passed(x: Ints, y: Ints) -> tuple[Flags, Flags]:
            alike: Flags = self.labels[x] == self.labels[y]
            for may_be in tests:
                at = np.flatnonzero(alike)
                alike[at] = may_be(x[at], y[at])
            return alike, alike

        return passed
