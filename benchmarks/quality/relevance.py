"""Relevance and coverage on mixed sets: is what is on the topic told from what is not, and what is there too much of?"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.quality.cases import CQIA, Pair, better, cqia, decide, numbered
from benchmarks.quality.figures import Figure, Part, area_under_curve, because, reported

from tilth.engine import run
from tilth.operators.relevance import Relevance
from tilth.operators.topics import topics
from tilth.sample import Measured, Verdict

SEPARATES = 0.8
WHY = "wording is compared, not meaning: questions that do not use the person's words rank low without `feedback`"
EXAMPLES = 20
FEEDBACK = 20
"""Samples whose wording is taken over: what the literature takes, not tried out."""
TOPICS: dict[str, dict[str, Any]] = {
    "segmentfault": {
        "description": "编程和软件开发的问题：前端、后端、数据库、函数、接口、代码报错怎么解决",
        "keywords": ("代码", "函数", "前端", "后端", "数据库", "接口", "报错", "组件"),
    },
    "chengyu": {
        "description": "解释成语的意思和它的故事",
        "keywords": ("成语", "典故"),
    },
    "xhs": {
        "description": "社交平台上的生活分享：好物、穿搭、护肤、美食和旅行",
        "keywords": ("好物", "穿搭", "护肤", "美食", "旅行"),
    },
}
"""What a person would say who wants such rows; written from what the sites are about, not from their rows."""
_DROPPED = 0.9
_RECIPE = """
name: coverage
data:
  from: rows.jsonl
  format: tilth
  steps:
    - filter.length: {field: answer, min_chars: 2}
  to: tilth
"""


def measure(data: Path, quick: bool = False) -> Part:
    """Each topic against all others; `quick` takes each third row."""
    mixed = {name: cqia(data, name)[:: 3 if quick else 1] for name in CQIA}
    mixed["ruozhiba"] = better(data)[:: 6 if quick else 2]
    figures = [figure for topic in TOPICS for figure in _relevance(topic, mixed)]
    return Part("Relevance and coverage", [*figures, *_coverage(mixed), _purity(mixed)])


def _relevance(topic: str, mixed: dict[str, list[Pair]]) -> list[Figure]:
    """The area under the curve by description, by keywords and by example questions left out of the set.

    Description and keywords are tried as they are and with `feedback`, which has the target.
    """
    rng = random.Random(42)
    shown = set(rng.sample(range(len(mixed[topic])), EXAMPLES))
    rows = [
        (name, pair)
        for name, pairs in mixed.items()
        for n, pair in enumerate(pairs)
        if name != topic or n not in shown
    ]
    samples = numbered([pair for _, pair in rows])
    targets: dict[str, dict[str, Any]] = {
        **{name: {name: value} for name, value in TOPICS[topic].items()},
        "examples": {"examples": tuple(mixed[topic][n][0] for n in sorted(shown))},
    }
    figures = []
    for name, settings in targets.items():
        what = f"{topic} told from {len(rows):,} mixed rows by {name}"
        area = _area(decide(Relevance(**settings), samples), rows, topic)
        if name == "examples":
            figures.append(Figure(what, f"AUC {area:.4f}", f"≥ {SEPARATES:g}", area >= SEPARATES))
            continue
        figures.append(Figure(what, f"AUC {area:.4f}"))
        area = _area(decide(Relevance(**settings, feedback=FEEDBACK), samples), rows, topic)
        more = Figure(
            f"{what}, `feedback: {FEEDBACK}`", f"AUC {area:.4f}", f"≥ {SEPARATES:g}", area >= SEPARATES
        )
        figures.append(because(more, WHY))
    return figures


def _area(verdicts: dict[int, Verdict], rows: list[tuple[str, Pair]], topic: str) -> float:
    scores: dict[bool, list[float]] = {True: [], False: []}
    for n, (source, _) in enumerate(rows):
        verdict = verdicts[n]
        assert isinstance(verdict, Measured)
        scores[source == topic].append(verdict.signals["relevance"])
    return area_under_curve(scores[True], scores[False])


def _coverage(mixed: dict[str, list[Pair]]) -> list[Figure]:
    """A run that loses nine in ten rows of one source: the table must count it before and after."""
    thinned = "zhihu"
    rows: list[dict[str, Any]] = []
    for name, pairs in mixed.items():
        for n, (question, answer) in enumerate(pairs):
            gone = name == thinned and n % 10 < _DROPPED * 10
            messages = [
                {"role": "user", "content": question},
                {"role": "assistant", "content": "" if gone else answer},
            ]
            rows.append({"messages": messages, "meta": {"domain": name}})
    with TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "rows.jsonl").write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
        )
        (path / "recipe.yaml").write_text(_RECIPE, encoding="utf-8")
        run(path / "recipe.yaml", path / "run", workers=1)
        table = json.loads((path / "run" / "report" / "data.json").read_text("utf-8"))["coverage"]
    before = Counter(row["meta"]["domain"] for row in rows)
    after = Counter(row["meta"]["domain"] for row in rows if len(row["messages"][1]["content"].strip()) >= 2)
    expected = {name: (before[name], after[name]) for name in before}
    got = {row["topic"]: (row["before"], row["after"]) for row in table}
    least = min(table, key=lambda row: row["after"] / row["before"] if row["before"] else 1.0)
    counted = sum(got.get(name) == counts for name, counts in expected.items())
    return [
        Figure("coverage rows counted right", f"{counted}/{len(expected)}", "all", got == expected),
        Figure(
            "topic that the table's counts show as lost, one source thinned to a tenth",
            f"{least['topic']} ({least['before']} → {least['after']})",
            thinned,
            least["topic"] == thinned,
        ),
    ]


def _purity(mixed: dict[str, list[Pair]]) -> Figure:
    """Topics found without being told the source: the share of rows in topics where their own source leads."""
    rows = [(name, pair) for name, pairs in mixed.items() for pair in pairs]
    samples = numbered([pair for _, pair in rows])
    found: dict[str, Counter[str]] = {}
    for topic, (name, _) in zip(topics(lambda: samples), rows, strict=True):
        found.setdefault(topic, Counter())[name] += 1
    leading = sum(max(counts.values()) for counts in found.values())
    chance = max(len(pairs) for pairs in mixed.values())
    note = f"{len(found)} topics; one topic for all would have {chance / len(rows):.2f}"
    return reported("rows in a found topic that their own source leads", leading, len(rows), note)
