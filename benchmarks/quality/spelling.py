"""Chinese spelling errors: what `denoise.spelling` finds and mends, and how often it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from benchmarks.quality.cases import Pair, sample
from benchmarks.quality.figures import Figure, Part, enough_for, reported, share

from tilth.operators.denoise import spelling
from tilth.sample import Propose, Sample

Edit = tuple[int, int, str]
"""Start and end in the text before, and what stands there after."""

SETS = {"SIGHAN": "csc_sighan/train.tsv", "LEMON car": "csc_lemon/car.txt", "LEMON cot": "csc_lemon/cot.txt"}


def measure(data: Path, quick: bool = False) -> Part:
    """Every set; `quick` reads each fifth pair."""
    figures, wrong = [], []
    for name, file in SETS.items():
        pairs = list(_pairs(data / file))[:: 5 if quick else 1]
        found, mistaken = _measure(name, pairs)
        figures += found
        wrong += mistaken
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


def _touched(found: set[Edit]) -> set[int]:
    return {at for start, end, _ in found for at in range(start, max(end, start + 1))}


def _measure(name: str, pairs: Sequence[Pair]) -> tuple[list[Figure], list[str]]:
    wrong: list[str] = []
    ours_size = gold_size = detected = corrected = kept = 0
    faulty = sum(before != after for before, after in pairs)
    offers, right = {"proposals": 0, "`mode: apply`": 0}, {"proposals": 0, "`mode: apply`": 0}
    for before, after in pairs:
        gold = edits(before, after)
        gold_size += len(gold)
        for kind, step in (("proposals", proposed), ("`mode: apply`", applied)):
            ours = edits(before, step(before))
            offers[kind] += bool(ours)
            right[kind] += bool(ours) and ours <= gold
            if kind == "proposals":
                ours_size += len(ours)
                detected += len(_touched(ours) & _touched(gold))
                corrected += len(ours & gold)
                if not ours <= gold:
                    wrong.append(f"{name}: {_shown(before, ours - gold)}")
                    kept += proposed(after) != after
    clean = [after for _, after in pairs]
    alarms = sum(proposed(text) != text for text in clean)
    return [
        *(
            enough_for(target, f"{name}: precision of {kind}", right[kind], offers[kind], faulty)
            for kind, target in (("proposals", 0.8), ("`mode: apply`", 0.95))
        ),
        _f1(f"{name}: detection, by character", detected, ours_size, gold_size),
        _f1(f"{name}: correction, by character", corrected, ours_size, gold_size),
        reported(f"{name}: false alarms on clean sentences (the corrected side)", alarms, len(clean)),
        reported(
            f"{name}: wrong proposals whose form the set's own correction keeps",
            kept,
            offers["proposals"] - right["proposals"],
            "errors that the set does not mark, as far as the list is right",
        ),
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
