"""The result of a comparison in words: one sentence for each kind of evidence, strongest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tilth.evaluation.evidence import Agreements, Voice
from tilth.evaluation.general import Regression
from tilth.evaluation.losses import HeldOut
from tilth.evaluation.statistics import sample_size
from tilth.evaluation.verdicts import Tally
from tilth.evaluation.words import percent, say
from tilth.pages.render import Language
from tilth.review.agreement import ALL_EQUAL, NOBODY, NOT_TWO, Agreement

if TYPE_CHECKING:
    from tilth.evaluation.compare import Comparison


def in_words(comparison: Comparison) -> str:
    """All of it, in the order in which it should be believed."""
    return together(sentences(comparison), comparison.language)


def sentences(comparison: Comparison) -> list[str]:
    """One sentence or two for each kind of evidence, strongest first."""
    language, said = comparison.language, comparison.evidence
    parts = []
    if said.people.tally.judged:
        lead = say(language, "by_people", n=len(said.people.voters))
        parts.append(lead + verdict_sentence(said.people.tally, language))
    if said.judge.verdicts:
        lead = say(language, "by_judge", name=", ".join(said.judge.voters))
        parts.append(lead + verdict_sentence(said.judge.tally, language))
    if not parts:
        parts.append(verdict_sentence(comparison.tally, language))
    if comparison.heldout is not None:
        parts.append(loss_sentence(comparison.heldout, language))
    elif not comparison.tally.judged:
        parts.append(say(language, "nothing_held_out"))
    if comparison.general is not None and comparison.general.rows:
        parts.append(general_sentence(comparison.general, language))
    return parts


def headline(comparison: Comparison) -> str:
    """The result in a few words, as carefully as the strongest evidence allows."""
    tally, held = comparison.tally, comparison.heldout
    if tally.win_rate is not None:
        phrase = ("better" if tally.win_rate > 0.5 else "worse") if tally.distinguishable else "open"
    elif held is not None and held.distinguishable:
        phrase = "loss_better" if held.difference < 0 else "loss_worse"
    else:
        phrase = "nothing" if held is None else "loss_open"
    return say(comparison.language, f"head_{phrase}")


def verdict_sentence(counts: Tally, language: Language) -> str:
    """What wins, losses and ties add up to."""
    interval, rate = counts.interval, counts.win_rate
    if interval is None or rate is None:
        text = say(language, "nobody")
    elif counts.ties == counts.judged:
        text = say(language, "all_ties", n=counts.judged)
    else:
        better = "better" if rate > 0.5 else "worse"
        text = say(
            language,
            better if counts.distinguishable else "open",
            n=counts.judged,
            wins=counts.wins,
            losses=counts.losses,
            ties=counts.ties,
            rate=percent(rate),
            low=percent(interval.low),
            high=percent(interval.high),
            needed=sample_size(),
        )
    parts = [text] + ([say(language, "some_errors", errors=counts.errors)] if counts.errors else [])
    return together(parts, language)


def loss_sentence(heldout: HeldOut, language: Language) -> str:
    """What became of the held-out loss."""
    if not any(row.difference for row in heldout.rows):
        phrase = "unchanged"
    elif not heldout.distinguishable:
        phrase = "level"
    else:
        phrase = "fell" if heldout.difference < 0 else "rose"
    return say(
        language,
        phrase,
        n=len(heldout.rows),
        before=heldout.before,
        after=heldout.after,
        unit=say(language, heldout.unit),
        low=heldout.interval.low,
        high=heldout.interval.high,
    )


def general_sentence(found: Regression, language: Language) -> str:
    """Whether something was forgotten."""
    values = {"n": len(found.checked), "before": found.right_before, "after": found.right_after}
    if found.loss is not None and found.loss.distinguishable and found.loss.difference > 0:
        drift = say(language, "general_drift", before=found.loss.before, after=found.loss.after)
    else:
        drift = ""
    if not found.checked:
        return say(language, "general_unchecked", n=len(found.rows)) + drift
    if not found.right_before and not found.right_after:
        return say(language, "general_none", **values) + drift
    phrase = (
        "general_forgot" if found.forgot else "general_gained" if found.interval.low > 0 else "general_kept"
    )
    low, high = (100 * value for value in found.interval)
    more = {"low": low, "high": high, "lost": len(found.lost), "gained": len(found.gained)}
    return say(language, phrase, **values, **more) + drift


def agreement_sentence(found: Agreements, language: Language) -> str:
    """How far voters agree, with chance taken off; in words where that means nothing."""
    shares = say(
        language,
        "agree",
        n=found.questions,
        share="–" if found.percent.value is None else percent(found.percent.value),
        alpha=_figure(found.alpha, language),
        kappa=_figure(found.kappa, language),
    )
    whys = {found.alpha.why, found.kappa.why} - {""}
    return together([shares, *(say(language, _WHY[why]) for why in sorted(whys))], language)


_WHY = {NOBODY: "why_not_nobody", ALL_EQUAL: "why_not_equal", NOT_TWO: "why_not_two"}


def _figure(found: Agreement, language: Language) -> str:
    return say(language, "undefined") if found.value is None else f"{found.value:.2f}"


def voice_notes(voice: Voice, language: Language) -> list[str]:
    """What stands below a tally: the sign test, and the win rate with the pull of length taken out."""
    lines = []
    if voice.tally.p_value is not None:
        lines.append(say(language, "p_value", p=voice.tally.p_value))
    if voice.bootstrap is not None:
        low, high = map(percent, voice.bootstrap)
        lines.append(say(language, "bootstrap", low=low, high=high))
    if voice.controlled is not None:
        low, high = map(percent, voice.controlled.interval)
        lines.append(say(language, "controlled", rate=percent(voice.controlled.rate), low=low, high=high))
    return lines


def together(sentences: Sequence[str], language: Language) -> str:
    """Sentences one after the other."""
    return (" " if language == "en" else "").join(sentences)
