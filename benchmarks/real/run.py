"""Runs every real set whole, checks that the doors add up, and writes pages with changes for a human look.

The pages hold texts of the sets, which are not ours: they are written where `--out` says and never into the project.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from html import escape
from pathlib import Path
from typing import Any

import yaml
from benchmarks.real.look import LOOK
from benchmarks.real.sets import SETS, RealSet
from benchmarks.today import today

from tilth import __version__
from tilth.engine import run
from tilth.engine.reading import read_source, sample_of
from tilth.errors import TilthError
from tilth.operators.base import OPERATORS
from tilth.sample import Drop, Propose
from tilth.sources.base import Spec
from tilth.store.files import read_json, read_jsonl, write_json

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "real.md"
SHOWN = 30
"""Changes of each operator and samples of each reason that a person looks at."""
LOOKED_AT = 1000
"""Samples of a set, drawn by seed, that are looked through for changes."""
Change = tuple[str, str, str]
"""Set and place, the text before, the text after."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named sets, all by default; 1 where the doors of one do not add up or it fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="SET", help="a part of a set's path")
    parser.add_argument(
        "--out", type=Path, required=True, help="a folder for runs and pages; not in the project"
    )
    parser.add_argument(
        "--write", action="store_true", help="write docs/benchmarks/real.md (all sets run into --out)"
    )
    options = parser.parse_args(arguments)
    folder = os.environ.get("TILTH_REAL_DATA")
    if not folder:
        parser.error("set TILTH_REAL_DATA to the folder of the real sets.")
    chosen = [s for s in SETS if not options.names or any(name in s.path for name in options.names)]
    if not chosen:
        parser.error(f"no set has {options.names[0]!r} in its path.")
    found: dict[str, list[Change]] = defaultdict(list)
    rows = []
    for each in chosen:
        rows.append(_run(each, Path(folder), options.out))
        print(json.dumps(rows[-1], ensure_ascii=False), file=sys.stderr)
        write_json(options.out / f"{each.name}.json", rows[-1])
        if rows[-1]["status"] != "error":
            for name, changes in _changes(each, Path(folder), options.out / each.name).items():
                found[name] += changes
    _look(found, options.out / "changes.html")
    print(table(rows))
    if options.write:
        PAGE.write_text(page(_all_rows(options.out)), encoding="utf-8")
    return int(any(row["status"] != "done" or not row["balances"] for row in rows))


def _all_rows(out: Path) -> list[dict[str, Any]]:
    """The sets that were ever run into this folder, in the order of the list; the others say that they were not."""
    files = {each.path: out / f"{each.name}.json" for each in SETS}
    not_run = {"status": "error", "reason": "not run"}
    return [read_json(file) if file.exists() else {"set": path, **not_run} for path, file in files.items()]


def _run(each: RealSet, data: Path, out: Path) -> dict[str, Any]:
    """One set through `tilth run`; its counts, and whether they add up."""
    folder = out / each.name
    folder.mkdir(parents=True, exist_ok=True)
    recipe = folder / "recipe.yaml"
    source = {"path": str(data / each.path), **each.source}
    steps = {"name": each.name, "data": {"from": source, "steps": each.steps, "to": "tilth"}}
    recipe.write_text(yaml.safe_dump(steps, allow_unicode=True, sort_keys=False), encoding="utf-8")
    try:
        result = run(recipe, folder / "run", workers=1)
    except TilthError as error:
        return {"set": each.path, "status": "error", "reason": str(error), "balances": False}
    counts = result["counts"]
    doors = sum(counts[door] for door in ("kept", "dropped", "quarantined", "held"))
    lines = sum(_lines(folder / "run" / "data" / f"{side}.jsonl") for side in ("train", "validation", "test"))
    changed = {step["name"]: step["changed"] for step in result["steps"] if step["changed"]}
    proposed = {step["name"]: step["proposed"] for step in result["steps"] if step["proposed"]}
    reasons = Counter[str]()
    for step in result["steps"]:
        reasons.update(step["reasons"])
    return {
        "set": each.path,
        "status": result["status"],
        **counts,
        "balances": doors == counts["taken"] + counts["made"] and lines == counts["kept"],
        "changed": changed,
        "proposed": proposed,
        "reasons": dict(reasons),
    }


def _lines(path: Path) -> int:
    return sum(1 for _ in path.open("rb")) if path.exists() else 0


def _changes(each: RealSet, data: Path, folder: Path) -> dict[str, list[Change]]:
    """What each step of the recipe does to random samples of the set, and samples that left, by operator.

    Steps on one sample are pure, so they are walked here as the run walked them.
    """
    rng = random.Random(20261125)
    source = Spec(str(data / each.path), **each.source)
    samples = [sample_of(entry, part, spec) for entry, part, spec in read_source(source) if not entry.error]
    samples = samples if len(samples) <= LOOKED_AT else rng.sample(samples, LOOKED_AT)
    found: dict[str, list[Change]] = defaultdict(list)
    for step in each.steps:
        name, settings = (step, {}) if isinstance(step, str) else next(iter(step.items()))
        declared = OPERATORS.get(name)
        if declared.kind == "set":
            continue
        act = declared.bind(declared.settings.model_validate(settings).model_dump())
        after = []
        for sample in samples:
            outcome = act(sample)  # type: ignore[operator]  # a step on one sample
            where = f"{each.path} {sample.place}"
            if isinstance(outcome, Propose):
                found[f"{name} (proposed)"] += [(where, p.before, p.after) for p in outcome.proposals]
                outcome = outcome.sample or sample
            if isinstance(outcome, Drop):
                found[f"{name} (dropped)"].append(
                    (where, f"{outcome} {sample.question[:80]} ⇒ {sample.answer[:120]}", "")
                )
                continue
            if outcome.messages != sample.messages:
                pairs = zip(sample.messages, outcome.messages, strict=True)
                found[name] += [(where, a.content, b.content) for a, b in pairs if a.content != b.content]
            after.append(outcome)
        samples = after
    for name, change in _of_the_set(each, folder / "run"):
        found[name].append(change)
    return {name: rng.sample(changes, min(SHOWN, len(changes))) for name, changes in found.items()}


