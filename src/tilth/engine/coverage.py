"""What the samples are about, before and after, and which topics there are too many or too few of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tilth.engine.output import Written
from tilth.engine.stage import StageState
from tilth.operators.topics import topics
from tilth.sample import Sample
from tilth.store.files import read_jsonl
from tilth.store.folder import RunFolder

_FAR = 2.0
"""A topic with this many times its even share is over-represented, one with less than the inverse under-represented."""


def coverage_table(folder: RunFolder, state: StageState, written: Written) -> list[dict[str, Any]]:
    """`[{topic, before, after}]`: what the samples that could be read are about, and those of them that are kept."""

    def samples() -> Iterator[Sample]:
        for mark in state.marks:
            yield from state.layer(mark.index).kept()
        for door in ("dropped", "held"):
            for line in read_jsonl(folder.door(door)):
                yield msgspec.convert(line["sample"], Sample)

    named = written.named()
    if named is None:
        found, kept = topics(samples), written.tally.taken
        before, after = Counter(found), Counter(found[:kept])
    else:
        before, after = sum(named.values(), Counter[str]()), named["kept"]
    rows = sorted((topic for topic in before if topic), key=lambda topic: (-before[topic], topic))
    return [{"topic": topic, "before": before[topic], "after": after[topic]} for topic in rows]


def represented(coverage: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Names the topics that what is kept has too many of, too few of, and that the steps took most from.

    `over` and `under` compare with an even share of all topics, `lost` with the share of all samples that is kept; each
    row is `{topic, before, after, times}`, the farthest first. Two topics or fewer are never judged by their share.
    """
    kept, taken = (sum(row[key] for row in coverage) for key in ("after", "before"))
    found: dict[str, list[dict[str, Any]]] = {"over": [], "under": [], "lost": []}
    for row in coverage:
        times = row["after"] * len(coverage) / kept if kept else 0.0
        stays = row["after"] / row["before"] * taken / kept if kept and row["before"] else 1.0
        if len(coverage) > 2 and times >= _FAR:
            found["over"].append({**row, "times": round(times, 2)})
        if len(coverage) > 2 and kept and times <= 1 / _FAR:
            found["under"].append({**row, "times": round(times, 2)})
        if stays <= 1 / _FAR:
            found["lost"].append({**row, "times": round(stays, 2)})
    return {
        name: sorted(rows, key=lambda row: row["times"], reverse=name == "over")
        for name, rows in found.items()
    }
