"""The files of a comparison: one page to mail, the same in Markdown, and the numbers and lists for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tilth.evaluation.compare import Comparison
from tilth.evaluation.figures import answer_numbers, cards, general_numbers, loss_numbers, three_h_numbers
from tilth.evaluation.judge import Bias
from tilth.evaluation.nearest import Leak
from tilth.evaluation.protocol import BOTH, Protocol
from tilth.evaluation.sentences import agreement_sentence, headline, sentences, voice_notes
from tilth.evaluation.table import Row, Shown, analysis, choose
from tilth.evaluation.words import join, percent, say
from tilth.evaluation.worklist import worklist
from tilth.pages.render import Language, render
from tilth.store.files import write_json, write_jsonl, write_text

SHOWN = 8
"""Rows of the table that the seed draws; the largest gain and loss come on top."""
LISTED = 30
"""Lines of the work list that the page shows."""


def write_protocol(protocol: Protocol, folder: Path) -> None:
    """Write `protocol.json`, before the first question is asked."""
    write_json(folder / "protocol.json", protocol.as_dict())


def write_report(comparison: Comparison, folder: Path) -> None:
    """Write everything else: answers, work list, numbers, Markdown and, last, the page."""
    answers = (asdict(getattr(row, side)) for side in BOTH for row in comparison.rows)
    write_jsonl(folder / "answers.jsonl", answers)
    write_jsonl(folder / "table.jsonl", table_lines(comparison))
    write_jsonl(folder / "worklist.jsonl", worklist(comparison).lines())
    write_json(folder / "compare.json", comparison.as_dict())
    write_text(folder / "compare.md", markdown(comparison))
    write_text(folder / "compare.html", page(comparison))


def table_lines(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Every row of the table, shown on the page or not, in the tutorial's four columns and some more."""
    picked = {item.row.question.place: item.reason for item in shown(comparison)}
    for row in comparison.rows:
        place = row.question.place
        yield {
            "place": place,
            "question": row.question.text,
            "before": row.before.text,
            "after": row.after.text,
            "analysis": _analysis(comparison, row),
            "winner": row.winner,
            "shown": picked.get(place),
            "nearest": [
                {"place": n.place, "similarity": round(n.similarity, 4)} for n in comparison.near[place]
            ],
        }


def shown(comparison: Comparison) -> list[Shown]:
    """The rows of the table with their analysis; the author's own remark stands after what was measured."""
    language, seed = comparison.language, comparison.protocol.seed
    return [
        Shown(row, join(language, [say(language, f"why_{word}") for word in why]), _analysis(comparison, row))
        for row, why in choose(comparison.rows, seed, SHOWN)
    ]


def _analysis(comparison: Comparison, row: Row) -> str:
    lines = [analysis(row, comparison.language)]
    if row.question.place in comparison.notes:
        lines.append(say(comparison.language, "author", text=comparison.notes[row.question.place]))
    return "\n".join(lines)


def warnings(comparison: Comparison) -> list[str]:
    """What a reader must know before believing the numbers."""
    protocol, found, language = comparison.protocol, [], comparison.language
    if protocol.before.identity == protocol.after.identity:
        found.append(say(language, "same_model"))
    if len({protocol.before.template, protocol.after.template} - {""}) > 1:
        found.append(say(language, "templates"))
    if comparison.training.stale:
        found.append(say(language, "stale"))
    for older, phrase in ((False, "leaks"), (True, "leaks_older")):
        if leaked := {leak.question.place for leak in comparison.leaks if leak.older is older}:
            found.append(say(language, phrase, n=len(leaked)))
    if comparison.failed:
        found.append(say(language, "failed", n=comparison.failed, all=2 * len(comparison.rows)))
    if comparison.evidence.bias is not None:
        found += leanings(comparison.evidence.bias, language)
    if comparison.general is not None and comparison.general.forgot:
        found.append(say(language, "forgot"))
    return found


