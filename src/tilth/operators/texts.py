"""The texts of many samples side by side, so that one look finds those that hold what a step needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth.sample import Message, Role, Sample

Flags = npt.NDArray[np.bool_]
Classes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

BEYOND = 0xFFFF
"""Stands in `Texts.points` for every character beyond the Basic Multilingual Plane; itself a noncharacter."""

WHITE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""All characters that `str.isspace` knows."""

Gate = Callable[["Texts", Mapping[str, Any]], Flags]
"""For each sample whether an operator with these settings must see it: never false where it would not return the sample
itself. Pure, and true at worst."""


def places(marks: npt.NDArray[np.generic]) -> npt.NDArray[np.intp]:
    """Where marks that are not 0 stand."""
    # What is no bool is looked for ten times as slowly.
    return np.flatnonzero(marks != 0)


class Texts:
    """Texts as code points in one row, a NUL before, between and behind them."""

    def __init__(self, contents: Sequence[str], owners: Ints, size: int) -> None:
        """Take the texts.

        Args:
            contents: the texts.
            owners: the number of the sample that each belongs to, rising.
            size: how many samples there are.
        """
        self.contents, self.owners, self.size = contents, owners, size
        self.samples: Sequence[Sample] = ()
        self._messages: Sequence[Message] = ()

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Texts:
        """What all messages of some samples say, rejected ones after the others."""
        turns = [one.messages if one.rejected is None else one.messages + one.rejected for one in samples]
        counts = np.fromiter(map(len, turns), np.int64, len(turns))
        messages = list(chain.from_iterable(turns))
        owners = np.repeat(np.arange(len(turns)), counts)
        made = cls([message.content for message in messages], owners, len(turns))
        made._messages = messages
        made.samples = samples
        return made

    @cached_property
    def lengths(self) -> Ints:
        """Characters of each text."""
        return np.fromiter(map(len, self.contents), np.int64, len(self.contents))

    @cached_property
    def starts(self) -> Ints:
        """Where each text begins in the row."""
        lengths = self.lengths + 1
        return np.cumsum(lengths) - lengths + 1

    @cached_property
    def codes(self) -> npt.NDArray[np.uint32]:
        """The code points of the row."""
        # An array of one string holds its code points and nothing else, and takes half the time of an encoding.
        return np.array("\0".join(["", *self.contents, ""])).reshape(1).view(np.uint32)

    @cached_property
    def points(self) -> npt.NDArray[np.uint16]:
        """The code points of the row, those beyond the Basic Multilingual Plane as `BEYOND`."""
        codes = self.codes
        return (codes if codes.max() <= BEYOND else np.minimum(codes, BEYOND)).astype(np.uint16)

    def said_by(self, *roles: Role) -> Flags:
        """Whether each text is a turn of one of these roles, and no rejected one."""
        found = np.zeros(len(self.contents), dtype=np.bool_)
        for role in roles:
            found |= self._roles == role[0]
        return found

    @property
    def rejected(self) -> Flags:
        """Whether each text is a rejected turn."""
        found: Flags = self._roles == ""
        return found

    @cached_property
    def _roles(self) -> npt.NDArray[np.str_]:
        """The first letter of each text's role, no two of which are the same; empty for a rejected one."""
        found = np.array([message.role[0] for message in self._messages], dtype="U1")
        if any(sample.rejected for sample in self.samples):
            ends = np.searchsorted(self.owners, np.arange(self.size), side="right")
            for sample, end in zip(self.samples, ends.tolist(), strict=True):
                found[end - len(sample.rejected or ()) : end] = ""
        return found

    def classes(self, table: Classes) -> Classes:
        """What a table of 65,536 entries says of each character of the row."""
        found: Classes = table.take(self.points)
        return found

    def holding(self, at: npt.NDArray[np.intp]) -> Flags:
        """Whether each sample holds one of these places of the row; a NUL belongs to the text before it."""
        found = np.zeros(self.size, dtype=np.bool_)
        if at.size:
            found[self.owners[np.maximum(np.searchsorted(self.starts, at, side="right") - 1, 0)]] = True
        return found


def table(classes: Mapping[int, Iterable[str]]) -> Classes:
    """A table for `Texts.classes`: to each class of characters the bits that it is known by."""
    made = np.zeros(BEYOND + 1, dtype=np.uint8)
    for bits, characters in classes.items():
        made[[ord(character) for character in characters]] |= np.uint8(bits)
    return made


def touching(characters: str) -> Gate:
    """A gate for an operator that leaves a text without any of these characters as it is."""

    @cache
    def wanted() -> Classes:
        return table({1: characters})

    def gate(texts: Texts, settings: Mapping[str, Any]) -> Flags:
        return texts.holding(places(texts.classes(wanted())))

    return gate
