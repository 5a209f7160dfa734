"""Hand-made pieces of a comparison: questions, a protocol, answers."""

from __future__ import annotations

from tilth.evaluation.ask import Answer
from tilth.evaluation.protocol import Contestant, Protocol, Question
from tilth.models.base import Generation
from tilth.sample import Message


def question(n, text="水湿吗", expected=""):
    return Question(f"{n:016x}", f"t.jsonl:{n}", (Message("user", text),), expected)


def protocol(questions, seed=42, before="m:1", after="m:2"):
    return Protocol(
        tuple(questions),
        Contestant("base", before),
        Contestant("tuned", after),
        Generation(64, seed=seed),
        seed,
    )


def answer(asked, side, text, state="done"):
    return Answer(
        asked.id, asked.place, side, f"m:{side}", text, state, "", 1, len(text), f"{side}-{asked.place}"
    )
