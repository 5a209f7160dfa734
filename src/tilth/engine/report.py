"""What a person reads after a run: `report/data.html`, and `data/card.md`, from the run's own files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth import __version__
from tilth.engine.asked import read_kept_questions
from tilth.engine.calibration import calibration, judged
from tilth.engine.coverage import coverage_table, represented
from tilth.engine.diversity import diversity
from tilth.engine.leaks import Leaks
from tilth.engine.output import Written
from tilth.engine.stage import StageState
from tilth.engine.tally import Tally
from tilth.engine.writing import DOORS
from tilth.pages import render
from tilth.recipe.plan import Plan
from tilth.store.decisions import standing
from tilth.store.files import write_json, write_text
from tilth.store.folder import RunFolder

BINS = 24


def write_report(
    plan: Plan,
    folder: RunFolder,
    result: Mapping[str, Any],
    tallies: Sequence[Tally],
    leaks: Leaks,
    written: Written,
    state: StageState,
    inputs: Sequence[Mapping[str, Any]],
) -> None:
    """Write the report, the facts behind it (`report/data.json`) and the dataset card."""
    coverage = coverage_table(folder, state, written)
    kept = read_kept_questions(written.questions) if written.made else ()
    facts = {
        "leaks": leaks.rows,
        "splits": result["splits"],
        "moved": result["moved"],
        "coverage": coverage,
        "diversity": diversity([(place, question) for _, place, question in kept]),
        "calibration": calibration(judged(folder, state), standing(folder.decisions)),
    }
    write_json(folder.report / "data.json", facts)
    asked = written.splits.get("test", 0)
    if plan.recipe.compare and isinstance(plan.recipe.compare.questions, list):
        asked += len(plan.recipe.compare.questions)
    context = {
        **facts,
        "represented": represented(coverage),
        "name": plan.name,
        "status": result["status"],
        "reason": result.get("reason", ""),
        "counts": result["counts"],
        "models": result.get("models", {}),
        "steps": [tally.as_dict() for tally in tallies],
        "leaks": [{**leak, "text": leaks.texts[leak["place"]]} for leak in leaks.rows],
        "asked": asked,
        "gone": gone_groups(written),
        "changes": [t for t in tallies if t.changed and t.examples],
        "proposals": proposal_groups(written),
        "suffix": plan.target.container,
        "lengths": {
            part: histogram(np.concatenate([chars[:, at] for chars in written.chars]))
            for at, part in enumerate(("question", "answer"))
        },
        "inputs": inputs,
        "version": __version__,
    }
    write_text(folder.report / "data.html", render("data.html", **context))
    write_text(folder.card, card(plan, result, tallies, inputs, leak_line(len(leaks.rows), asked)))


def gone_groups(written: Written) -> list[dict[str, Any]]:
    """Samples that left, grouped by door, step and reason, with the first examples of each, the largest groups first."""
    groups = [
        {
            "door": door,
            "step": step,
            "reason": reason,
            "count": group.count,
            "examples": list(map(_example, group.examples)),
        }
        for (door, step, reason), group in sorted(written.gone.items(), key=lambda g: DOORS.index(g[0][0]))
    ]
    return sorted(groups, key=lambda g: -g["count"])


def _example(line: Mapping[str, Any]) -> dict[str, str]:
    sample = line.get("sample")
    if sample is None:
        return {
            "place": line["place"],
            "evidence": "",
            "question": "",
            "text": shorten(line.get("raw", "(bytes)")),
        }
    said = {
        role: "\n".join(m["content"] for m in sample["messages"] if m["role"] == role)
        for role in ("user", "assistant")
    }
    return {
        "place": line["place"],
        "evidence": plain_evidence(line.get("evidence", {})),
        "question": shorten(said["user"]),
        "text": shorten(said["assistant"]),
    }


def plain_evidence(evidence: Mapping[str, Any]) -> str:
    """Evidence in one line: `same_as: raw.jsonl:3, similarity: 0.93`."""
    return ", ".join(f"{key}: {value}" for key, value in evidence.items())


def shorten(text: str, limit: int = 160) -> str:
    """The beginning of a text."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def proposal_groups(written: Written) -> list[dict[str, Any]]:
    """Proposals grouped by step, with the first examples of each."""
    return [
        {
            "step": step,
            "count": group.count,
            "examples": [{**e, "evidence": plain_evidence(e["evidence"])} for e in group.examples],
        }
        for step, group in written.proposed.items()
    ]


def histogram(values: npt.ArrayLike) -> dict[str, Any]:
    """Counts in equal bins from the smallest to the 99th percentile; the last bin holds the rest."""
    ordered = np.sort(np.asarray(values, dtype=np.int64))
    if not ordered.size:
        return {"bins": [], "low": 0, "high": 0, "median": 0}
    low, high = int(ordered[0]), int(ordered[min(ordered.size - 1, int(ordered.size * 0.99))])
    width = max((high - low + 1) / BINS, 1)
    bins = min(BINS, high - low + 1)
    found = np.minimum(((ordered - low) / width).astype(np.int64), bins - 1)
    return {
        "bins": np.bincount(found, minlength=bins).tolist(),
        "low": low,
        "high": int(ordered[-1]),
        "median": int(ordered[ordered.size // 2]),
    }


def leak_line(leaks: int, asked: int) -> str:
    """What the card says of the questions that will be asked."""
    if not asked:
        return "There is no test side: nothing can be said about how a model trained on this does on unseen questions."
    if leaks:
        return (
            f"{leaks} of {asked} questions that will be asked stand nearly word for word in what is learned."
        )
    return f"None of the {asked} questions that will be asked stands nearly word for word in what is learned."


def card(
    plan: Plan,
    result: Mapping[str, Any],
    tallies: Iterable[Tally],
    inputs: Iterable[Mapping[str, Any]],
    leaks: str,
) -> str:
    """The dataset card. It holds no time stamp: the same input gives the same bytes."""
    counts = result["counts"]
    lines = [
        f"# {plan.name}",
        "",
        "Fine-tuning data prepared with Tilth. `recipe.lock.yaml` rebuilds it.",
        "",
        "## Counts",
        "",
    ]
    lines += ["| door | samples |", "|---|---:|"]
    lines += [
        f"| {door} | {counts[door]} |" for door in ("taken", "made", "kept", "dropped", "quarantined", "held")
    ]
    lines += [
        "",
        "| side | samples |",
        "|---|---:|",
        *(f"| {side} | {n} |" for side, n in result["splits"].items()),
    ]
    lines += ["", "## Sources", "", "| file | bytes | blake2b |", "|---|---:|---|"]
    lines += [f"| {f['name']} | {f['bytes']} | {f['digest']} |" for f in inputs]
    lines += [
        "",
        "The licence of the data is that of its sources. What they say of it is kept in each sample's metadata.",
        "",
    ]
    lines += [
        "## Steps",
        "",
        "| step | changed | proposed | dropped | quarantined | held |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {t.name} | {t.changed} | {t.proposed} | {t.dropped} | {t.quarantined} | {t.held} |"
        for t in tallies
    ]
    lines += ["", "## Known limits", ""]
    lines.append(f"- {leaks}")
    proposed = sum(t.proposed for t in tallies)
    if proposed:
        lines.append(f"- {proposed} proposed corrections wait for a person; the samples stand as they came.")
    return "\n".join(lines) + "\n"
