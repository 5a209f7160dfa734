"""Which of several samples that say the same is kept."""

from __future__ import annotations

import numpy as np

from tilth.operators.grams import Ints
from tilth.sample import Sample, text_of

KEEPER = [("verified", "?"), ("human", "?"), ("chars", "u4")]
"""The fields of a fact that `order` reads."""


def worth(sample: Sample) -> tuple[bool, bool, int]:
    """What speaks for keeping a sample: checked by a person, written by a person, length without the ends."""
    verified = sample.meta.get("human_verified") is True
    human = sample.meta.get("answer_from") == "human"
    return verified, human, len(sample.question.strip()) + len(sample.answer.strip())


def order(rows: np.ndarray) -> Ints:
    """The rows from the first choice to the last: verified > human > longer > first."""
    return np.lexsort((-rows["chars"].astype(np.int64), ~rows["human"], ~rows["verified"]))


def answer(sample: Sample) -> str:
    """The answer, with the rejected one of a preference pair: two pairs differ where either differs."""
    rejected = text_of(sample.rejected, "assistant") if sample.rejected else ""
    return f"{sample.answer}\n{rejected}" if rejected else sample.answer


def label(sample: Sample) -> int:
    """The KTO mark as a small number: the same words, wanted and unwanted, are two samples."""
    return 2 if sample.label is None else int(sample.label)