def _of_the_set(each: RealSet, folder: Path) -> Iterator[tuple[str, Change]]:
    """What steps on the whole set said of samples, from the files of the run."""
    for path in (folder / "dropped.jsonl", folder / "steps" / "proposals.jsonl"):
        for line in read_jsonl(path) if path.exists() else ():
            where = f"{each.path} {line['place']}"
            if "evidence" in line and line["step"].startswith("dedup."):
                yield f"{line['step']} (dropped)", (where, f"{line['evidence']} {text_of_line(line)}", "")
            elif line["step"] == "denoise.wrong_characters":
                yield line["step"], (where, line["before"], line["after"])


def text_of_line(line: Mapping[str, Any]) -> str:
    """The beginning of each message of a door's line."""
    return " ⇒ ".join(message["content"][:80] for message in line["sample"]["messages"])


def _look(found: Mapping[str, Sequence[Change]], path: Path) -> None:
    """A page for a person: up to `SHOWN` changes of each operator, drawn by seed over all sets."""
    parts = [
        "<!doctype html><meta charset=utf-8><title>Changes</title><style>del{background:#fcc}ins{background:#cfc}"
    ]
    parts.append("td{vertical-align:top;border-top:1px solid #ccc;white-space:pre-wrap}</style>")
    text = []
    for name in sorted(found):
        chosen = random.Random(42).sample(list(found[name]), min(SHOWN, len(found[name])))
        parts.append(f"<h2>{escape(name)} ({len(chosen)})</h2><table>")
        text.append(f"## {name} ({len(chosen)})")
        for where, before, after in chosen:
            parts.append(f"<tr><td>{escape(where)}<td>{_diff(before, after)}</tr>")
            text += [f"- {where}", *(f"    {line}" for line in _hunks(before, after))]
        parts.append("</table>")
    path.write_text("\n".join(parts), encoding="utf-8")
    path.with_suffix(".txt").write_text("\n".join(text), encoding="utf-8")


def _codes(before: str, after: str) -> list[tuple[str, int, int, int, int]]:
    return list(SequenceMatcher(None, before, after, autojunk=False).get_opcodes())


def _diff(before: str, after: str) -> str:
    shown = []
    for tag, i, j, k, m in _codes(before[:6000], after[:6000]):
        if tag == "equal":
            shown.append(
                escape(before[i : i + 20] + ("…" if j - i > 40 else "") + before[max(i + 20, j - 20) : j])
            )
        else:
            shown.append(f"<del>{escape(before[i:j])}</del><ins>{escape(after[k:m])}</ins>")
    return "".join(shown)


def _hunks(before: str, after: str, most: int = 4) -> Iterator[str]:
    """The first changes with a few characters around them, one a line."""
    if not after:
        yield before[:300].replace("\n", "⏎")
        return
    hunks = [code for code in _codes(before[:6000], after[:6000]) if code[0] != "equal"]
    for _, i, j, k, m in hunks[:most]:
        shown = f"{before[max(0, i - 14) : i]}[{before[i:j]}→{after[k:m]}]{before[j : j + 14]}"
        yield shown.replace("\n", "⏎")[:240]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table: a row a set."""
    lines = [
        "| set | taken | kept | dropped | quarantined | held | adds up |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row["status"] == "error":
            lines.append(f"| {row['set']} | | | | | | **{row['reason']}** |")
            continue
        cells = [f"{row[key]:,}" for key in ("taken", "kept", "dropped", "quarantined", "held")]
        lines.append(f"| {row['set']} | {' | '.join(cells)} | {'yes' if row['balances'] else '**no**'} |")
    return "\n".join(lines)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"`{name}` {count:,}" for name, count in sorted(counts.items(), key=lambda item: -item[1])
    )


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The page of the docs: counts only, no text of any set."""
    lines = [
        "# Real sets, run whole",
        "",
        f"Written by `TILTH_REAL_DATA=FOLDER python -m benchmarks.real --out FOLDER --write` on {today()}, Tilth {__version__}. Each set "
        "goes in its own format through `tilth run` with a recipe of some twenty steps. *Adds up* means that taken and made "
        "equal the four doors, and that the files of `data/` hold as many lines as are kept. The command also writes "
        f"`changes.html`, up to {SHOWN} changes of each operator drawn by seed, for a person to look at; what was found there "
        "stands at the end.",
        "",
        table(rows),
        "",
        "| set | samples changed by | proposed by | dropped for |",
        "|---|---|---|---|",
    ]
    for row in rows:
        if row["status"] != "error":
            cells = (_listed(row[key]) or "–" for key in ("changed", "proposed", "reasons"))
            lines.append(f"| {row['set']} | {' | '.join(cells)} |")
    lines += ["", LOOK.rstrip()]
    return "\n".join(lines) + "\n"
