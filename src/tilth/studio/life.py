"""One sample's life, told so that what happened stands out from what did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from tilth.engine.replay import explain
from tilth.errors import NotFoundError
from tilth.store.catalog import Catalog, Entry
from tilth.store.folder import RunFolder
from tilth.studio.plain import plain

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio


def routes(studio: Studio) -> list[Route]:
    """`/sample`."""
    from starlette.routing import Route

    def page(request: Request) -> Response:
        place = request.query_params.get("place", "")
        row = studio.index.at(place)
        if row is None:
            raise NotFoundError(f"this run has no sample at '{place}'.")
        return studio.page(request, "studio_sample.html", **life(studio.folder, studio.index, row))

    return [Route("/sample", page)]


class Fact(NamedTuple):
    """One piece of evidence."""

    name: str
    text: str
    place: str
    """The place of another sample, where the text is one; else empty."""


class Station(NamedTuple):
    """A step that did something to the sample."""

    name: str
    door: str
    reason: str
    before: str | None
    after: str | None
    facts: tuple[Fact, ...]


class Quiet(NamedTuple):
    """Steps in a row that looked at the sample and left it as it was."""

    names: tuple[str, ...]


def life(folder: RunFolder, index: Catalog, row: Entry) -> dict[str, Any]:
    """Everything the sample page shows.

    Raises:
        FolderError: the run has not finished.
    """
    told = explain(folder.path, row.place)
    sides: dict[str, Any] = {answer["side"]: answer for answer in told["answers"]}
    return {
        "row": row,
        "stations": list(stations(told["steps"], index)),
        "proposals": [{**p, "facts": facts(p.get("evidence", {}), index)} for p in told["proposals"]],
        "decisions": told["decisions"],
        "answers": sides,
        "source": told["source"] or row.raw,
        "note": told["note"],
        "known": {**(row.sample.meta if row.sample else {})},
        "measured": {**(row.sample.signals if row.sample else {})},
    }


def stations(steps: list[Mapping[str, Any]], index: Catalog) -> Iterator[Station | Quiet]:
    """The steps in order, with those that did nothing put together."""
    made = [_station(step, index) for step in steps]
    for quiet, group in groupby(made, key=_is_quiet):
        if quiet:
            yield Quiet(tuple(station.name for station in group))
        else:
            yield from group


def _station(step: Mapping[str, Any], index: Catalog) -> Station:
    evidence = {name: value for name, value in step["evidence"].items() if name != "proposals"}
    proposed = step["evidence"].get("proposals")
    return Station(
        name=step["name"],
        door=step["door"],
        reason="proposed" if proposed and not step["reason"] else step["reason"],
        before=step["before"],
        after=step["after"],
        facts=facts(evidence, index),
    )


def _is_quiet(station: Station) -> bool:
    return station.door == "kept" and not (station.reason or station.facts or station.before is not None)


def facts(evidence: Mapping[str, Any], index: Catalog) -> tuple[Fact, ...]:
    """Evidence as pairs of words; what names another sample can be followed."""
    return tuple(
        Fact(name, plain(value), value if isinstance(value, str) and index.knows(value) else "")
        for name, value in evidence.items()
    )
