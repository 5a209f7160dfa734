"""Which samples a step surely leaves as they are: found for many samples at once, so that most are never handed to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tilth.recipe.plan import Step
from tilth.sample import Sample

MOST = 32
"""Steps that can have a bit; those after them are simply run."""
_ALL = 0xFFFFFFFF


class Gates:
    """Looks up every character of a chunk once, for all steps that say which characters they need."""

    def __init__(self, steps: Sequence[Step]) -> None:
        wanted = [step.declared.touches for step in steps]
        gated = [at for at, touches in enumerate(wanted) if touches][:MOST]
        self._bits = {at: 1 << bit for bit, at in enumerate(gated)}
        self._table = np.zeros(0x10000, dtype=np.uint32)
        for at, bit in self._bits.items():
            self._table[[ord(character) for character in wanted[at]]] |= np.uint32(bit)
        # Characters beyond the table are looked up as its last, a noncharacter.
        self._table[-1] = _ALL
        self._gates = [step.declared.gate for step in steps]
        self._samples: Sequence[Sample] = ()
        self._masks: dict[int, int] = {}

    def look(self, samples: Sequence[Sample]) -> None:
        """Note what stands in the samples of a new chunk. One that a step changes later is always run."""
        self._samples = samples
        if self._bits and samples:
            self._masks = dict(zip(map(id, samples), self._found(samples).tolist(), strict=True))

    def open(self, at: int, samples: Sequence[Sample]) -> Sequence[bool | int]:
        """For each sample whether step number `at` must see it."""
        gate = self._gates[at]
        if gate is not None:
            return gate(samples)
        if at not in self._bits:
            return [True] * len(samples)
        bit, masks = self._bits[at], self._masks
        return [masks.get(id(sample), _ALL) & bit for sample in samples]

    def _found(self, samples: Sequence[Sample]) -> npt.NDArray[np.uint32]:
        texts = ["".join([m.content for m in sample.messages]) for sample in samples]
        for at, sample in enumerate(samples):
            if sample.rejected:
                texts[at] += "".join([m.content for m in sample.rejected])
        lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
        joined = "\0".join([*texts, ""]).encode("utf-32-le", "surrogatepass")
        points = np.frombuffer(joined, dtype="<u4")
        found = self._table[np.minimum(points, len(self._table) - 1)]
        return np.bitwise_or.reduceat(found, np.cumsum(lengths) - lengths)
