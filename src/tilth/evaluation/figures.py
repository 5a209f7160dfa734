"""The measurements of a comparison as lines of tables, written for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tilth.evaluation.compare import Comparison, wording
from tilth.evaluation.general import by_language
from tilth.evaluation.losses import perplexity
from tilth.evaluation.protocol import SideName
from tilth.evaluation.words import percent, say


@dataclass(frozen=True)
class Number:
    """One line of the table of measurements, written for people."""

    name: str
    before: str
    after: str
    change: str = ""


@dataclass(frozen=True)
class Card:
    """One figure of the head of the page."""

    value: str
    name: str
    more: str
    tone: str = ""
    """`good`, `bad`, or nothing where the figure says neither."""


def cards(comparison: Comparison) -> list[Card]:
    """The figures that a reader sees first; one that was not measured is left out."""
    language, tally, found = comparison.language, comparison.tally, []
    if tally.interval is not None and tally.win_rate is not None:
        low, high = map(percent, tally.interval)
        tone = _tone(tally.distinguishable, tally.win_rate > 0.5)
        who = say(language, f"card_{comparison.evidence.source}")
        found.append(Card(percent(tally.win_rate), who, f"{low} … {high}", tone))
    held = comparison.heldout
    if held is not None:
        tone = _tone(held.distinguishable, held.difference < 0)
        more = f"{held.interval.low:+.3f} … {held.interval.high:+.3f}"
        found.append(Card(f"{held.difference:+.3f}", say(language, "card_loss"), more, tone))
    general = comparison.general
    if general is not None and general.checked:
        tone = "bad" if general.forgot else _tone(general.interval.low > 0, good=True)
        value = f"{general.right_before} → {general.right_after}"
        more = say(language, "card_of", n=len(general.checked))
        found.append(Card(value, say(language, "card_general"), more, tone))
    sides = comparison.as_dict()["lengths"]
    lengths = " → ".join("–" if sides[side] is None else f"{sides[side]:g}" for side in ("before", "after"))
    found.append(
        Card(lengths, say(language, "card_length"), say(language, "card_questions", n=len(comparison.rows)))
    )
    return found


def _tone(clear: bool, good: bool) -> str:
    return ("good" if good else "bad") if clear else ""


def three_h_numbers(comparison: Comparison) -> list[Number]:
    """The share of answers that pass each of the three H; empty where no judge looked."""
    found, language = comparison.evidence.three_h, comparison.language
    if found is None:
        return []
    return [
        Number(
            say(language, f"h_{name}"),
            f"{share.before} / {share.of}",
            f"{share.after} / {share.of}",
            _points(share.after / share.of - share.before / share.of, share.interval) if share.of else "–",
        )
        for name, share in found.shares.items()
    ]


def general_numbers(comparison: Comparison) -> list[Number]:
    """Right answers to general questions, in all and by language, and the loss on good answers."""
    found, language = comparison.general, comparison.language
    if found is None:
        return []
    lines = []
    if found.checked:
        n = len(found.checked)
        difference = (found.right_after - found.right_before) / n
        name = say(language, "general_right", n=n)
        change = _points(difference, found.interval)
        lines.append(Number(name, str(found.right_before), str(found.right_after), change))
        lines += [
            Number(say(language, f"general_{code}", n=of), str(b), str(a))
            for code, (of, b, a) in by_language(found).items()
            if code in ("zh", "en")
        ]
    if found.loss is not None:
        held = found.loss
        name = say(language, "general_loss", unit=say(language, held.unit).rstrip())
        change = _change(held.difference, held.interval, ".3f")
        lines.append(Number(name, f"{held.before:.3f}", f"{held.after:.3f}", change))
    return lines


def answer_numbers(comparison: Comparison) -> list[Number]:
    """What can be counted in the answers, one line each."""
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


def _points(difference: float, interval: Sequence[float]) -> str:
    low, high = (100 * value for value in interval)
    return f"{100 * difference:+.0f} ({low:+.0f} … {high:+.0f}) %"


def _change(difference: float, interval: Sequence[float], form: str) -> str:
    return f"{difference:+{form}} ({interval[0]:+{form}} … {interval[1]:+{form}})"


def _value(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"


def _percent(value: float | None) -> str:
    return "–" if value is None else percent(value)
