"""`measure.tokens`: counts tokens as the model that is trained will, through its own chat template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from tilth.errors import FormatError
from tilth.models.loader import load_template, load_tokenizer
from tilth.models.template import ChatTemplate, Conversation, Encoded, Tokenizer
from tilth.operators.base import Facts, Read, set_operator
from tilth.sample import Measured, Sample, Verdict


@set_operator("measure.tokens", files=("model",))
@dataclass(frozen=True)
class Tokens:
    """Count the tokens of each sample with the tokenizer and the chat template of the model to be trained.

    Signals `tokens` (the whole conversation), `trained_tokens` (those that carry loss) and `prompt_tokens` (the rest):
    the same code as `tilth tokens` and the `hf` backend, a whole batch at a time. A sample that the template refuses is
    quarantined with what the template says. `filter.by_signal`, `select.budget` and `select.top` read the signals.
    """

    model: str
    """A folder with a tokenizer and a chat template; weights are not needed."""

    fact: ClassVar[np.dtype[np.void]] = np.dtype([("tokens", "<i8"), ("trained", "<i8")])

    def __post_init__(self) -> None:
        """Miss the tokenizer before the run and not in it."""
        _loaded(self.model)

    def observe(self, sample: Sample) -> tuple[int, int]:
        """Tokens and trained tokens of one sample.

        Raises:
            FormatError: the chat template refuses it.
        """
        (found,) = self._encoded([sample])
        if isinstance(found, FormatError):
            raise found
        return len(found.ids), sum(found.trained)

    def observe_many(self, samples: Sequence[Sample]) -> np.ndarray:
        """As `observe`, a batch at once.

        Raises:
            FormatError: the chat template refuses one of them.
        """
        rows = np.zeros(len(samples), dtype=self.fact)
        for at, found in enumerate(self._encoded(samples)):
            if isinstance(found, FormatError):
                raise found
            rows[at] = len(found.ids), sum(found.trained)
        return rows

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Write the counts on each sample."""
        for place, (tokens, trained) in zip(facts.places, facts.rows.tolist(), strict=True):
            counts = {"tokens": tokens, "prompt_tokens": tokens - trained, "trained_tokens": trained}
            yield place, Measured(counts)

    def _encoded(self, samples: Sequence[Sample]) -> list[Encoded | FormatError]:
        template, tokenizer = _loaded(self.model)
        return template.encode_many(
            tokenizer, [Conversation(sample.messages, sample.tools) for sample in samples]
        )


@lru_cache(maxsize=4)
def _loaded(folder: str) -> tuple[ChatTemplate, Tokenizer]:
    return load_template(Path(folder)), load_tokenizer(Path(folder))
