"""Decides from one sample alone whether it stays; every drop names the value it saw and the limit it met."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field as Limits

from tilth.errors import UserError
from tilth.operators import lexicon
from tilth.operators.base import ROLES, Field, operator, text
from tilth.operators.measure import Language, chars, language_of
from tilth.operators.regex import regex
from tilth.operators.repetition import may_repeat, repetition_of
from tilth.operators.texts import WHITE, Classes, Flags, Texts, table
from tilth.sample import Drop, Message, Sample

Share = Annotated[float, Limits(ge=0, le=1)]
Chars = Annotated[int, Limits(ge=0)]


@operator("filter.empty")
def empty(sample: Sample, *, answers: Literal["required", "optional"] = "required") -> Sample | Drop:
    """Drop samples whose question or answer says nothing: no letter, digit or symbol.

    White space and punctuation alone are nothing; an emoji or a sum is something. In a conversation of several turns
    each turn must hold more than white space, and all of them together something that is said. An assistant turn that
    calls a tool is never empty.

    Args:
        sample: the sample to judge.
        answers: `optional` lets samples without any assistant turn pass, for questions that still wait for answers.
    """
    asked = [message for message in sample.messages if message.role == "user"]
    answered = [message for message in sample.messages if message.role == "assistant"]
    if asked and _silent(asked):
        return Drop("empty_question", {"value": 0, "limit": 1})
    if not answered and answers == "required":
        return Drop("empty_answer", {"value": 0, "limit": 1})
    if answered and _silent(answered):
        return Drop("empty_answer", {"value": 0, "limit": 1})
    return sample


def _silent(turns: list[Message]) -> bool:
    said = [turn for turn in turns if not turn.tool_calls]
    return any(not turn.content.strip() for turn in said) or (
        bool(said) and len(said) == len(turns) and not any(_says_something(turn.content) for turn in said)
    )


def _says_something(words: str) -> bool:
    """Whether any character is a letter, a digit, a mark or a symbol (Unicode general categories L, N, M, S)."""
    return any(unicodedata.category(char)[0] in "LNMS" for char in words)


@cache
def _edges() -> Classes:
    return table({1: WHITE + "\0"})


def _may_be_outside(texts: Texts, settings: Mapping[str, Any]) -> Flags:
    """Whether the text may be too short or too long; what has white space at an edge is left to the operator."""
    chosen = texts.said_by(*ROLES[settings["field"]])
    owners, lengths, starts = texts.owners[chosen], texts.lengths[chosen], texts.starts[chosen]
    turns = np.bincount(owners, minlength=texts.size)
    # A line feed stands between turns, and one may stand behind them.
    most = np.bincount(owners, weights=lengths, minlength=texts.size) + turns
    found = np.zeros(texts.size, dtype=np.bool_)
    if settings["max_chars"] is not None:
        found |= most > settings["max_chars"]
    if settings["min_chars"]:
        found |= most - 1 < settings["min_chars"]
        edges = texts.points[np.concatenate([starts, starts + lengths - 1])]
        found[owners[_edges()[edges].reshape(2, -1).any(axis=0)]] = True
    return found


@operator("filter.length", gate=_may_be_outside)
def length(
    sample: Sample, *, field: Field = "answer", min_chars: Chars = 0, max_chars: Chars | None = None
) -> Sample | Drop:
    """Drop samples whose text is shorter than `min_chars` or longer than `max_chars` characters.

    Characters are code points without the white space around the text; both limits are allowed values. The reasons are
    `question_too_short`, `answer_too_long` and so on, and `text_too_short`, `text_too_long` for both fields together.
    """
    name = "text" if field == "both" else field
    value = chars(text(sample, field))
    if value < min_chars:
        return Drop(f"{name}_too_short", {"value": value, "limit": min_chars})
    if max_chars is not None and value > max_chars:
        return Drop(f"{name}_too_long", {"value": value, "limit": max_chars})
    return sample


@operator("filter.language")
def language(sample: Sample, *, keep: tuple[Language, ...] = ("zh", "en", "mixed")) -> Sample | Drop:
    """Drop samples in a language that is not in `keep`.

    Reads the signal `language`; where no step has measured it, question and answer together are looked at.
    """
    value = sample.signals.get("language") or language_of(text(sample, "both"))
    if value in keep:
        return sample
    return Drop("other_language", {"value": value, "limit": list(keep)})


@operator("filter.repetition", version=2, gate=may_repeat)
def repetition(sample: Sample, *, max: Share = 0.3) -> Sample | Drop:
    """Drop samples whose answer mostly says again what it said before.

    Reads the signal `repetition`; where no step has measured it, the answer is looked at with the default n-gram.
    """
    value = sample.signals.get("repetition")
    if value is None:
        value = repetition_of(sample.answer)
    return sample if value <= max else Drop("repetitive", {"value": value, "limit": max})


@operator("filter.relevance")
def relevance(sample: Sample, *, min: Share) -> Sample | Drop:
    """Drop samples that are too far from what `measure.relevance` was asked for.

    Raises:
        UserError: the sample was not measured.
    """
    value = _number(sample, "relevance", "measure.relevance")
    return sample if value >= min else Drop("not_relevant", {"value": value, "limit": min})


@operator("filter.by_signal")
def by_signal(
    sample: Sample,
    *,
    signal: str,
    min: float | None = None,
    max: float | None = None,
    equals: str | int | float | bool | None = None,
) -> Sample | Drop:
    """Drop samples by any signal: below `min`, above `max`, or other than `equals`.

    The reasons are `signal_too_low`, `signal_too_high` and `signal_differs`; the evidence names the signal.

    Raises:
        UserError: the sample lacks the signal, or `min` or `max` meets a signal that is no number.
    """
    if equals is not None and (value := _signal(sample, signal)) != equals:
        return Drop("signal_differs", {"signal": signal, "value": value, "limit": equals})
    if min is not None and (value := _number(sample, signal)) < min:
        return Drop("signal_too_low", {"signal": signal, "value": value, "limit": min})
    if max is not None and (value := _number(sample, signal)) > max:
        return Drop("signal_too_high", {"signal": signal, "value": value, "limit": max})
    return sample


def _signal(sample: Sample, name: str, step: str = "the measure step that writes it") -> Any:
    if name not in sample.signals:
        known = ", ".join(sorted(sample.signals)) or "none"
        raise UserError(
            f"{sample.place} has no signal '{name}' (it has: {known}).", f"Put {step} before this filter."
        )
    return sample.signals[name]


def _number(sample: Sample, name: str, step: str = "the measure step that writes it") -> float:
    value = _signal(sample, name, step)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(
            f"signal '{name}' of {sample.place} is {value!r}, not a number.",
            "Use `equals` instead of min and max.",
        )
    return value


@operator("filter.refusal")
def refusal(sample: Sample) -> Sample | Drop:
    """Drop samples whose answer is nothing but a refusal, in Chinese or English.

    Every sentence of every answer must refuse, excuse, or offer help in general; one sentence of substance and the
    sample stays. A question that asks for a text about refusing, or for a translation, is never judged.
    """
    openings: list[str] = []
    for message in sample.messages:
        if message.role == "assistant":
            openings.append(refuses(message.content))
            if not openings[-1]:
                return sample
    if not openings or _refusal_patterns()["subject"].search(sample.question):
        return sample
    return Drop("refusal", {"value": openings[0], "limit": "a refusal and nothing else"})


_LONGEST_REFUSAL = 600
"""Characters. A longer answer always says something else too."""
_BREAK = regex(
    r"[。！!？?\n；;]+|\.+(?=\s|$|[\u4e00-\u9fff])|[,，\s]+(?=但|不过|然而|可是|but\b|however\b)",
    re.IGNORECASE,
)
_LEAD = regex(
    r"[\s,，”’」』）)*_>-]*(?:([您你]好|喔不|啊|哦|但是|但|不过|然而|可是|因此|所以|同时|此外|另外|当然"
    r"|(?:hi|hello|oh|but|however|therefore|so)\b)[\s,，!！]*)*",
    re.IGNORECASE,
)


def refuses(answer: str) -> str:
    """The first refusing sentence of an answer that does nothing else; empty where it does more."""
    if len(answer) > _LONGEST_REFUSAL:
        return ""
    patterns = _refusal_patterns()
    refusing = ""
    for part in _parts(answer):
        sentence = _LEAD.sub("", part, count=1).strip()
        if not _says_something(sentence):
            continue
        if patterns["refuse"].match(sentence):
            refusing = refusing or sentence
        elif not patterns["filler"].match(sentence):
            return ""
    return refusing


def _parts(answer: str) -> Iterator[str]:
    """What `_BREAK` parts, one after the other: most answers are told by their first sentence."""
    end = 0
    for match in _BREAK.finditer(answer):
        yield answer[end : match.start()]
        end = match.end()
    yield answer[end:]


@lru_cache(maxsize=1)
def _refusal_patterns() -> Mapping[str, re.Pattern[str]]:
    return {
        name: re.compile("|".join(f"(?:{line})" for line in lines), re.IGNORECASE)
        for name, lines in lexicon.sections("refusals.txt").items()
    }
