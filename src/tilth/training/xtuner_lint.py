"""What is likely to disappoint in an XTuner 0.1.17 configuration, ours or another's."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tilth.errors import UserError
from tilth.models.internlm2 import speaks_internlm2
from tilth.models.loader import load_template, load_tokenizer
from tilth.sample import Sample
from tilth.training.base import Job, Lint
from tilth.training.hf import MIN_STEPS
from tilth.training.xtuner_rows import xtuner_encoded

SHARDS = 32
"""`process_hf_dataset` splits the data over this many processes, and each packs its own share."""


class Packs(NamedTuple):
    """What packing does to a data set."""

    rows: int
    lost: int
    """Tokens thrown away."""


def lint_config(source: str, rows: int) -> list[Lint]:
    """Read the top-level settings of a configuration and name the faults in them.

    Args:
        source: the configuration's text; it is parsed, never run.
        rows: samples, or packs where the configuration packs.
    """
    values = _settings(source)
    epochs, batch = values.get("max_epochs", 1), values.get("batch_size", 1)
    iterations = math.ceil(rows / batch) * epochs
    steps = iterations // values.get("accumulative_counts", 1)
    found = []
    if steps < MIN_STEPS:
        found.append(
            Lint(
                "few_steps",
                f"{rows} rows × {epochs} epochs make {iterations} iterations and only {steps} optimizer steps.",
                "Lower accumulative_counts (train.gradient_accumulation), or raise epochs.",
            )
        )
    if values.get("save_steps", 0) > iterations:
        found.append(
            Lint(
                "save_after_end",
                f"save_steps is {values['save_steps']} and the training ends after {iterations} iterations.",
                "Lower save_steps, or a stop loses everything.",
            )
        )
    if values.get("prompt_template") == "PROMPT_TEMPLATE.default":
        found.append(
            Lint(
                "template_mismatch",
                "prompt_template is PROMPT_TEMPLATE.default: the model learns another conversation than it is asked.",
                "Set the template it is talked to with, for example PROMPT_TEMPLATE.internlm2_chat.",
            )
        )
    if str(values.get("SYSTEM", "")).startswith("SYSTEM_TEMPLATE."):
        found.append(
            Lint(
                "foreign_system",
                f"SYSTEM is {values['SYSTEM']}, an English prompt the training data does not have.",
                "Leave SYSTEM empty.",
            )
        )
    return found


def packed(lengths: Sequence[int], max_length: int, shards: int = SHARDS) -> Packs:
    """How XTuner 0.1.17 packs: the number of packs, and the tokens it throws away.

    It shuffles first, without a seed, so both vary a little where samples differ in length. Then the data is cut
    into shards of consecutive samples; each is laid end to end and cut into pieces of `max_length`. A shard's
    remainder is thrown away, unless the whole shard is shorter than one piece.
    """
    shards = min(shards, len(lengths))
    packs = lost = 0
    for k in range(shards):
        total = sum(lengths[_start(k, len(lengths), shards) : _start(k + 1, len(lengths), shards)])
        if total <= max_length:
            packs += 1
        else:
            packs += total // max_length
            lost += total % max_length
    return Packs(packs, lost)


def count_rows(job: Job, base: Path, samples: Sequence[Sample]) -> Packs:
    """How many rows XTuner trains on. Where the base's tokenizer is not at hand, packs count as samples do."""
    unpacked = Packs(len(samples), 0)
    if not job.settings.packing:
        return unpacked
    limit = job.settings.max_length
    try:
        template, tokenizer = load_template(base), load_tokenizer(base)
        begin = tokenizer.token_to_id(template.tokens.get("bos_token", ""))
        if begin is None or not speaks_internlm2(template):
            lengths = [min(limit, len(template.encode(tokenizer, s.messages).ids)) for s in samples]
        else:
            lengths = [len(row.ids) for row in xtuner_encoded(samples, begin, tokenizer, limit)]
    except UserError:
        return unpacked
    return packed(lengths, limit)


def lint_packing(packs: Packs) -> list[Lint]:
    """Tokens that packing would throw away."""
    if not packs.lost:
        return []
    return [
        Lint(
            "packing_loses",
            f"packing makes {packs.rows} packs and throws about {packs.lost} tokens away.",
            "Set train.packing to false.",
        )
    ]


def _start(shard: int, rows: int, shards: int) -> int:
    """Where a shard begins; the first ones take one sample more where the rows do not divide evenly."""
    return shard * (rows // shards) + min(shard, rows % shards)


def _settings(source: str) -> dict[str, Any]:
    """Top-level assignments: literals as values, names as their source text."""
    values: dict[str, Any] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                values[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                values[node.targets[0].id] = ast.unparse(node.value)
    return values
