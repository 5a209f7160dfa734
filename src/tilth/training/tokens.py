"""What the trainer will see of a data file: tokens, loss mask, truncation, packs, optimizer steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tilth.models.internlm2 import speaks_internlm2
from tilth.models.loader import load_template, load_tokenizer
from tilth.models.template import ChatTemplate, Tokenizer
from tilth.recipe.schema import Train
from tilth.sample import Sample
from tilth.training.base import Lint
from tilth.training.hf import optimizer_steps, warm_up_steps
from tilth.training.lint import data_faults, template_faults
from tilth.training.llamafactory_rows import llamafactory_encoded
from tilth.training.packing import pack
from tilth.training.rows import Row, encoded
from tilth.training.xtuner_rows import xtuner_encoded

SHOWN = 12
"""Samples whose loss mask is kept for people, besides those that are cut or teach nothing."""


class Piece(NamedTuple):
    """A piece of a rendered conversation."""

    text: str
    kind: str
    """`read`, `learned`, or `cut` where it is beyond the limit."""


@dataclass(frozen=True)
class Shown:
    """One sample as text, in pieces of one kind each, and what was counted."""

    place: str
    pieces: tuple[Piece, ...]
    tokens: int
    answer: int
    """Tokens of assistant turns within the limit, learned or not."""
    trained: int
    refused: str = ""


@dataclass
class Tokens:
    """Every sample's tokens, in data order. What the trainer leaves out stands there with nothing trained."""

    settings: Train
    samples: list[dict[str, Any]] = field(default_factory=list)
    """`{place, tokens, trained, truncated}`; `tokens` counts the whole sample, `trained` what is within the limit."""
    kept: list[int] = field(default_factory=list)
    """Tokens of each sample that is trained on, cut to the limit."""
    refused: dict[str, str] = field(default_factory=dict)
    marked: dict[str, str] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    lint: list[Lint] = field(default_factory=list)

    @cached_property
    def packs(self) -> int:
        """Rows the trainer steps over: packs, or samples where it does not pack."""
        return len(pack(self.kept, self.settings.max_length)) if self.settings.packing else len(self.kept)

    @cached_property
    def totals(self) -> dict[str, int]:
        """The sums over all samples. `prompt` is what is read and not learned of the samples that are trained on."""
        trained = sum(row["trained"] for row in self.samples)
        return {
            "samples": len(self.samples),
            "tokens": sum(row["tokens"] for row in self.samples),
            "prompt": sum(self.kept) - trained,
            "trained": trained,
            "truncated": sum(row["truncated"] for row in self.samples),
            "untrained": sum(not row["trained"] for row in self.samples),
            "packs": self.packs,
            "optimizer_steps": optimizer_steps(self.packs, self.settings),
        }

    @property
    def warm_up(self) -> int:
        """Optimizer steps on which the learning rate rises."""
        return warm_up_steps(self.totals["optimizer_steps"], self.settings)

    @property
    def filled(self) -> float:
        """The share of the trainer's rows that are tokens and not padding; unpacked rows count as the limit long."""
        return sum(self.kept) / (self.packs * self.settings.max_length) if self.packs else 0.0

    def as_dict(self) -> dict[str, Any]:
        """What `tilth tokens --json` prints."""
        lint = [{"rule": x.rule, "message": x.message, "fix": x.fix} for x in self.lint]
        return {"totals": self.totals, "samples": self.samples, "lint": lint}


def count_tokens(
    samples: Iterable[Sample],
    model: Path,
    settings: Train,
    place: str | None = None,
    template: str | None = None,
) -> Tokens:
    """Encode samples exactly as the backend does: for `hf` on one code path with training, for others as theirs.

    Args:
        samples: in data order.
        model: a folder with tokenizer and chat template; weights are not needed.
        settings: `max_length`, packing, batch and epochs of the training to come.
        place: the one sample to show; by default the first ones, and the first that are cut or teach nothing.
        template: a chat template to use instead of the model's own.

    Raises:
        MissingExtra: the package `tokenizers` is not installed.
        UserError: the folder has no tokenizer or no usable chat template.
    """
    return count_with(load_template(model, template), load_tokenizer(model), samples, settings, place)


