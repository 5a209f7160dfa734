"""What the suite found, as a table, as facts, and as the page in the documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.today import today
from benchmarks.traps import suite
from benchmarks.traps.suite import Answer, Case, Results

Found = Mapping[str, Results | None]

HEAD = """# Trap suite

{count} cases over {operators} operators, in `benchmarks/traps/cases/`: each is an input and what the rule of the operator says
about it. {change} of them must change (or be proposed), {keep} must stay exactly as they are. The expected
outputs were written from the rules before any operator ran, but for the five cases of JSON under `privacy.redact_pii`, which came
after it; a case that was corrected says why beside it (`corrected:`). A tool that does nothing fails every case that must change, and one that rewrites freely fails those
that must not, so each column shows both: **changed rightly · left alone rightly**.

The cases are ours and follow our rules; where another tool aims at something else, its column says how far the aims
agree, not how good the tool is.

Run on {date} with {versions}:
`make bench-traps PEERS=path/to/python`, where that Python has
`py-data-juicer==1.6.1 aiohttp ray selectolax ftfy opencc jionlp` installed. Nothing is installed while the suite runs.

{table}

A dash means that the tool has no such operation. Cells can have fewer cases than ours where a case asks for a setting
that the tool does not know. Our operators propose some repairs; a tool that cannot propose passes such a case when
it writes the one proposed text, or leaves a text with two readings alone.
"""

PEER = """
## {name} {version}

Which of its operators stood in for ours, in default settings but for what stands here.
{note}

{used}

The first case of each operator that it changed although nothing may happen:

{harm}
"""

NOTES = {
    "data-juicer": "`PunctuationNormalizationMapper` aims at ASCII marks, `WhitespaceNormalizationMapper` at one kind of space,\n"
    "and `RemoveRepeatSentencesMapper` at repeats anywhere in a text, where ours looks only at what stands in a row.",
    "jionlp": "`convert_full2half` also aims at signs, where ours keeps to letters, digits and the space.",
}


def table(cases: Sequence[Case], found: Found) -> str:
    """A Markdown table: a row an operator, a column a set, `changed rightly · left alone rightly` in the cells."""
    scores = [suite.score(cases, results) if results else None for results in found.values()]
    lines = ["| operator | " + " | ".join(found) + " |", "|---|" + "---|" * len(found)]
    for operator in dict.fromkeys(case.operator for case in cases):
        cells = [_cell([score[operator]] if score else None) for score in scores]
        lines.append(f"| `{operator}` | " + " | ".join(cells) + " |")
    totals = [_cell(list(score.values()) if score else None) for score in scores]
    return "\n".join([*lines, "| **all** | " + " | ".join(totals) + " |"])


def _cell(rows: Sequence[Mapping[str, Sequence[int]]] | None) -> str:
    if rows is None:
        return "not run"
    sums = [[sum(row[kind][i] for row in rows) for i in (0, 1)] for kind in ("change", "keep")]
    if not any(asked for _, asked in sums):
        return "–"
    return " · ".join(f"{passed}/{asked}" for passed, asked in sums)


def failure(case: Case, answer: Answer) -> dict[str, Any]:
    """One failed case in plain values."""
    return {
        "operator": case.operator,
        "input": case.input,
        "settings": dict(case.settings),
        "expected": list(case.proposals) or case.expected,
        "got": list(answer.proposals) or answer.text,
        "why": case.why,
    }


def facts(cases: Sequence[Case], found: Found) -> str:
    """The scores and failures of every set as JSON."""
    return json.dumps(
        {
            name: results
            and {
                "version": results.version,
                "score": suite.score(cases, results),
                "failures": [failure(*pair) for pair in suite.failures(cases, results)],
            }
            for name, results in found.items()
        },
        ensure_ascii=False,
        indent=1,
    )


def page(cases: Sequence[Case], found: Found) -> str:
    """The documentation page."""
    ran = [results for results in found.values() if results]
    head = HEAD.format(
        count=len(cases),
        operators=len({case.operator for case in cases}),
        change=sum(not case.keeps for case in cases),
        keep=sum(case.keeps for case in cases),
        date=today(),
        versions=", ".join(f"{r.name} {r.version}".strip() for r in ran),
        table=table(cases, found),
    )
    return head + "".join(_peer(cases, results) for results in ran if results.name in suite.PEERS)


def _peer(cases: Sequence[Case], results: Results) -> str:
    used = [f"* `{ours}`: {theirs}" for ours, theirs in sorted(results.used.items())]
    first: dict[str, str] = {}
    for case, answer in suite.failures(cases, results):
        if case.keeps:
            first.setdefault(
                case.operator, f"* `{case.operator}`: {_quoted(case.input)} → {_quoted(answer.text)}"
            )
    return PEER.format(
        name=results.name,
        version=results.version,
        note=NOTES[results.name],
        used="\n".join(used),
        harm="\n".join(first.values()),
    )


def _quoted(text: str) -> str:
    """The text as a code span, line feeds and invisible characters escaped."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    fence = "`" * (1 + max((len(run) for run in shown.split() if set(run) == {"`"}), default=0))
    while fence in shown:
        fence += "`"
    return f"{fence} {shown} {fence}"
