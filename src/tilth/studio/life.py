"""The sample page: one sample's life, told so that what happened stands out; its family, and what is like it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from tilth.engine.life import Teller
from tilth.errors import NotFoundError
from tilth.operators.similarity import jaccard
from tilth.store.catalog import Catalog, Entry
from tilth.studio.plain import plain
from tilth.studio.tokens import mask

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio

NEAR = 6
"""Similar samples shown."""
ALIKE = 0.2
"""Similarity of the questions from which another sample is shown."""
COMPARED = 500
"""Characters of a question or an answer that are compared."""


def routes(studio: Studio) -> list[Route]:
    """`/sample`."""
    from starlette.routing import Route

    def page(request: Request) -> Response:
        index = studio.index
        row = index.at(request.query_params.get("place", ""))
        if row is None:
            raise NotFoundError(f"this run has no sample at '{request.query_params.get('place', '')}'.")
        told = life(studio.teller, index, row)
        return studio.page(
            request, "studio_sample.html", **told, mask=mask(studio.folder, row), path_to=row.place
        )

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


class Like(NamedTuple):
    """Another sample and how alike the two are."""

    entry: Entry
    question: float
    """Jaccard index of the sets of character 3-grams, 0 to 1."""
    answer: float


def life(teller: Teller, index: Catalog, row: Entry) -> dict[str, Any]:
    """Everything the sample page shows.

    Raises:
        FolderError: the run has not finished.
    """
    line = {name: getattr(row, name) for name in ("id", "place", "split", "step", "reason", "evidence")}
    told = teller.tell(row.door, line)
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
        "family": lineage(index, row),
        "like": list(alike(index, row)),
        "before": _beside(index, row, -1),
        "after": _beside(index, row, 1),
    }


def lineage(index: Catalog, row: Entry) -> list[tuple[str, Entry]]:
    """(What it is to this sample, entry): its parent, those made from it, others of the family, and equal records."""
    parent = row.place.rpartition("/")[0]
    found = []
    for other in index.family(row.family) if row.family else []:
        if other.place == row.place:
            continue
        if other.place == parent:
            found.append(("parent", other))
        elif other.place.startswith(row.place + "/"):
            found.append(("child", other))
        else:
            found.append(("same" if other.id == row.id else "relative", other))
    return found


def alike(index: Catalog, row: Entry) -> Iterator[Like]:
    """Samples whose questions are most like this one's, nearest first."""
    if row.sample is None:
        return
    text = row.question[:COMPARED]
    near = []
    for other in index.entries(index.alike(text)):
        likeness = (
            jaccard(text, other.question[:COMPARED]) if other.sample and other.place != row.place else 0.0
        )
        if likeness >= ALIKE:
            near.append((other, likeness))
    for other, likeness in sorted(near, key=lambda pair: (-pair[1], pair[0].n))[:NEAR]:
        yield Like(other, likeness, jaccard(row.answer[:COMPARED], other.answer[:COMPARED]))


def _beside(index: Catalog, row: Entry, step: int) -> str:
    """The place of the sample before or after this one; empty at the ends."""
    n = row.n + step
    found = index.entries([n]) if 0 <= n < index.size else []
    return found[0].place if found else ""


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