def count_with(
    chat: ChatTemplate,
    tokenizer: Tokenizer,
    samples: Iterable[Sample],
    settings: Train,
    place: str | None = None,
) -> Tokens:
    """As `count_tokens`, with a template and a tokenizer that are loaded."""
    found = Tokens(settings)
    controls = _control_tokens(chat, tokenizer)
    seen: Counter[str] = Counter()
    for row in _rows(samples, chat, tokenizer, settings):
        fate = _count(found, row, controls)
        if row.sample.place == place if place else seen[fate] < SHOWN:
            seen[fate] += 1
            found.shown.append(show(row, chat, tokenizer, settings.max_length))
    found.lint += [
        *template_faults(chat, tokenizer),
        *data_faults(found.totals, found.refused, found.marked),
    ]
    return found


def _rows(
    samples: Iterable[Sample], template: ChatTemplate, tokenizer: Tokenizer, settings: Train
) -> Iterator[Row]:
    """The samples as the backend encodes them; it is known of other trainers for InternLM2's template only."""
    begin = tokenizer.token_to_id(template.tokens.get("bos_token", ""))
    limit = settings.max_length
    if settings.backend == "hf" or begin is None or not speaks_internlm2(template):
        return encoded(samples, template, tokenizer, limit)
    if settings.backend == "xtuner":
        return xtuner_encoded(samples, begin, tokenizer, limit)
    return llamafactory_encoded(samples, template, begin, tokenizer, limit)


def _count(found: Tokens, row: Row, controls: tuple[str, ...]) -> str:
    """Count a sample; returns whether it is `whole`, `cut` or `untrained`."""
    place = row.sample.place
    trained = row.learned
    cut = row.whole > found.settings.max_length
    found.samples.append({"place": place, "tokens": row.whole, "trained": trained, "truncated": cut})
    if trained:
        found.kept.append(len(row.ids))
    if row.refused:
        found.refused[place] = row.refused
    text = "\n".join([message.content for message in row.sample.messages])
    for control in controls:
        if control in text:
            found.marked[place] = control
    return "cut" if trained and cut else "whole" if trained else "untrained"


def _control_tokens(template: ChatTemplate, tokenizer: Tokenizer) -> tuple[str, ...]:
    """The tokens that structure a conversation; as text in a message they would pass for structure."""
    end = template.end_of_turn(tokenizer)
    named = [template.tokens.get(name) for name in ("bos_token", "eos_token")]
    if end is not None:
        named.append(tokenizer.decode([end], skip_special_tokens=False))
    return tuple(sorted({text for text in named if text and len(text) > 1 and tokenizer.token_to_id(text)}))


def show(row: Row, template: ChatTemplate, tokenizer: Tokenizer, limit: int) -> Shown:
    """One sample's loss mask over its rendered text."""
    sample = row.sample
    if row.refused:
        return Shown(sample.place, (), 0, 0, 0, row.refused)
    every = [message.replace(loss=None) for message in sample.messages]
    answers = template.encode(tokenizer, every, sample.tools).trained
    traced = template.trace(tokenizer, sample.messages, sample.tools)
    same = row.ids == traced.ids[:limit]
    kinds = ["learned" if mark else "read" for mark in (row.trained if same else traced.trained[:limit])]
    kinds += ["cut"] * (len(traced.ids) - len(kinds))
    pieces = tuple(_pieces(traced.text, traced.offsets, kinds))
    return Shown(sample.place, pieces, row.whole, sum(answers[:limit]), row.learned)


def _pieces(text: str, offsets: list[tuple[int, int]], kinds: list[str]) -> Iterator[Piece]:
    """The text, cut where the kind of its tokens changes. A character of several tokens goes with the first."""
    start = 0
    for at in range(1, len(kinds) + 1):
        if at == len(kinds) or kinds[at] != kinds[at - 1]:
            end = len(text) if at == len(kinds) else max(start, offsets[at][0], offsets[at - 1][1])
            if end > start:
                yield Piece(text[start:end], kinds[at - 1])
            start = end
