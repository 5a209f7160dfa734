"""`augment.rules`: asks a question in other words by rules alone, offline and by seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple

from tilth.operators import augment_gates as gates
from tilth.operators import lexicon, protect
from tilth.operators.augment_gates import Count, Share
from tilth.operators.augment_made import one_round, signals_of
from tilth.operators.base import edit, operator
from tilth.sample import Made, Sample

Kind = Literal["synonyms", "question_forms", "typos"]


class _Edit(NamedTuple):
    """One thing a rule can do: `text[start:end]` becomes `new`."""

    start: int
    end: int
    new: str
    kind: Kind


@operator("augment.rules", examples=("如果水结冰了，为什么鱼不会死？ → 要是水结冰了，怎么鱼不会死？",))
def rules(
    sample: Sample,
    *,
    n: Count = 1,
    kinds: tuple[Kind, ...] = ("synonyms", "question_forms"),
    max_edits: Count = 3,
    max_similarity: Share = 0.95,
    min_shared: Share = 0.4,
    seed: int = 42,
) -> Sample | list[Sample | Made]:
    """Ask a question in other words and keep its answer, by rules: synonyms, other forms of question, typing errors.

    Synonyms are connectives and function words only (`data/synonyms.txt`), so what a question is about, its numbers and
    its puns stay; forms of question are whole sentences (`data/question_forms.txt`). Code, formulas, addresses and
    quotations are never touched. A question no rule fits goes on alone. A wording nearly equal to the source or to an
    earlier one is dropped as `augmented_copy`, one too far from it as `augmented_drift`. Put `dedup.near` before this
    step: what is made is near its source on purpose, and stays in its family.

    Args:
        sample: the source; it goes on beside what is made of it. Only samples of one round are looked at.
        n: wordings to make.
        kinds: which rules. `typos` (common misspellings put in) teaches a model to read them, and is off by default.
        max_edits: changes in one wording.
        max_similarity: the Jaccard index of 3-grams from which on a wording is a copy.
        min_shared: the share of the source's hanzi and words that a wording must keep.
        seed: another seed makes other wordings.
    """
    question = sample.question
    if not one_round(sample) or not question.strip():
        return sample
    edits = list(_edits(question, kinds))
    made: list[Made] = []
    seen = [(sample.place, question)]
    tried: set[str] = {question}
    for k in range(n):
        chosen = _chosen(edits, max_edits, f"{seed}:{sample.id}:{k}")
        new = _apply(question, chosen)
        if new in tried:
            continue
        tried.add(new)
        drop = gates.copied(new, seen, max_similarity) or gates.drifted(new, question, min_shared)
        seen += [] if drop else [(f"#{k}", new)]
        changes = [[question[one.start : one.end], one.new, one.kind] for one in chosen]
        other = edit(sample, _always(new), "question")
        made.append(Made(other.messages, signals_of("rules", changes=changes), drop))
    return [sample, *made] if made else sample


def _always(new: str) -> Callable[[str], str]:
    return lambda _: new


def _edits(text: str, kinds: Sequence[Kind]) -> Iterator[_Edit]:
    """Everything the rules could do to a text, outside of what is protected."""
    if "question_forms" in kinds and not protect.spans(text, wording=True):
        for pattern, form in _forms():
            if match := pattern.fullmatch(text.strip()):
                yield _Edit(0, len(text), match.expand(form), "question_forms")
    spans = protect.spans(text, wording=True)
    for kind, table in (("synonyms", _synonyms), ("typos", _typos)):
        if kind in kinds:
            pattern, words = table()
            for match in pattern.finditer(text):
                if not any(span.start < match.end() and match.start() < span.end for span in spans):
                    for new in words[match[0].lower()]:
                        yield _Edit(*match.span(), _cased(match[0], new), kind)  # type: ignore[arg-type]  # the two literals above


def _cased(old: str, new: str) -> str:
    return new[0].upper() + new[1:] if old[0].isupper() else new


def _chosen(edits: Sequence[_Edit], most: int, luck: str) -> list[_Edit]:
    """Edits that do not touch each other, in an order of chance; a form of question stands alone."""
    order = sorted(edits, key=lambda one: blake2b(f"{luck}:{one}".encode(), digest_size=8).digest())
    chosen: list[_Edit] = []
    for one in order:
        if len(chosen) < most and all(one.end <= other.start or other.end <= one.start for other in chosen):
            chosen.append(one)
    return sorted(chosen)


def _apply(text: str, chosen: Sequence[_Edit]) -> str:
    for one in reversed(chosen):
        text = text[: one.start] + one.new + text[one.end :]
    return text


_Table = tuple[re.Pattern[str], dict[str, tuple[str, ...]]]


@lru_cache(maxsize=1)
def _synonyms() -> _Table:
    """Words and what may stand for each; phrases in which a word stays stand for nothing."""
    words: dict[str, tuple[str, ...]] = {}
    for line in lexicon.shipped("synonyms.txt"):
        word, _, others = line.partition("\t")
        words[word.removeprefix("=")] = tuple(other.replace("_", " ") for other in others.split())
    return _pattern(words), {word.removeprefix("^"): others for word, others in words.items()}


@lru_cache(maxsize=1)
def _typos() -> _Table:
    """The shipped misspellings, the wrong way round."""
    words: dict[str, tuple[str, ...]] = {}
    for name in ("misspellings_en.txt", "misspellings_zh.txt"):
        for line in lexicon.shipped(name):
            wrong, right, *_ = line.split("\t")
            if len(right) > 1:
                words[right] = (*words.get(right, ()), wrong)
    return _pattern(words), words


def _pattern(words: dict[str, tuple[str, ...]]) -> re.Pattern[str]:
    latin = [word for word in words if word.isascii()]
    hanzi = [word for word in words if not word.isascii() and word[0] != "^"]
    begin = [word[1:] for word in words if word[0] == "^"]
    opening = rf"(?:^|(?<=[，。！？；：,;!?\n])){lexicon.any_of(begin)}|" if begin else ""
    return re.compile(
        rf"{opening}{lexicon.any_of(hanzi)}|(?<![A-Za-z0-9_\-./@])(?i:{lexicon.any_of(latin)})(?![A-Za-z0-9_\-/@(]|\.[A-Za-z0-9])"
    )


@lru_cache(maxsize=1)
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    rows = [line.split("\t") for line in lexicon.shipped("question_forms.txt")]
    return tuple((re.compile(pattern, re.IGNORECASE), form) for pattern, form in rows)
