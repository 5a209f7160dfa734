"""What can be counted in one answer without asking anybody: how near it is to the reference, repetition, refusal."""

from __future__ import annotations

import re
from collections import Counter

REPEATS_FROM = 0.5
"""From this share of repeated 4-grams on an answer is said to repeat itself; ordinary prose stays under 0.2."""

_REFUSAL = re.compile(
    r"^\W*(?:(?:很|非常|十分)?(?:抱歉|对不起|不好意思)[^。！？\n]{0,30}(?:无法|不能|没有办法|没法|不便)"
    r"|作为(?:一个|一名)?(?:人工智能|AI|语言模型|大模型)[^。！？\n]{0,30}(?:无法|不能|没有办法|不便)"
    r"|我(?:无法|不能)(?:回答|提供|协助|帮助|满足|完成)"
    r"|(?:I'?m|I am) sorry,? (?:but )?(?:I|as)\b|I (?:can't|cannot|am unable to) (?:answer|assist|help|provide)"
    r"|As an? (?:AI|language model)\b[^.!?\n]{0,60}\b(?:can't|cannot|unable))",
    re.IGNORECASE,
)


def char_f(answer: str, reference: str, order: int = 6, beta: float = 2.0) -> float:
    """Character n-gram F-score between 0 and 1: how much of the reference's wording is in the answer.

    chrF (Popović 2015, W15-3049) over n-grams of 1 to `order` characters without white space, recall counting `beta`
    times as much as precision. N-gram orders that one of the texts is too short for are left out. A reference is one
    good answer of many, so this is never the headline.
    """
    first, second = "".join(answer.split()), "".join(reference.split())
    precisions, recalls = [], []
    for n in range(1, min(order, len(first), len(second)) + 1):
        ours, theirs = _ngrams(first, n), _ngrams(second, n)
        shared = (ours & theirs).total()
        precisions.append(shared / ours.total())
        recalls.append(shared / theirs.total())
    if not sum(precisions):
        return float(first == second)
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def _ngrams(text: str, n: int) -> Counter[str]:
    return Counter(text[i : i + n] for i in range(len(text) - n + 1))


def repetition(answer: str) -> float:
    """The share of 4-character sequences that stood earlier in the answer; 0 under 20 characters."""
    text = "".join(answer.split())
    if len(text) < 20:
        return 0.0
    grams = _ngrams(text, 4)
    return 1 - len(grams) / grams.total()


def repeats(answer: str) -> bool:
    """Whether the answer goes round in circles."""
    return repetition(answer) >= REPEATS_FROM


def refuses(answer: str) -> bool:
    """Whether the answer opens with a refusal, in Chinese or English."""
    return _REFUSAL.match(answer) is not None


def is_empty(answer: str) -> bool:
    """Whether the answer says nothing: no letter, digit or hanzi."""
    return not any(character.isalnum() for character in answer)
