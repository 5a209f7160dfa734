"""What a run would ask its models, and cost, before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from tilth.models.base import Reply, Request
from tilth.models.cached import estimate
from tilth.models.connect import Connected
from tilth.models.structured import Structured, json_schema
from tilth.recipe.models import Named

TEXT = "[the answer of a model]"
"""What stands for an answer that is not known yet."""


class Forecast:
    """A model that sends nothing: known answers come from the cache, the others are counted and made up."""

    def __init__(self, named: Named, model: Connected, mean: float | None) -> None:
        self._named, self._model, self._mean = named, model, mean
        self._seen: dict[str, tuple[int, int]] = {}
        self._cached: set[str] = set()
        self.name, self.identity = model.name, model.identity

    def key(self, request: Request) -> str:
        """What the cache knows the request by."""
        return self._model.key(request)

    async def close(self) -> None:
        """Nothing is open."""

    async def answer(self, request: Request) -> Reply:
        """The answer from the cache, or a made-up one that fits."""
        known = self._model.known(request)
        if known is not None:
            self._cached.add(self.key(request))
            return await Structured(_Said(self.name, known)).answer(request)
        sent = self._model.parameters(request)
        longest = int(sent.get("max_tokens") or sent.get("max_completion_tokens") or 0)
        self._seen[self.key(request)] = (estimate(request), longest)
        if request.shape is None:
            return Reply(TEXT)
        return Reply("", data=msgspec.convert(made_up(json_schema(request.shape)), request.shape))

    @property
    def uncached(self) -> int:
        """Requests that a run would send."""
        return len(self._seen)

    def told(self, scale: float) -> dict[str, Any]:
        """What a run over `scale` times as much would ask; answers are at most as long as the recipe allows.

        Where the cache holds answers of this model, `about` says what answers of their mean length would cost.
        """
        calls = math.ceil(len(self._seen) * scale)
        prompt = math.ceil(sum(p for p, _ in self._seen.values()) * scale)
        longest = math.ceil(sum(c for _, c in self._seen.values()) * scale)
        price = getattr(self._named.settings, "price", None)
        mean = None if self._mean is None else math.ceil(self._mean * calls)
        return {
            "model": self._named.name,
            "calls": calls,
            "cached": math.ceil(len(self._cached) * scale),
            "prompt_tokens": prompt,
            "completion_tokens_at_most": longest,
            "completion_tokens_about": mean,
            "cost_at_most": round(price.of(prompt, longest), 6) if price else None,
            "cost_about": round(price.of(prompt, mean), 6) if price and mean is not None else None,
            "currency": price.currency if price else "",
        }


class _Said:
    def __init__(self, name: str, reply: Reply) -> None:
        self.name = self.identity = name
        self._reply = reply

    async def answer(self, request: Request) -> Reply:
        return self._reply


def made_up(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """The kindest value of a JSON Schema: verdicts pass, scores are high, so that a sample goes on and asks on."""
    root = root or schema
    if "$ref" in schema:
        return made_up(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return next((good for good in ("pass", "yes", True) if good in schema["enum"]), schema["enum"][0])
    if "anyOf" in schema:
        return made_up(schema["anyOf"][0], root)
    match schema.get("type"):
        case "object":
            return {name: made_up(part, root) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [made_up(schema["items"], root)] if isinstance(schema.get("items"), dict) else []
        case "integer" | "number":
            return schema.get("maximum", schema.get("minimum", 1))
        case "boolean":
            return True
    return TEXT
