"""What the answers cost that a run rests on, and what was really paid this time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tilth.engine.layer import names
from tilth.models.connect import Connected
from tilth.models.settings import Price
from tilth.recipe.models import Named
from tilth.recipe.plan import Plan
from tilth.store.checkpoint import read_lines


def models_of(plan: Plan) -> dict[str, Named]:
    """The models that the steps of a plan ask, by name."""
    return {named.name: named for step in plan.steps for named in step.models.values()}


def answers_in(folders: Iterable[Path], shards: int) -> Iterable[dict[str, Any]]:
    """Every answer that the stages in these folders rest on."""
    for folder in folders:
        for index in range(shards):
            path = folder / names(index)["answers"]
            if path.exists():
                yield from read_lines(path)


def costs(
    models: Mapping[str, Named], answers: Iterable[Mapping[str, Any]], kept: int
) -> dict[str, dict[str, Any]]:
    """Model → `{requests, prompt_tokens, completion_tokens, cost, currency, cost_per_kept}`.

    An answer counts once, whenever it was paid for and however many samples share it, so that the same data always
    costs the same. Without a price the cost is `None`.
    """
    seen: set[tuple[str, str]] = set()
    totals = {name: {"requests": 0, "prompt_tokens": 0, "completion_tokens": 0} for name in models}
    for answer in answers:
        key = (answer["model"], answer["key"])
        if key in seen or answer.get("state") in (None, "failed") or answer["model"] not in totals:
            continue
        seen.add(key)
        total = totals[answer["model"]]
        total["requests"] += 1
        total["prompt_tokens"] += answer["prompt_tokens"]
        total["completion_tokens"] += answer["completion_tokens"]
    return {name: {**total, **_money(models[name], total, kept)} for name, total in totals.items()}


def _money(named: Named, total: Mapping[str, int], kept: int) -> dict[str, Any]:
    price: Price | None = getattr(named.settings, "price", None)
    if price is None:
        return {"cost": None, "currency": "", "cost_per_kept": None}
    cost = price.of(total["prompt_tokens"], total["completion_tokens"])
    each = round(cost / kept, 8) if kept else None
    return {"cost": round(cost, 6), "currency": price.currency, "cost_per_kept": each}


def paid(models: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Model → what happened to its requests in this process: `{sent, reused, cost}`."""
    return {
        name: {
            "sent": model.usage.sent,
            "reused": model.usage.reused,
            "cost": round(model.usage.cost(model.price), 6),
        }
        for name, model in models.items()
        if isinstance(model, Connected)
    }


def cost_so_far(models: Iterable[Any]) -> str:
    """What was paid until now, for a line of progress; empty where no price is known."""
    sums: dict[str, float] = {}
    for model in models:
        if isinstance(model, Connected) and model.price is not None:
            currency = model.price.currency
            sums[currency] = sums.get(currency, 0.0) + model.usage.cost(model.price)
    return ", ".join(f"{value:.4f} {currency}" for currency, value in sums.items())
