"""What the trainer sees: samples as token ids and labels, and what happened to those that did not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tilth.errors import FormatError
from tilth.models.template import ChatTemplate, Conversation, Tokenizer
from tilth.sample import Sample

BATCH = 8192
"""Samples tokenized at once: a tokenizer called again after its answers were let go is slower, by half for 2,000 samples."""
LETTERS = 1 << 20
"""Characters above which fewer are: what a tokenizer says of a text takes a hundred times the text's room."""


class Row(NamedTuple):
    """One sample, cut to the limit."""

    sample: Sample
    ids: list[int]
    trained: list[int]
    """1 for each id that carries loss."""
    whole: int
    """Tokens before the cut."""
    refused: str = ""
    """Why the chat template cannot show the sample; it then has no ids."""

    @property
    def learned(self) -> int:
        """Ids that carry loss; 0 where it would be the first alone, which is predicted from nothing."""
        marked = self.trained.count(1)
        return 0 if marked == 1 and self.trained[0] else marked

    @property
    def learns(self) -> bool:
        """Whether a loss is taken anywhere."""
        return self.learned > 0


def encoded(
    samples: Iterable[Sample], template: ChatTemplate, tokenizer: Tokenizer, max_length: int
) -> Iterator[Row]:
    """Each sample as a trainer with this limit sees it, in their order."""
    for batch in batches(samples):
        talks = [Conversation(sample.messages, sample.tools) for sample in batch]
        for sample, found in zip(batch, template.encode_many(tokenizer, talks), strict=True):
            if isinstance(found, FormatError):
                yield Row(sample, [], [], 0, str(found))
            else:
                ids, trained = found
                whole = len(ids)
                if whole > max_length:
                    ids, trained = ids[:max_length], trained[:max_length]
                yield Row(sample, ids, trained, whole)


def batches(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    """The samples in their order, as many together as a tokenizer should get at once."""
    batch: list[Sample] = []
    letters = 0
    for sample in samples:
        batch.append(sample)
        letters += sum([len(message.content) for message in sample.messages])
        if len(batch) == BATCH or letters > LETTERS:
            yield batch
            batch, letters = [], 0
    if batch:
        yield batch


@dataclass
class Rows:
    """Samples, encoded. `ids` and `trained` run in step; the other lists name places."""

    places: list[str] = field(default_factory=list)
    ids: list[list[int]] = field(default_factory=list)
    trained: list[list[int]] = field(default_factory=list)
    """1 for each id that carries loss."""
    truncated: list[str] = field(default_factory=list)
    """Longer than the limit: the end was cut off."""
    untrained: list[str] = field(default_factory=list)
    """Left out: no answer token is within the limit."""
    refused: dict[str, str] = field(default_factory=dict)
    """Left out: place → why the chat template cannot show it."""

    def __len__(self) -> int:
        return len(self.ids)

    def labels(self, ignored: int) -> list[list[int]]:
        """The ids that carry loss, and `ignored` elsewhere."""
        return [
            [token if mark else ignored for token, mark in zip(ids, marks, strict=True)]
            for ids, marks in zip(self.ids, self.trained, strict=True)
        ]

    def summary(self) -> dict[str, object]:
        """The counts and places, as `rows.json` holds them."""
        return {
            "rows": len(self),
            "tokens": sum(map(len, self.ids)),
            "trained_tokens": sum(map(sum, self.trained)),
            "truncated": self.truncated,
            "untrained": self.untrained,
            "refused": self.refused,
        }


def encode_samples(
    samples: Iterable[Sample], template: ChatTemplate, tokenizer: Tokenizer, max_length: int
) -> Rows:
    """Encode samples, cut each to `max_length` tokens, and leave out those that teach nothing."""
    rows = Rows()
    for row in encoded(samples, template, tokenizer, max_length):
        place = row.sample.place
        if row.refused:
            rows.refused[place] = row.refused
            continue
        if row.whole > max_length:
            rows.truncated.append(place)
        if not row.learns:
            rows.untrained.append(place)
            continue
        rows.places.append(place)
        rows.ids.append(row.ids)
        rows.trained.append(row.trained)
    return rows
