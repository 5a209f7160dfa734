"""What the trainer will see of a data file: tokens, loss mask, truncation, optimizer steps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tilth.models.loader import load_template, load_tokenizer
from tilth.models.template import ChatTemplate, Tokenizer
from tilth.recipe.schema import Train
from tilth.sample import Sample
from tilth.training.base import Lint
from tilth.training.rows import encode_samples


@dataclass(frozen=True)
class Shown:
    """One sample as text, in pieces that are learned or not."""

    place: str
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Tokens:
    """Every sample's tokens, in data order. What the trainer leaves out stands there with nothing trained."""

    samples: tuple[dict[str, Any], ...]
    """`{place, tokens, trained, truncated}`; `tokens` counts the whole sample, `trained` what is within the limit."""
    totals: dict[str, int]
    lint: tuple[Lint, ...]
    shown: Shown | None

    def as_dict(self) -> dict[str, Any]:
        """What `tilth tokens --json` prints."""
        lint = [{"rule": x.rule, "message": x.message, "fix": x.fix} for x in self.lint]
        return {"totals": self.totals, "samples": list(self.samples), "lint": lint}


def count_tokens(samples: Iterable[Sample], model: Path, settings: Train) -> Tokens:
    """Encode samples exactly as the `hf` backend does, one code path with training.

    Args:
        samples: in data order.
        model: a folder with tokenizer and chat template; weights are not needed.
        settings: `max_length`, batch and epochs of the training to come.

    Raises:
        MissingExtra: the package `tokenizers` is not installed.
        UserError: the folder has no tokenizer or no usable chat template.
    """
    template, tokenizer = load_template(model), load_tokenizer(model)
    rows: list[dict[str, Any]] = []
    refused: dict[str, str] = {}
    shown: Shown | None = None
    prompt = kept = 0
    for sample in samples:
        encoded = encode_samples([sample], template, tokenizer, settings.max_length)
        refused |= encoded.refused
        whole = len(encoded.ids[0]) if encoded.ids else 0
        if sample.place in encoded.truncated or sample.place in encoded.untrained:
            whole = len(template.encode(tokenizer, sample.messages, sample.tools).ids)
        trained = sum(encoded.trained[0]) if encoded.trained else 0
        cut = sample.place in encoded.truncated
        rows.append({"place": sample.place, "tokens": whole, "trained": trained, "truncated": cut})
        kept += bool(trained)
        prompt += len(encoded.ids[0]) - trained if encoded.ids else 0
        if shown is None and encoded.ids:
            shown = Shown(sample.place, pieces(tokenizer, encoded.ids[0], encoded.trained[0]))
    steps = math.ceil(kept / (settings.batch_size * settings.gradient_accumulation)) * settings.epochs
    totals = {
        "samples": len(rows),
        "tokens": sum(row["tokens"] for row in rows),
        "prompt": prompt,
        "trained": sum(row["trained"] for row in rows),
        "truncated": sum(row["truncated"] for row in rows),
        "untrained": sum(not row["trained"] for row in rows),
        "packs": kept,
        "optimizer_steps": math.ceil(steps),
    }
    return Tokens(tuple(rows), totals, tuple(find_faults(template, tokenizer, totals, refused)), shown)


def pieces(tokenizer: Tokenizer, ids: Sequence[int], trained: Sequence[int]) -> tuple[tuple[str, bool], ...]:
    """The text of the ids, cut where learning begins and ends."""
    found: list[tuple[str, bool]] = []
    start = 0
    for at in range(1, len(ids) + 1):
        if at == len(ids) or trained[at] != trained[start]:
            text = tokenizer.decode(list(ids[start:at]), skip_special_tokens=False)
            found.append((text, bool(trained[start])))
            start = at
    return tuple(found)


def find_faults(
    template: ChatTemplate, tokenizer: Tokenizer, totals: dict[str, int], refused: dict[str, str]
) -> Iterable[Lint]:
    """What in the template or the lengths is likely to disappoint."""
    if refused:
        place, why = next(iter(refused.items()))
        message = f"the chat template refuses {len(refused)} sample(s); {place}: {why}"
        yield Lint("refused_by_template", message, "Change the messages, or choose another model.")
    if totals["truncated"]:
        message = f"{totals['truncated']} of {totals['samples']} samples are longer than the limit and lose their end."
        yield Lint("truncated", message, "Raise train.max_length, or filter by length.")
    if totals["untrained"]:
        message = f"{totals['untrained']} of {totals['samples']} samples teach nothing: no answer token is within the limit."
        yield Lint("untrained", message, "Raise train.max_length, or drop them with filter.length.")
    if template.end_of_turn(tokenizer) is None:
        message = "no token that ends an answer is trained, so the model will not learn to stop."
        yield Lint("untrained_end", message, "Put the end token inside the template's generation markers.")
    begin = template.tokens.get("bos_token")
    if begin and template.text.count("bos_token") > 1:
        yield Lint(
            "double_bos", f"the template writes {begin} more than once.", "Write it once, at the beginning."
        )
