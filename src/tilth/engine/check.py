"""Problems of a recipe's input that can be seen without running it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from tilth.engine.costs import models_of
from tilth.engine.dry import dry_run
from tilth.engine.reading import read_source, sample_of
from tilth.errors import FormatError, Problem, SourceError
from tilth.models.endpoint import EndpointModel
from tilth.models.settings import Endpoint
from tilth.recipe.plan import Plan
from tilth.sources import files_of
from tilth.sources.address import is_web
from tilth.sources.base import Spec
from tilth.sources.layout import encoding_hint

LOOKED_AT = 200
"""Entries of each source that `check` tries to read."""


def check_input(plan: Plan) -> Iterator[Problem]:
    """Sources that cannot be read, look like another encoding, or do not have the shape the recipe names."""
    sources = [[spec] for spec in plan.specs if not is_web(spec.address)]
    pages = [spec for spec in plan.specs if is_web(spec.address)]
    # A page that will not be had is one of all pages: alone it would always be too many.
    for specs in [*sources, *([pages] if pages else [])]:
        try:
            for found in files_of(specs) if specs[0].encoding == "utf-8" else ():
                hint = "" if found.skipped else encoding_hint(found.path)
                if hint:
                    yield Problem(hint, "data.from", plan.file)
            yield from _try_to_read(plan, specs)
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


def _try_to_read(plan: Plan, specs: Sequence[Spec]) -> Iterator[Problem]:
    wrong: list[str] = []
    unread: list[str] = []
    refused: list[str] = []
    looked = 0
    name = specs[0].path if len(specs) == 1 else f"{len(specs)} addresses"
    for entry, part, settled in islice(chain.from_iterable(map(read_source, specs)), LOOKED_AT):
        looked += 1
        try:
            sample = sample_of(entry, part, settled)
        except FormatError as error:
            (unread if entry.error else wrong).append(f"{part.name}:{entry.n}: {error.message}")
            continue
        try:
            if plan.target.write is not None:
                plan.target.write(sample)
        except FormatError as error:
            refused.append(f"{sample.place}: {error.message}")
    most = plan.recipe.data.max_quarantined * looked
    if len(wrong) + len(unread) > most:
        first = (wrong or unread)[0]
        message = (
            f"{len(wrong) + len(unread)} of the first {looked} entries of {name} cannot be read; {first}"
        )
        if wrong:
            hint = "Choose another `format:`, or map the keys with `columns:`."
            yield Problem(message, "data.format", plan.file, hint=hint)
        else:
            hint = "A run would set them aside and fail: mend them or take them out, or raise `data.max_quarantined`."
            yield Problem(message, "data.from", plan.file, hint=hint)
    if looked and len(refused) / looked > plan.recipe.data.max_quarantined:
        message = f"{len(refused)} of the first {looked} samples cannot be written as {plan.target.name}; {refused[0]}"
        yield Problem(message, "data.to", plan.file, hint="Choose a `to:` that carries them.")
