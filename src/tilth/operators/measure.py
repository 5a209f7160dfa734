"""Writes what can be counted on a sample as signals; the text is never changed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field as Limits

from tilth.operators import lexicon
from tilth.operators.base import Field, operator, text
from tilth.operators.privacy import redact_pii
from tilth.operators.regex import Hint, hint_of, regex
from tilth.operators.repetition import prose, repetition_of
from tilth.operators.scripts import scripts
from tilth.sample import Sample

Language = Literal["zh", "en", "ja", "ko", "ru", "mixed", "other"]
QuestionType = Literal["what", "why", "how", "yes_no", "choice", "number", "definition", "other"]

_LETTER = regex("[A-Za-z]")
_DOMINANT = 0.6
"""Share of a text's words that makes its language: a Chinese sentence with two technical terms is still Chinese."""


def _with(sample: Sample, **signals: Any) -> Sample:
    return sample.replace(signals={**sample.signals, **signals})


def chars(words: str) -> int:
    """Code points without the white space around them: what `filter.length` and `measure.length` count."""
    return len(words.strip())


@operator("measure.length")
def length(sample: Sample) -> Sample:
    """Count the characters of question and answer, and the turns of the conversation.

    Signals `question_chars` and `answer_chars` are code points; `turns` is the number of user and assistant messages.
    """
    turns = sum(message.role in ("user", "assistant") for message in sample.messages)
    return _with(
        sample, question_chars=chars(sample.question), answer_chars=chars(sample.answer), turns=turns
    )


@operator("measure.language")
def language(sample: Sample, *, field: Field = "both") -> Sample:
    """Name the language by its script: `zh`, `en`, `ja`, `ko`, `ru`, `mixed` or `other`.

    Code, formulas and addresses do not count. `mixed` means that no language has six words in ten. Scripts cannot
    tell languages that share one: Latin letters are `en` unless accents show otherwise, Cyrillic ones are `ru`.
    """
    return _with(sample, language=language_of(text(sample, field)))


def language_of(words: str) -> Language:
    """The language of a text, by the share of its words in each script; a hanzi counts as a word."""
    spoken = prose(words)
    if spoken.isascii():
        return "en" if _LETTER.search(spoken) else "other"
    found = scripts(spoken)
    japanese = found.kana * 5 >= found.hanzi + found.kana
    accented = found.accented * 12 > found.latin
    counts: dict[Language, int] = {
        "zh": 0 if japanese else found.hanzi,
        "ja": found.kana + found.hanzi if japanese else found.kana,
        "ko": found.hangul,
        "ru": found.cyrillic,
        "en": 0 if accented else found.latin,
        "other": found.foreign + (found.latin if accented else 0),
    }
    first = max(counts, key=lambda name: counts[name])
    if not counts[first]:
        return "other"
    return first if counts[first] >= _DOMINANT * sum(counts.values()) else "mixed"


@operator("measure.hanzi_ratio")
def hanzi_ratio(sample: Sample, *, field: Field = "both") -> Sample:
    """Measure the share of hanzi among all characters that are not white space, from 0 to 1."""
    words = text(sample, field)
    found = None if words.isascii() else scripts(words)
    ratio = found.hanzi / max(len(words) - found.white, 1) if found else 0.0
    return _with(sample, hanzi_ratio=round(ratio, 4))


@operator("measure.repetition", version=2)
def repetition(sample: Sample, *, field: Field = "answer", ngram: Annotated[int, Limits(ge=2)] = 8) -> Sample:
    """Measure the share of a text that says again what it said before, from 0 to 1.

    A text written twice has 0.5, a phrase in an endless loop comes near 1. Code in fences, formulas and
    addresses, which repeat themselves by nature, say nothing again; lines that look like code and stand in no fence do
    where four in a row come again. This is the share of characters inside
    duplicate n-grams of MassiveText (Rae et al. 2021, arXiv 2112.11446, table A1), with n counted in hanzi or words, so
    that it works without spaces, and with the first occurrence left out.
    """
    return _with(sample, repetition=repetition_of(text(sample, field), ngram))


@operator("measure.question_type")
def question_type(sample: Sample) -> Sample:
    """Name what the question asks for: what, why, how, yes_no, choice, number, definition or other.

    Patterns in Chinese and English; an instruction that asks nothing ("写一首诗") is `other`.
    """
    return _with(sample, question_type=question_type_of(sample.question))


def question_type_of(question: str) -> QuestionType:
    """The first type of `data/question_types.txt` one of whose patterns occurs in the question."""
    for name, pattern, hint in _question_patterns():
        if hint(question) and pattern.search(question):
            return name
    return "other"


@lru_cache(maxsize=1)
def _question_patterns() -> list[tuple[QuestionType, re.Pattern[str], Hint]]:
    flags = re.IGNORECASE | re.MULTILINE
    rows = [line.split("\t", 1) for line in lexicon.shipped("question_types.txt")]
    return [(name, re.compile(pattern, flags), hint_of(pattern, flags)) for name, pattern in rows]  # type: ignore[misc]  # our own file


@operator("measure.pii", version=2)
def pii(sample: Sample, *, field: Field = "both") -> Sample:
    """Count personal data by kind, as `privacy.redact_pii` finds it there: phone, email, id and so on.

    Signals `pii` (a count for each kind found) and `pii_total`.
    """
    redacted = redact_pii(sample, field=field)
    counts: dict[str, int] = {} if redacted is sample else redacted.signals["pii"]
    return _with(sample, pii=counts, pii_total=sum(counts.values()))


@operator("measure.toxicity_terms", files=("terms",))
def toxicity_terms(sample: Sample, *, terms: str, field: Field = "both") -> Sample:
    """Count how often the terms of a list occur, and name those that were found.

    Signals `toxicity_terms` (a count) and `toxicity_found` (the terms, in order). A list sees words, not meaning: it
    hits quotations, news and names that hold a term, and misses whatever is paraphrased or spelt differently. Use it to
    pick samples for a judge or a person, not to decide.

    Args:
        sample: the sample to measure.
        terms: a UTF-8 file with one term a line. Case is ignored; a term in Latin letters must be a whole word.
        field: which text to look at.

    Raises:
        UserError: the file is missing, is not UTF-8, or is empty.
    """
    found = [match.group() for match in _terms_pattern(terms).finditer(text(sample, field).lower())]
    return _with(sample, toxicity_terms=len(found), toxicity_found=list(dict.fromkeys(found)))


@lru_cache(maxsize=8)
def _terms_pattern(path: str) -> re.Pattern[str]:
    terms = {term.lower() for term in lexicon.from_file(path)}
    latin = {term for term in terms if term[0].isascii() and term[-1].isascii()}
    whole = f"(?<![a-z0-9]){lexicon.any_of(latin)}(?![a-z0-9])" if latin else ""
    return re.compile("|".join(part for part in (whole, lexicon.any_of(terms - latin)) if part))
