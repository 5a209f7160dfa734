"""A recipe, checked completely: what the engine walks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

from tilth.formats.base import FORMATS, Format
from tilth.operators.base import OPERATORS, Operator, SetOperator
from tilth.operators.prompts import digest as prompt_digest
from tilth.recipe.models import Named
from tilth.recipe.schema import Recipe
from tilth.sample import Outcome, Sample
from tilth.sources.base import Spec

PLUGIN = "tilth_plugin_"
"""How modules made from plugin files are called; the rest is the file's stem and the digest of its content."""


@dataclass(frozen=True)
class Step:
    """One step of `data.steps` with all its settings."""

    name: str
    """The operator's name; a second use in one recipe is called `name@2`."""
    operator: str
    settings: Mapping[str, Any]
    models: Mapping[str, Named] = field(default_factory=dict)
    """Setting → the model it names."""

    @property
    def declared(self) -> Operator:
        """The operator this step runs."""
        return OPERATORS.get(self.operator)

    @property
    def is_set(self) -> bool:
        """Whether the step looks at all samples before it decides."""
        return self.declared.kind == "set"

    @property
    def waits(self) -> bool:
        """Whether the step waits for a model or for people: it is a stage of its own, walked in this process."""
        return self.declared.kind in ("model", "person")

    @property
    def function(self) -> Callable[[Sample], Outcome]:
        """The per-sample function with its settings filled in."""
        return self.declared.bind(self.settings)  # type: ignore[return-value]  # kind is checked by is_set

    @property
    def set_operator(self) -> SetOperator:
        """The set operator with its settings filled in."""
        return self.declared.bind(self.settings)  # type: ignore[return-value]  # kind is checked by is_set

    def input_files(self) -> list[str]:
        """Files that the settings name; their content is part of the step's key."""
        named = (self.settings.get(setting) or [] for setting in self.declared.files)
        listed = [name for value in named for name in ([value] if isinstance(value, str) else value)]
        return [name for each in listed for name in _tokenizer_files(each)]

    def key_part(self) -> list[Any]:
        """What of this step decides its result."""
        digests = [digest_of_file(name) for name in self.input_files()]
        home = self.declared.target.__module__
        plugin = home if home.startswith(PLUGIN) else ""
        asked = [
            *(named.identity for named in self.models.values()),
            *(prompt_digest(name) for name in self.declared.prompts),
        ]
        parts = [self.name, self.operator, self.declared.version, dict(self.settings), digests, plugin]
        return [*parts, asked] if asked else parts

    def facts_part(self) -> list[Any]:
        """What of a set step decides its facts: all but the settings that only `decide` reads."""
        return self._part("observes")

    def prepared_part(self) -> list[Any]:
        """What of a set step decides what it prepares: all but the settings that only `decide` reads."""
        return self._part("prepares")

    def _part(self, named: str) -> list[Any]:
        name, operator, version, settings, *rest = self.key_part()
        read = getattr(self.declared.target, named, settings)
        return [name, operator, version, {key: settings[key] for key in settings if key in read}, *rest]


def _tokenizer_files(name: str) -> list[str]:
    """The file itself; of a model's folder what decides how text becomes tokens, without the weights."""
    folder = Path(name)
    if not folder.is_dir():
        return [name]
    return [str(each) for each in sorted(folder.iterdir()) if each.suffix in (".json", ".jinja", ".model")]


@dataclass(frozen=True)
class Stage:
    """Per-sample steps fused into one pass, or one step that waits; then the set steps that look at its result."""

    index: int
    steps: tuple[Step, ...]
    sets: tuple[Step, ...]

    @property
    def waits(self) -> Step | None:
        """The step that waits for answers, where this is a stage of one."""
        return self.steps[0] if self.steps and self.steps[0].waits else None


@dataclass(frozen=True)
class Plan:
    """A recipe that has passed all checks."""

    recipe: Recipe
    file: str
    """The recipe's file, for messages."""
    folder: Path
    """What relative paths in the recipe are relative to."""
    text: str
    """The recipe as written."""
    document: Mapping[str, Any]
    """The recipe after overrides."""
    specs: tuple[Spec, ...]
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.recipe.name

    @property
    def target(self) -> Format:
        """The format of `data.to`."""
        return FORMATS.get(self.recipe.data.to)

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The steps, grouped: a stage ends with its last set step; a step that waits begins and ends one."""
        stages: list[Stage] = []
        steps: list[Step] = []
        sets: list[Step] = []
        for step in self.steps:
            apart = steps and (step.waits or steps[-1].waits)
            if (sets or apart) and not step.is_set:
                stages.append(Stage(len(stages), tuple(steps), tuple(sets)))
                steps, sets = [], []
            (sets if step.is_set else steps).append(step)
        stages.append(Stage(len(stages), tuple(steps), tuple(sets)))
        return tuple(stages)

    @property
    def split_step(self) -> Step | None:
        """The last step that gives sides, if there is one."""
        return next((s for s in reversed(self.steps) if s.declared.family == "split"), None)


def content_key(*parts: Any) -> str:
    """A key made from content: 32 hex digits of blake2b over canonical JSON."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


def digest_of_file(name: str) -> str:
    """Blake2b of a file's bytes, 32 hex digits; `missing` where there is none."""
    path = Path(name)
    if not path.is_file():
        return "missing"
    digest = blake2b(digest_size=16)
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
