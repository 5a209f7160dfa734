"""COIG-CQIA: Chinese instruction data with its provenance.

`{"instruction": "…", "input": "", "output": "…", "task_type": {"major": ["问答"], "minor": ["逻辑"]}, "domain":
["通用"], "metadata": "…", "answer_from": "human", "human_verified": true, "copyright": "…"}` (Bai et al. 2024,
arXiv 2403.18058). One round, no system message. What the source says about itself goes to `meta` and is written back.
"""

from __future__ import annotations

from typing import Any

from tilth.formats.base import Format, Record, need_object, need_text, refuse, register, rest, turn
from tilth.formats.columns import has
from tilth.formats.instruction import LINES, QUESTION, read_question, write_question
from tilth.formats.rounds import rounds
from tilth.sample import Sample

NAME = "coig_cqia"
TEXT = (*QUESTION, "output")
ORIGIN = ("task_type", "domain", "metadata", "answer_from", "human_verified", "copyright")


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A sample of one round; `input` follows the instruction after a line feed.

    Raises:
        FormatError: `instruction` or `output` is missing or no text, or `input` is neither text nor null.
    """
    found = need_object(record, NAME)
    question, lines = read_question(found, NAME)
    messages = (turn("user", question), turn("assistant", need_text(found, "output", NAME)))
    return Sample(sample_id, place, messages, meta={**rest(found, TEXT), **lines})


def write(sample: Sample) -> dict[str, Any]:
    """A COIG-CQIA record, with what `meta` knows of the shape's own keys.

    Raises:
        FormatError: the sample has more than one round, a system message, tools, thinking, a mask or a preference.
    """
    refuse(sample, NAME, "system", "calls", "tools", "thinking", "loss", "preference", "label")
    triples = rounds(sample, NAME)
    refuse(sample, NAME, "turns")
    _, question, answer = triples[0]
    origin = {key: sample.meta[key] for key in ORIGIN if key in sample.meta}
    return {**write_question(question, sample), "output": answer, **origin}


def fits(record: Record) -> bool:
    """Instruction data that says where it comes from: two of the shape's own keys are enough."""
    return has(record, "instruction") and sum(key in record for key in (*ORIGIN, LINES)) >= 2


coig_cqia = register(Format(NAME, read, write, fits, rank=20, columns=TEXT))
