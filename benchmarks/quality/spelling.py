"""Chinese spelling errors: what the two steps find and mend, and how often they are wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from benchmarks.quality.cases import Pair, decide, numbered, sample
from benchmarks.quality.figures import Figure, Part, because, enough_for, reported, share

from tilth.operators.denoise import spelling
from tilth.operators.wrong_characters import WrongCharacters
from tilth.sample import Propose, Sample

Edit = tuple[int, int, str]
"""Start and end in the text before, and what stands there after."""

WHY = "the step estimates from the set how many offers are right; here the estimate is too high"
SETS = {"SIGHAN": "csc_sighan/train.tsv", "LEMON car": "csc_lemon/car.txt", "LEMON cot": "csc_lemon/cot.txt"}


def measure(data: Path, quick: bool = False) -> Part:
    """Every set; `quick` reads each fifth pair."""
    figures, wrong = [], []
    for name, file in SETS.items():
        pairs = list(_pairs(data / file))[:: 5 if quick else 1]
        found, mistaken = _measure(name, pairs)
        figures += found
        wrong += mistaken
    if not quick:
        figures.append(_clean(data))
    return Part("Spelling", figures, {"proposals that the sets call wrong": wrong})


def _pairs(path: Path) -> Iterator[Pair]:
    """The text as written and as it should be; LEMON writes a space after each character."""
    for line in path.read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition("\t")
        if after:
            spaced = len(before.split(" ")) > len(before) / 3
            yield (before.replace(" ", ""), after.replace(" ", "")) if spaced else (before, after)


def edits(before: str, after: str) -> set[Edit]:
    """The characters that differ; where the lengths do, the spans."""
    if len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return {(at, at + 1, new) for at, (old, new) in pairs if old != new}
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return {(i, j, after[k:m]) for tag, i, j, k, m in codes if tag != "equal"}


def proposed(text: str) -> str:
    """The text as the step proposes it."""
    outcome = spelling(sample(0, text))
    return outcome.proposals[0].after if isinstance(outcome, Propose) else text


def applied(text: str) -> str:
    """The text after `mode: apply`."""
    outcome = spelling(sample(0, text), mode="apply")
    assert isinstance(outcome, Sample)
    return outcome.question


def in_context(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """The texts as `denoise.wrong_characters` makes them in `mode: apply`, and with its offers too; they are one set."""
    samples = numbered([(text, "") for text in texts])
    said = decide(WrongCharacters(field="question", mode="apply"), samples)
    made, offered = list(texts), list(texts)
    for n, verdict in said.items():
        assert isinstance(verdict, Propose)
        made[n] = (verdict.sample or samples[n]).question
        offered[n] = verdict.proposals[0].after if verdict.proposals else made[n]
    return made, offered


def _touched(found: set[Edit]) -> set[int]:
    return {at for start, end, _ in found for at in range(start, max(end, start + 1))}


def _measure(name: str, pairs: Sequence[Pair]) -> tuple[list[Figure], list[str]]:
    before, after = [b for b, _ in pairs], [a for _, a in pairs]
    listed = [applied(text) for text in before], [proposed(text) for text in before]
    known = _step(f"{name}, `spelling`", pairs, listed, [proposed(text) for text in after])
    found = _step(f"{name}, `wrong_characters`", pairs, in_context(before), in_context(after)[1])
    return [*known[0], *found[0]], [*known[1], *found[1]]


def _step(
    name: str, pairs: Sequence[Pair], texts: tuple[list[str], list[str]], clean: Sequence[str]
) -> tuple[list[Figure], list[str]]:
    """The figures of a step: `texts` are what it makes by itself, and what it offers."""
    made, offered = texts
    right, changed, _ = _judged(name, pairs, made)
    figures, wrong = _figures(name, pairs, offered, clean)
    faulty = sum(b != a for b, a in pairs)
    applies = enough_for(0.95, f"{name}: precision of `mode: apply`", right, changed, faulty)
    return [*figures, because(applies, WHY)], wrong


def _clean(data: Path) -> Figure:
    """How often the step speaks of texts that nobody planted errors in."""
    records = [
        json.loads(line)
        for file in sorted((data / "cqia").glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    texts = [record["output"] for record in records]
    made, offered = in_context(texts)
    differ = sum(a != b for a, b in zip(texts, offered, strict=True))
    alone = sum(a != b for a, b in zip(texts, made, strict=True))
    note = (
        f"{alone} of them are changed by `mode: apply`; see `docs/benchmarks/real.md` for how many are right"
    )
    return reported("COIG-CQIA answers, `wrong_characters`: texts with an offer", differ, len(texts), note)


def _judged(name: str, pairs: Sequence[Pair], texts: Sequence[str]) -> tuple[int, int, list[str]]:
    """Of the texts, how many are right wherever they differ, how many differ, and what is wrong."""
    offers = right = 0
    wrong = []
    for (before, after), text in zip(pairs, texts, strict=True):
        ours, gold = edits(before, text), edits(before, after)
        offers += bool(ours)
        right += bool(ours) and ours <= gold
        if not ours <= gold:
            wrong.append(f"{name}: {_shown(before, ours - gold)}")
    return right, offers, wrong


def _figures(
    name: str, pairs: Sequence[Pair], texts: Sequence[str], clean: Sequence[str]
) -> tuple[list[Figure], list[str]]:
    """What a step proposes for the faulty side, and for the clean side when that is the set."""
    right, offers, wrong = _judged(name, pairs, texts)
    ours = [edits(before, text) for (before, _), text in zip(pairs, texts, strict=True)]
    gold = [edits(before, after) for before, after in pairs]
    sizes = sum(map(len, ours)), sum(map(len, gold))
    detected = sum(len(_touched(a) & _touched(b)) for a, b in zip(ours, gold, strict=True))
    corrected = sum(len(a & b) for a, b in zip(ours, gold, strict=True))
    alarms = sum(text != after for (_, after), text in zip(pairs, clean, strict=True))
    faulty = sum(map(bool, gold))
    return [
        because(enough_for(0.8, f"{name}: precision of proposals", right, offers, faulty), WHY),
        _f1(f"{name}: detection, by character", detected, *sizes),
        _f1(f"{name}: correction, by character", corrected, *sizes),
        reported(f"{name}: false alarms on clean sentences (the corrected side)", alarms, len(pairs)),
    ], wrong


def _f1(what: str, hit: int, ours: int, gold: int) -> Figure:
    f1 = 2 * hit / (ours + gold) if ours + gold else 0.0
    got = f"precision {share(hit, ours)}, recall {share(hit, gold)}, F1 {f1:.4f}"
    return Figure(what, got)


def _shown(before: str, found: set[Edit]) -> str:
    return "; ".join(
        f"…{before[max(0, i - 6) : i]}[{before[i:j]}→{new}]{before[j : j + 6]}…"
        for i, j, new in sorted(found)
    )
