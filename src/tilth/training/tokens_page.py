"""What `tilth tokens` says to people: a page, and the lines and bars of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tilth import __version__
from tilth.engine.report import histogram
from tilth.pages import render
from tilth.training.tokens import Tokens

BAR = 40
"""Characters of the longest bar."""
ROWS = 12


def page(found: Tokens, name: str, model: str) -> str:
    """One static page in the reader's language: counts, lengths, notes, and loss masks in colour."""
    return render("tokens.html", **page_facts(found), name=name, model=model, version=__version__)


def page_facts(found: Tokens) -> dict[str, Any]:
    """What the page shows."""
    return {
        "totals": found.totals,
        "settings": found.settings,
        "warm_up": found.warm_up,
        "filled": found.filled,
        "lengths": {
            "tokens": histogram([row["tokens"] for row in found.samples]),
            "trained": histogram([row["trained"] for row in found.samples]),
        },
        "lint": found.lint,
        "cut": [row for row in found.samples if row["truncated"]][:100],
        "shown": found.shown,
    }


def summary(found: Tokens) -> Iterator[str]:
    """The counts as sentences."""
    t, settings = found.totals, found.settings
    yield f"{t['samples']} samples, {t['tokens']:,} tokens: {t['prompt']:,} read, {t['trained']:,} learned"
    yield f"{t['truncated']} are cut at {settings.max_length} tokens, {t['untrained']} teach nothing"
    how = "packed into" if settings.packing else "unpacked in"
    yield f"{len(found.kept)} samples {how} {t['packs']} rows, {100 * found.filled:.1f} % of {settings.max_length} tokens each"
    yield (
        f"{t['optimizer_steps']} optimizer steps ({found.warm_up} of them warm-up): {settings.epochs:g} epochs, "
        f"{settings.batch_size} rows a batch, {settings.gradient_accumulation} batches a step"
    )


def bars(values: Sequence[int], limit: int) -> Iterator[str]:
    """How long samples are, as bars of text; what is longer than the limit stands in the last one."""
    if not values:
        return
    first, top = min(*values, limit), min(max(values), limit)
    width = max(1, -(-(top - first + 1) // ROWS))
    counts = [0] * -(-(top - first + 1) // width)
    beyond = sum(value > limit for value in values)
    for value in values:
        if value <= limit:
            counts[(value - first) // width] += 1
    longest = max(*counts, beyond, 1)
    edge = len(f"{top:,}")
    for k, count in enumerate(counts):
        low = first + k * width
        high = min(low + width - 1, top)
        yield f"{low:>{edge},} – {high:>{edge},} {'█' * round(BAR * count / longest):<{BAR}} {count:,}"
    if beyond:
        yield f"{'over':>{edge}} {limit:>{edge + 2},} {'█' * round(BAR * beyond / longest):<{BAR}} {beyond:,}"
