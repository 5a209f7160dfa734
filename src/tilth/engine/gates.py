"""Which samples a step surely leaves as they are: found for many samples at once, so that most are never handed to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.operators.texts import Texts
from tilth.recipe.plan import Step
from tilth.sample import Sample

MOST = 1.25
"""Times as many texts as a chunk has samples are laid out at most: those that changed stand beside what they were before
until it is cheaper to lay out all anew."""


class Gates:
    """Lays out the texts of a chunk once for all steps, and what a step changed once more."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._gates = [(step.declared.gate, step.settings) for step in steps]
        self._texts: list[Texts] = []
        self._rows: dict[int, int] = {}

    def look(self, samples: Sequence[Sample]) -> None:
        """Begin with a new chunk."""
        self._texts, self._rows = [], {}
        if any(gate for gate, _ in self._gates):
            self._add(samples)

    def open(self, at: int, samples: Sequence[Sample]) -> Sequence[int]:
        """The places in `samples` of those that step number `at` must see, in order."""
        gate, settings = self._gates[at]
        if gate is None:
            return range(len(samples))
        rows = list(map(self._rows.get, map(id, samples)))
        if None in rows:
            fresh = [sample for sample, row in zip(samples, rows, strict=True) if row is None]
            if self._laid_out + len(fresh) > len(samples) * MOST:
                self.look(samples)
            else:
                self._add(fresh)
            rows = list(map(self._rows.get, map(id, samples)))
        found = np.concatenate([gate(texts, settings) for texts in self._texts])
        opened: list[int] = np.flatnonzero(found[np.array(rows, dtype=np.int64)]).tolist()
        return opened

    @property
    def _laid_out(self) -> int:
        return sum(texts.size for texts in self._texts)

    def _add(self, samples: Sequence[Sample]) -> None:
        first = self._laid_out
        # The texts keep their samples, so that no new sample is given the id of one that is gone.
        self._texts.append(Texts.of(samples))
        self._rows.update(zip(map(id, samples), range(first, first + len(samples)), strict=True))
