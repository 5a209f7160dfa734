"""What a run reads: its files, cut into shards, and the lock that names them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import yaml

from tilth import __version__
from tilth.engine.reading import settle_formats
from tilth.recipe.plan import Plan, content_key
from tilth.sources import digest, files_of, plan, size_of
from tilth.sources.base import Shard, Spec


@dataclass(frozen=True)
class Inputs:
    """What a run reads, and the keys that follow from it."""

    specs: tuple[Spec, ...]
    shards: list[Shard]
    files: list[dict[str, Any]]
    """name, bytes and digest of each input file."""
    not_read: list[dict[str, Any]]
    """Why files of the sources were passed over, each with the number of them and the first."""
    key: str


def read_inputs(plan_: Plan, limit: int = 0) -> Inputs:
    """Find the input files, cut them into shards, and settle each source's format.

    Raises:
        SourceError: an input is missing or of an unknown kind.
        FormatError: a format could not be detected.
    """
    shards = plan(plan_.specs)
    if limit:
        shards = [Shard(0, tuple(part for shard in shards for part in shard.parts))]
    specs = settle_formats(plan_.specs, shards)
    listed = files_of(plan_.specs)
    files = [
        {"name": f.name, "bytes": size_of(f.path), "digest": digest(f.path)} for f in listed if not f.skipped
    ]
    passed = Counter(f.skipped for f in listed if f.skipped)
    first = {f.skipped: f.name for f in reversed(listed)}
    not_read = [{"why": why, "files": n, "first": first[why]} for why, n in sorted(passed.items())]
    shapes = [[s.format, s.encoding, dict(s.columns), s.page] for s in specs]
    cut = [[p.name, p.start, p.end] for shard in shards for p in shard.parts]
    return Inputs(specs, shards, files, not_read, content_key("read", __version__, files, shapes, cut, limit))


def lock_text(plan_: Plan, inputs: Inputs) -> str:
    """`recipe.lock.yaml`: every default, version, seed and input digest; `$NAME` stays a name."""
    document = json.loads(plan_.recipe.model_dump_json(by_alias=True))
    document["data"]["steps"] = [
        {step.name: {**step.settings, "version": step.declared.version}} for step in plan_.steps
    ]
    document["formats"] = [spec.format for spec in inputs.specs]
    document["inputs"] = inputs.files
    document["versions"] = {"tilth": __version__}
    plain = json.loads(json.dumps(document, default=str))
    text: str = yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=110)
    return text
