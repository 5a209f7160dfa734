"""Exam questions with options: `{"question": "…", "A": "…", "B": "…", "C": "…", "D": "…", "answer": "B", "explanation": "…"}`.

C-Eval, CMMLU, MMLU and their like. Options stand under single letters, or under `choices` or `options`: a list of texts, an
object of letters, or a list of `{"label", "text"}` (ARC's lie in the question, and its words in `stem`). The sample asks
the question with one option a line (`A. …`) and answers with the letter; an explanation follows it on the next line. The
answer may be a letter, an index from 0, or the text of the option. Names are compared without their case. Read only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import Format, Record, kind_of, need_object, register, rest, turn
from tilth.sample import Sample

NAME = "choices"
ASKS = ("question", "problem", "stem", "题目", "问题", "题干")
OPTIONS = ("choices", "options", "选项")
ANSWERS = ("answer", "answerkey", "answer_idx", "label", "答案")
WHY = ("explanation", "解析")
LETTERS = "ABCDEFGHIJ"


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A question with its options, answered by a letter.

    Raises:
        FormatError: the question, the options or the answer is missing, or the answer is none of the options.
    """
    found = need_object(record, NAME)
    keys = {str(key).strip().lower(): key for key in found}
    asks, answers, why = (next((keys[k] for k in names if k in keys), None) for names in (ASKS, ANSWERS, WHY))
    listed = next((keys[key] for key in OPTIONS if key in keys), None)
    inner = found.get(asks or "")
    question = inner.get("stem") if isinstance(inner, dict) else inner
    if not isinstance(question, str) or asks is None:
        raise FormatError(f"not a {NAME} record: no text under {', '.join(ASKS)}.")
    apart = [keys[letter] for letter in LETTERS.lower() if letter in keys]
    options = _options(
        {key.strip().upper(): found[key] for key in apart} if apart else found.get(listed or "")
    )
    if isinstance(inner, dict):
        options = options or _options(inner.get("choices"))
    if len(options) < 2:
        raise FormatError(f"not a {NAME} record: no options under A, B, … or {', '.join(OPTIONS)}.")
    letter = next(
        (mark for key in ANSWERS if key in keys if (mark := _letter(found[keys[key]], options))), ""
    )
    if not letter:
        given = repr(found[answers]) if answers else "missing"
        raise FormatError(
            f"not a {NAME} record: the answer is {given}, expected one of {', '.join(options)}."
        )
    lines = "\n".join(f"{mark}. {text}" for mark, text in options.items())
    said = found[why] if why and isinstance(found[why], str) and found[why].strip() else ""
    used = (asks, *([] if apart else [listed or ""]), *apart, *([why] if said and why else []))
    meta = rest(
        found, (*used, *(keys[key] for key in ANSWERS if key in keys and _letter(found[keys[key]], options)))
    )
    messages = (
        turn("user", f"{question}\n{lines}"),
        turn("assistant", f"{letter}\n{said}" if said else letter),
    )
    return Sample(sample_id, place, messages, meta=meta)


def fits(record: Record) -> bool:
    """A question, options and which of them is right."""
    try:
        read(record, "", "")
    except FormatError:
        return False
    return True


def _options(value: Any) -> dict[str, str]:
    """The options by their letters; empty where they are none."""
    if isinstance(value, dict) and isinstance(value.get("text"), list):
        value = [
            {"label": mark, "text": text}
            for mark, text in zip(value.get("label", LETTERS), value["text"], strict=False)
        ]
    if isinstance(value, list):
        pairs = [_pair(item, index) for index, item in enumerate(value)]
    elif isinstance(value, dict):
        pairs = [(str(mark), text) for mark, text in value.items()]
    else:
        return {}
    texts = {mark: text if isinstance(text, str) else str(text) for mark, text in pairs if _is_said(text)}
    return texts if len(texts) == len([1 for _, text in pairs if text not in (None, "")]) else {}


def _pair(item: Any, index: int) -> tuple[str, Any]:
    if isinstance(item, Mapping):
        return str(item.get("label", LETTERS[index % len(LETTERS)])), item.get("text")
    return LETTERS[index % len(LETTERS)], item


def _is_said(text: Any) -> bool:
    return kind_of(text) in ("text", "a number") and text != ""


def _letter(answer: Any, options: Mapping[str, str]) -> str:
    """The letter of the right option; several right ones stay together (`ABD`)."""
    marks = list(options)
    if isinstance(answer, int) and not isinstance(answer, bool):
        return marks[answer] if 0 <= answer < len(marks) else ""
    if not isinstance(answer, str) or not answer.strip():
        return ""
    bare = answer.strip()
    if bare.upper() in marks or (len(set(bare)) == len(bare) and set(bare.upper()) <= set(marks)):
        return bare.upper()
    return next((mark for mark, text in options.items() if text.strip() == bare), "")


choices = register(
    Format(NAME, read, None, fits, rank=18, columns=("question", "choices", "answer", "explanation"))
)
