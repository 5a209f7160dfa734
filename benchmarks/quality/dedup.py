"""Near-duplicates: planted ones found, real questions and hard negatives kept."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.quality.cases import (
    Pair,
    better,
    decide,
    instructions,
    key,
    near_copy,
    numbered,
    sample,
    sentence_pairs,
    similarity,
)
from benchmarks.quality.figures import Figure, Part, at_least, at_most, because, reported

from tilth.operators.base import Field
from tilth.operators.clean import squeeze_whitespace, strip_invisible, strip_list_number, strip_markers
from tilth.operators.list_numbers import ListNumber
from tilth.operators.near import EXACT_SAMPLES, Near
from tilth.operators.normalize import punctuation, width
from tilth.sample import Sample

ONS: tuple[Field, ...] = ("both", "question")
THRESHOLD = 0.7
EASY = 0.68
_LIST_NUMBER = re.compile(r"^\s*\d+\s*[、.．，,:： ]*")


def measure(data: Path, quick: bool = False) -> Part:
    """All points of near-duplicates; `quick` plants and asks for a fifth."""
    found = [figure for size in (0, EXACT_SAMPLES) for figure in _planted(data, size, quick)]
    numbers, missed = _forum(data)
    figures = [*found, *_tutorial(data), *_hard_negatives(data, quick), *numbers, *_shared(data)]
    return Part("Near-duplicates", figures, {"numbered posts that were not matched": missed})


def _planted(data: Path, fillers: int, quick: bool) -> list[Figure]:
    """Copies of question and answer that are each at least 0.7 like their original, among other real texts."""
    rng = random.Random(20260923)
    pairs = [pair for pair in better(data) if min(len(key(text)) for text in pair) >= 8][:: 5 if quick else 1]
    alphabet = "".join(question for question, _ in pairs)
    copies = [(_copy(question, alphabet, rng), _copy(answer, alphabet, rng)) for question, answer in pairs]
    alike = [min(map(similarity, pair, copy)) for pair, copy in zip(pairs, copies, strict=True)]
    planted = [n for n, value in enumerate(alike) if value >= THRESHOLD]
    rows = [*pairs, *copies, *(_fillers(data, fillers, rng) if fillers else ())]
    gone = {n: str(drop.evidence["same_as"]) for n, drop in decide(Near(), numbered(rows)).items()}  # type: ignore[union-attr]  # Near only drops
    hit = sum(n in gone or n + len(pairs) in gone for n in planted)
    unlike = sum(min(map(similarity, rows[n], rows[_number(kept)])) < THRESHOLD for n, kept in gone.items())
    close = sum(alike[n] < 0.8 for n in planted)
    where = f"{len(rows):,} rows, {'above' if len(rows) > EXACT_SAMPLES else 'below'} the switch"
    return [
        at_least(
            0.99, f"planted near-copies found, {where}", hit, len(planted), f"{close} of them lie below 0.8"
        ),
        at_most(0, f"rows removed for one that is not that similar, {where}", unlike, len(gone)),
    ]


def _number(place: str) -> int:
    return int(place.rpartition(":")[2]) - 1


def _copy(text: str, alphabet: str, rng: random.Random) -> str:
    return near_copy(text, alphabet, THRESHOLD, rng)


def _fillers(data: Path, count: int, rng: random.Random) -> list[Pair]:
    """Real sentences as questions, each with two others as its answer."""
    pool = [
        text
        for name in ("lcqmc", "paws", "bustm")
        for a, b, _ in sentence_pairs(data, name)
        for text in (a, b)
    ]
    return [(rng.choice(pool), f"{rng.choice(pool)}\n{rng.choice(pool)}") for _ in range(count)]


def _tutorial(data: Path) -> list[Figure]:
    samples = numbered(instructions(data / "tutorial_camp2" / "ruozhiba_raw.jsonl"))
    return [
        at_most(0, f"tutorial questions removed, `on: {on}`", len(decide(Near(on=on), samples)), len(samples))
        for on in ONS
    ]


def _hard_negatives(data: Path, quick: bool) -> list[Figure]:
    """Pairs of much the same words and another meaning, each side with an answer of its own."""
    pairs = [
        (a, b)
        for name in ("lcqmc", "paws")
        for a, b, label in sentence_pairs(data, name)
        if label == "0" and similarity(a, b) > 0.5
    ]
    pairs = pairs[:: 5 if quick else 1]
    rng = random.Random(42)
    answers = list(dict.fromkeys(answer for _, answer in better(data)))
    removed = dict.fromkeys(ONS, 0)
    easy = easily = 0
    for a, b in pairs:
        one, other = rng.sample(answers, 2)
        samples = [sample(0, a, one), sample(1, b, other)]
        gone = {on: bool(decide(Near(on=on), samples)) for on in removed}
        removed = {on: count + gone[on] for on, count in removed.items()}
        if similarity(a, b) < EASY:
            easy += 1
            easily += gone["question"]
    return [
        at_most(0.005, "hard negatives removed, `on: both`", removed["both"], len(pairs)),
        at_most(0.005, f"hard negatives below {EASY} removed, `on: question`", easily, easy),
        reported(
            "all hard negatives removed, `on: question`",
            removed["question"],
            len(pairs),
            "these differ in a word or in word order only and lie at 0.7 or above: no rule on characters keeps them, "
            "which is why `on: both` is the default",
        ),
    ]


def _normalized(samples: list[Sample]) -> list[Sample]:
    """The samples after the steps a recipe for forum posts has, `measure.list_number` among them."""
    for step in (strip_invisible, squeeze_whitespace, strip_markers, width, punctuation):
        samples = [step(each) for each in samples]
    measured = decide(ListNumber(), samples)
    samples = [
        each.replace(signals=dict(measured[n].signals)) if n in measured else each  # type: ignore[union-attr]  # it only measures
        for n, each in enumerate(samples)
    ]
    return [strip_list_number(each) for each in samples]


def _forum(data: Path) -> tuple[list[Figure], list[str]]:
    """Annual posts that are, without the number before them, a title or a title with its text."""
    folder = data / "ruozhiba_tieba"
    titles = json.loads((folder / "ruozhiba-title-good.json").read_text("utf-8"))
    texts = [text for row in titles for text in (row["title"], row["title"] + (row["abs"] or ""))]
    known = {key(text) for text in texts}
    posts = [row["content"] for row in json.loads((folder / "ruozhiba-post-annual.json").read_text("utf-8"))]
    same = [post for post in dict.fromkeys(posts) if key(_LIST_NUMBER.sub("", post)) in known]
    exact = sum(key(post) in known for post in same)
    raw, _ = _matched(texts, same)
    clean, missed = _matched(texts, same, normalize=True)
    after = at_least(0.99, "numbered posts matched after normalizing, `on: question`", clean, len(same))
    why = "what is left is as short as a word, and no two of its grams are the same"
    return [
        reported("numbered posts that equal a title as they stand", exact, len(same)),
        reported("numbered posts matched as they stand, `on: question`", raw, len(same)),
        because(after, why),
    ], missed


def _matched(titles: Sequence[str], posts: Sequence[str], normalize: bool = False) -> tuple[int, list[str]]:
    """How many posts are dropped for a title, or a title for them, and those for which neither is."""
    samples = numbered([(text, "") for text in [*dict.fromkeys(titles), *posts]])
    samples = _normalized(samples) if normalize else samples
    missed = []
    gone = decide(Near(on="question"), samples)
    first = len(samples) - len(posts)
    keepers = {verdict.evidence["same_as"] for verdict in gone.values()}  # type: ignore[union-attr]  # Near only drops
    for n in range(first, len(samples)):
        if n not in gone and samples[n].place not in keepers:
            missed.append(samples[n].question)
    return len(posts) - len(missed), missed


def _shared(data: Path) -> list[Figure]:
    """One answer given to ten different questions, and ten different answers given to one question."""
    pairs = better(data)[:500]
    once = [(question, pairs[n // 10 * 10][1]) for n, (question, _) in enumerate(pairs)]
    often = [(pairs[n // 10 * 10][0], answer) for n, (_, answer) in enumerate(pairs)]
    plain = len(decide(Near(), numbered(pairs)))
    note = f"{plain} of the same rows are removed when each question has its own answer"
    return [
        at_most(0.005, what, len(decide(Near(), numbered(rows))), len(rows), note)
        for what, rows in (
            ("questions removed that share an answer", once),
            ("answers removed that share a question", often),
        )
    ]
