"""Problems of a recipe's input that can be seen without running it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice

from tilth.engine.costs import models_of
from tilth.engine.dry import dry_run
from tilth.engine.reading import read_source, sample_of
from tilth.errors import FormatError, Problem, SourceError
from tilth.models.endpoint import EndpointModel
from tilth.models.settings import Endpoint
from tilth.recipe.plan import Plan
from tilth.sources import files_of
from tilth.sources.base import Spec
from tilth.sources.layout import encoding_hint

LOOKED_AT = 200
"""Entries of each source that `check` tries to read."""


def check_input(plan: Plan) -> Iterator[Problem]:
    """Sources that cannot be read, look like another encoding, or do not have the shape the recipe names."""
    for spec in plan.specs:
        try:
            for found in files_of([spec]) if spec.encoding == "utf-8" else ():
                hint = "" if found.skipped else encoding_hint(found.path)
                if hint:
                    yield Problem(hint, "data.from", plan.file)
            yield from _try_to_read(plan, spec)
        except (SourceError, FormatError) as error:
            yield Problem(error.message, "data.from", plan.file, hint=error.hint)
            return
    yield from _unreachable(plan)


def _unreachable(plan: Plan) -> Iterator[Problem]:
    """Endpoints that do not answer. One is only knocked at where a run would have to ask it something new."""
    asked = models_of(plan)
    if not any(isinstance(named.settings, Endpoint) for named in asked.values()):
        return
    wanted = {row["model"] for row in dry_run(plan, LOOKED_AT)["forecast"] if row["calls"]}
    for name, named in asked.items():
        if name in wanted and isinstance(named.settings, Endpoint):
            problem = asyncio.run(_knock(named.settings))
            if problem:
                hint = "Start the server, or mend base_url and api_key; what is in the cache needs neither."
                yield Problem(f"{problem}.", f"models.{name}", plan.file, hint=hint)


async def _knock(settings: Endpoint) -> str:
    model = EndpointModel(settings)
    try:
        return await model.probe()
    finally:
        await model.close()


def _try_to_read(plan: Plan, spec: Spec) -> Iterator[Problem]:
    wrong: list[str] = []
    refused: list[str] = []
    looked = 0
    for entry, part, settled in islice(read_source(spec), LOOKED_AT):
        looked += 1
        try:
            sample = sample_of(entry, part, settled)
        except FormatError as error:
            wrong.append(f"{part.name}:{entry.n}: {error.message}")
            continue
        try:
            if plan.target.write is not None:
                plan.target.write(sample)
        except FormatError as error:
            refused.append(f"{sample.place}: {error.message}")
    if looked and len(wrong) / looked > plan.recipe.data.max_quarantined:
        message = f"{len(wrong)} of the first {looked} entries of {spec.path} cannot be read; {wrong[0]}"
        hint = "Choose another `format:`, or map the keys with `columns:`."
        yield Problem(message, "data.format", plan.file, hint=hint)
    if looked and len(refused) / looked > plan.recipe.data.max_quarantined:
        message = f"{len(refused)} of the first {looked} samples cannot be written as {plan.target.name}; {refused[0]}"
        yield Problem(message, "data.to", plan.file, hint="Choose a `to:` that carries them.")
