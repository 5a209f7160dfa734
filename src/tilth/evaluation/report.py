"""The files of a comparison: one page to mail, the same in Markdown, and the numbers and lists for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tilth.evaluation.compare import Comparison, wording
from tilth.evaluation.losses import perplexity
from tilth.evaluation.protocol import BOTH, Protocol, SideName
from tilth.evaluation.table import Row, Shown, analysis, choose
from tilth.evaluation.words import join, percent, say
from tilth.evaluation.worklist import worklist
from tilth.pages.render import render
from tilth.store.files import write_json, write_jsonl, write_text

SHOWN = 8
"""Rows of the table that the seed draws; the largest gain and loss come on top."""
LISTED = 30
"""Lines of the work list that the page shows."""


@dataclass(frozen=True)
class Number:
    """One line of the table of measurements, written for people."""

    name: str
    before: str
    after: str
    change: str = ""


def write_protocol(protocol: Protocol, folder: Path) -> None:
    """Write `protocol.json`, before the first question is asked."""
    write_json(folder / "protocol.json", protocol.as_dict())


def write_report(comparison: Comparison, folder: Path) -> None:
    """Write everything else: answers, work list, numbers, Markdown and, last, the page."""
    answers = (asdict(getattr(row, side)) for side in BOTH for row in comparison.rows)
    write_jsonl(folder / "answers.jsonl", answers)
    write_jsonl(folder / "worklist.jsonl", (item.as_dict() for item in worklist(comparison)))
    write_json(folder / "compare.json", comparison.as_dict())
    write_text(folder / "compare.md", markdown(comparison))
    write_text(folder / "compare.html", page(comparison))


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
    protocol, found = comparison.protocol, []
    if protocol.before.identity == protocol.after.identity:
        found.append(say(comparison.language, "same_model"))
    if comparison.stale:
        found.append(say(comparison.language, "stale"))
    if comparison.leaks:
        leaked = len({leak.question.place for leak in comparison.leaks})
        found.append(say(comparison.language, "leaks", n=leaked))
    if comparison.failed:
        found.append(say(comparison.language, "failed", n=comparison.failed, all=2 * len(comparison.rows)))
    return found


def numbers(comparison: Comparison) -> list[Number]:
    """The measurements, one line each."""
    facts, language = comparison.as_dict()["answers"], comparison.language

    def line(name: str, show: Callable[[SideName], str], change: str = "") -> Number:
        return Number(say(language, name), show("before"), show("after"), change)

    lines = [
        line("answers", lambda side: str(facts[side]["answers"])),
        line("length_median", lambda side: _value(facts[side]["length_median"], "g")),
        line("empty", lambda side: _percent(facts[side]["empty"])),
        line("repeating", lambda side: _percent(facts[side]["repeating"])),
        line("refusing", lambda side: _percent(facts[side]["refusing"])),
        line("truncated", lambda side: _percent(facts[side]["truncated"])),
    ]
    shares = wording(comparison.rows, comparison.protocol.seed)
    if shares is not None:
        change = _change(shares["difference"], shares["interval"], ".2f")
        lines.append(line("char_f", lambda side: _value(shares[side], ".2f"), change))
    return lines


def loss_numbers(comparison: Comparison) -> list[Number]:
    """Held-out loss and perplexity, one line each; empty where they were not measured."""
    held, language = comparison.heldout, comparison.language
    if held is None:
        return []
    unit = say(language, held.unit).rstrip()
    change = _change(held.difference, held.interval, ".3f")
    loss = Number(say(language, "loss_per", unit=unit), f"{held.before:.3f}", f"{held.after:.3f}", change)
    before, after = (_value(perplexity(value), ".4g") for value in (held.before, held.after))
    each = Number(say(language, "per_question"), f"{held.question_before:.3f}", f"{held.question_after:.3f}")
    return [loss, Number(say(language, "perplexity"), before, after), each]


def _change(difference: float, interval: Sequence[float], form: str) -> str:
    return f"{difference:+{form}} ({interval[0]:+{form}} … {interval[1]:+{form}})"


def _value(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"


def _percent(value: float | None) -> str:
    return "–" if value is None else percent(value)


def page(comparison: Comparison) -> str:
    """The report as one static HTML page without script or address."""
    held = comparison.heldout
    reach = 0.0 if held is None else 1.15 * max(map(abs, (*held.interval, held.difference)))
    return render(
        "compare.html",
        comparison.language,
        say=lambda phrase, **values: say(comparison.language, phrase, **values),
        percent=percent,
        comparison=comparison,
        protocol=comparison.protocol,
        tally=comparison.tally,
        held=held,
        reach=reach,
        warnings=warnings(comparison),
        loss_numbers=loss_numbers(comparison),
        numbers=numbers(comparison),
        shown=shown(comparison),
        worklist=worklist(comparison)[:LISTED],
    )


def markdown(comparison: Comparison) -> str:
    """The report in Markdown: sentence, warnings, numbers and the table."""
    language = comparison.language

    def word(phrase: str) -> str:
        return say(language, phrase)

    parts = [f"# {word('title')}", comparison.sentence, *(f"> {text}" for text in warnings(comparison))]
    measured = [
        (x.name, x.before, x.after, x.change) for x in (*loss_numbers(comparison), *numbers(comparison))
    ]
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
