"""One shape of record per file: record → Sample, Sample → record."""

from __future__ import annotations

from tilth.formats import (  # noqa: F401  importing a format registers it
    alpaca,
    choices,
    coig_cqia,
    csv,
    firefly,
    kto,
    labelllm,
    llamafactory_alpaca,
    llamafactory_sharegpt,
    moss,
    oasst,
    openai,
    preference,
    prompt_completion,
    questions,
    self_instruct,
    sharegpt,
    text,
    tilth,
    transcript,
    tsv,
    xtuner,
    xtuner_conversation,
)
from tilth.formats.base import FORMATS, Format, Record, register
from tilth.formats.columns import mapped, read_record
from tilth.formats.detect import detect
from tilth.formats.guess import guess

__all__ = ["FORMATS", "Format", "Record", "detect", "guess", "mapped", "read_record", "register"]
