"""Harmful-term lists on labelled comments: what a list of words can and cannot tell."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.quality.cases import sample
from benchmarks.quality.figures import Figure, Part, area_under_curve, share

from tilth.operators.measure import toxicity_terms
from tilth.sample import Sample

NOTE = (
    "half of the comments are offensive, so chance has precision 0.50 and AUC 0.50; a list sees words, not meaning: "
    "use it to pick samples for a judge or a person"
)


def measure(data: Path, quick: bool = False) -> Part:
    """Each shipped list and all of them together on COLD dev; `quick` reads each fifth comment."""
    with (data / "safety_cold" / "dev.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = [(row["TEXT"], row["label"] == "1") for row in csv.DictReader(handle)][:: 5 if quick else 1]
    lists = sorted((data / "safety_lexicon").glob("*库.txt")) + sorted(
        (data / "safety_lexicon").glob("*类型.txt")
    )
    with TemporaryDirectory() as folder:
        union = Path(folder) / "all.txt"
        union.write_text("\n".join(path.read_text("utf-8-sig") for path in lists), encoding="utf-8")
        figures = [_figure(path.stem, path, rows) for path in lists]
        figures.append(_figure("all lists", union, rows)._replace(note=NOTE))
    return Part("Harmful terms", figures)


def _figure(name: str, terms: Path, rows: Sequence[tuple[str, bool]]) -> Figure:
    counts = [(_count(text, terms), bad) for text, bad in rows]
    hits = sum(count > 0 for count, _ in counts)
    both = sum(count > 0 and bad for count, bad in counts)
    bad = sum(label for _, label in counts)
    area = area_under_curve([c for c, label in counts if label], [c for c, label in counts if not label])
    got = f"precision {share(both, hits)}, recall {share(both, bad)}, AUC of the count {area:.4f}"
    return Figure(f"{name}: offensive comments with a term", got)


def _count(text: str, terms: Path) -> int:
    outcome = toxicity_terms(sample(0, text), terms=str(terms), field="question")
    assert isinstance(outcome, Sample)
    return int(outcome.signals["toxicity_terms"])
