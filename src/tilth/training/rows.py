"""What the trainer sees: samples as token ids and labels, and what happened to those that did not fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tilth.errors import FormatError
from tilth.models.template import ChatTemplate, Tokenizer
from tilth.sample import Sample


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
    """Encode samples one by one and cut each to `max_length` tokens.

    A loss is taken where a token is predicted from the ones before it, so a trained first token would not count.
    """
    rows = Rows()
    for sample in samples:
        try:
            ids, trained = template.encode(tokenizer, sample.messages, sample.tools)
        except FormatError as error:
            rows.refused[sample.place] = str(error)
            continue
        if len(ids) > max_length:
            rows.truncated.append(sample.place)
        ids, trained = ids[:max_length], trained[:max_length]
        if not any(trained[1:]):
            rows.untrained.append(sample.place)
            continue
        rows.places.append(sample.place)
        rows.ids.append(ids)
        rows.trained.append(trained)
    return rows