def spoken(comparison: Comparison) -> list[str]:
    """What a terminal shows: the result in words, how far voters agree, and what to know before believing it."""
    language, evidence = comparison.language, comparison.evidence
    agreed = [
        f"{say(language, name)}: {agreement_sentence(found, language)}"
        for name, found in (("among_people", evidence.among_people), ("with_judge", evidence.with_judge))
        if found is not None
    ]
    return [*sentences(comparison), *agreed, *warnings(comparison)]


def leanings(bias: Bias, language: Language) -> list[str]:
    """How a judge leans, in words; nothing where chance alone explains it."""
    found = []
    if bias.by_position:
        first = bias.first_twice > bias.second_twice
        many, few = max(bias.first_twice, bias.second_twice), min(bias.first_twice, bias.second_twice)
        where = say(language, "first" if first else "second")
        found.append(say(language, "position_bias", where=where, many=many, few=few))
    if bias.by_length and bias.longer_share is not None:
        longer = bias.longer_share > 0.5
        share = bias.longer_share if longer else 1 - bias.longer_share
        found.append(say(language, "length_bias" if longer else "length_bias_short", share=percent(share)))
    return found


def page(comparison: Comparison) -> str:
    """The report as one static HTML page without script or address."""
    return render(
        "compare.html", comparison.language, layout="base.html", lead=lambda place: "", **facts(comparison)
    )


def facts(comparison: Comparison) -> dict[str, Any]:
    """What the template of the report is given; the studio shows the same page with links."""
    held, language, evidence = comparison.heldout, comparison.language, comparison.evidence
    reach = 0.0 if held is None else 1.15 * max(map(abs, (*held.interval, held.difference)))
    leaked: dict[str, list[Leak]] = {}
    for leak in comparison.leaks:
        leaked.setdefault(leak.question.place, []).append(leak)
    agreements = {"among_people": evidence.among_people, "with_judge": evidence.with_judge}
    work, versions = worklist(comparison), comparison.training.changes
    return dict(
        say=lambda phrase, **values: say(language, phrase, **values),
        percent=percent,
        comparison=comparison,
        protocol=comparison.protocol,
        evidence=evidence,
        voice_notes=lambda voice: voice_notes(voice, language),
        headline=headline(comparison),
        sentences=sentences(comparison),
        agreements={name: agreement_sentence(found, language) for name, found in agreements.items() if found},
        cards=cards(comparison),
        held=held,
        reach=reach,
        warnings=warnings(comparison),
        three_h_numbers=three_h_numbers(comparison),
        loss_numbers=loss_numbers(comparison),
        general_numbers=general_numbers(comparison),
        answer_numbers=answer_numbers(comparison),
        shown=shown(comparison),
        work=work,
        leaked=leaked,
        versions=versions,
        near_changes=versions.near(comparison.protocol.questions) if versions else {},
        listed=work.items[:LISTED],
    )


def markdown(comparison: Comparison) -> str:
    """The report in Markdown: sentence, warnings, numbers and the table."""
    language = comparison.language

    def word(phrase: str) -> str:
        return say(language, phrase)

    parts = [
        f"# {word('title')}: {headline(comparison)}",
        "\n".join(f"* {text}" for text in sentences(comparison)),
        *(f"> {text}" for text in warnings(comparison)),
    ]
    lines = (
        *three_h_numbers(comparison),
        *loss_numbers(comparison),
        *general_numbers(comparison),
        *answer_numbers(comparison),
    )
    measured = [(x.name, x.before, x.after, x.change) for x in lines]
    parts.append(_table(("", word("before"), word("after"), word("change")), measured))
    rows = [
        (x.row.question.text, x.row.before.text, x.row.after.text, f"{x.reason}\n{x.analysis}")
        for x in shown(comparison)
    ]
    heads = tuple(word(name) for name in ("question", "before", "after", "analysis"))
    seed = comparison.protocol.seed
    parts += [
        f"## {word('table')}",
        say(language, "table_help", shown=len(rows), all=len(comparison.rows), seed=seed),
        _table(heads, rows),
    ]
    return "\n\n".join(parts) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]#|"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


def _cell(text: str) -> str:
    """Text as a table cell shows it, character for character."""
    return "<br>".join(text.translate(_MARKS).splitlines())
