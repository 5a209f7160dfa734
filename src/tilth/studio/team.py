"""How the review goes: progress, people, agreement; and decisions out to other tools and back in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilth.errors import FormatError
from tilth.review.agreement import Agreement, alpha, blind_verdicts, blind_votes, in_words, kappa, percent
from tilth.review.exchange import exported, imported
from tilth.review.labelllm import FORM, answered, decided, questionnaire, task
from tilth.review.room import QUEUES, Room, Wish
from tilth.review.state import Throughput, throughput
from tilth.serving.guard import json_response
from tilth.store.decisions import VERDICTS, Event
from tilth.store.files import json_line
from tilth.studio.posts import Refused, choice, read_json, text
from tilth.studio.wishes import wish_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio

PIECE = 1_000_000
"""Characters of a file that come with one request."""


def routes(studio: Studio, room: Room) -> list[Route]:
    """`/review/team` and the files it offers and takes."""
    from starlette.concurrency import run_in_threadpool
    from starlette.routing import Route

    def page(request: Request) -> Response:
        return studio.page(request, "studio_team.html", **team(room, wish_of(request.query_params, room)))

    async def take(request: Request) -> Response:
        body = await read_json(request)
        kind = choice(body, "kind", ("tilth", "labelllm"))
        return json_response(await run_in_threadpool(taken_in, room, kind, text(body, "text", PIECE)))

    def decisions(request: Request) -> Response:
        return _file("decisions.jsonl", exported(room.events()))

    def labelllm(request: Request) -> Response:
        wish = wish_of(request.query_params, room)
        done = request.path_params["what"] == "decisions"
        lines = _decisions(room) if done else _tasks(room, wish)
        name = "labelllm-decisions.jsonl" if done else f"labelllm-{wish.queue}.jsonl"
        return _file(name, "".join(map(json_line, lines)).encode("utf-8"))

    def form(request: Request) -> Response:
        return _file("labelllm-form.json", json.dumps(FORM, ensure_ascii=False, indent=2).encode("utf-8"))

    return [
        Route("/review/team", page),
        Route("/review/decisions.jsonl", decisions),
        Route("/review/labelllm-form.json", form),
        Route("/review/labelllm/{what}.jsonl", labelllm),
        Route("/api/review/import", take, methods=["POST"]),
    ]


def _file(name: str, content: bytes) -> Response:
    from starlette.responses import Response

    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type="application/octet-stream")


def team(room: Room, wish: Wish) -> dict[str, Any]:
    """What the page is made of."""
    _, board = room.refresh()
    events = list(board.standing())
    counts = {name: room.count(Wish(name, wish.wanted, wish.share, wish.seed)) for name in QUEUES}
    return {
        "counts": counts,
        "wanted": wish.wanted,
        "people": people(events),
        "agreement": agreement(events),
        "blind_votes": sum(event.get("blind") is True for event in events),
        "events": len(room.events()),
    }


def people(events: Sequence[Event]) -> list[tuple[str, Throughput, Mapping[str, int]]]:
    """Person, how much and how fast, and how often each verdict; who did most stands first."""
    verdicts: dict[str, Counter[str]] = {}
    for event in events:
        verdicts.setdefault(event.get("person", ""), Counter())[event["verdict"]] += 1
    done = throughput(events)
    rows = [(name, done[name], {v: verdicts[name][v] for v in VERDICTS}) for name in done]
    return sorted(rows, key=lambda row: -row[1].decisions)


def agreement(events: Sequence[Event]) -> list[tuple[str, int, dict[str, Agreement], str]]:
    """What was voted on, votes compared, the figures, and what they mean in words."""
    blind = [event for event in events if event.get("blind") is True]
    names = dict.fromkeys(name for event in blind for name in event.get("scores") or {})
    tables = {"verdict": blind_verdicts(blind), **{name: blind_votes(blind, name) for name in names}}
    found = []
    for name, table in tables.items():
        figures = {"percent": percent(table), "alpha": alpha(table), "kappa": kappa(table)}
        found.append((name, figures["percent"].votes, figures, in_words(figures["alpha"])))
    return found if blind else []


def _tasks(room: Room, wish: Wish) -> Iterator[dict[str, Any]]:
    """The open cases of a queue as tasks; what LabelLLM's shape cannot carry is left to our own desk."""
    cases, board = room.refresh()
    for case in room.queue(wish):
        if case.proposal is None and not board.about(case):
            try:
                yield task(case, cases)
            except FormatError:
                continue


def _decisions(room: Room) -> Iterator[dict[str, Any]]:
    cases, board = room.refresh()
    for event in board.standing():
        case = cases.find(event["sample_id"])
        if case is not None and not event.get("proposal"):
            yield answered(event, case, cases)


def taken_in(room: Room, kind: str, said: str) -> dict[str, Any]:
    """Take in a piece of a file, whole lines.

    Raises:
        Refused: a line is none of its kind; then nothing of the piece is taken in.
    """
    try:
        events = imported(said) if kind == "tilth" else list(_from_labelllm(room, said))
    except FormatError as error:
        raise Refused(400, error.message) from None
    return {"lines": len(events), "new": room.take(events)}


def _from_labelllm(room: Room, said: str) -> Iterator[Event]:
    cases, _ = room.refresh()
    known = {questionnaire(case.id): case for case in (*cases.kept, *cases.held, *cases.chats)}
    for number, line in enumerate(said.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            event = decided(found, cases, known) if isinstance(found, dict) else None
        except FormatError as error:
            raise FormatError(f"line {number}: {error.message}") from None
        except (ValueError, RecursionError, AttributeError, TypeError):
            raise FormatError(f"line {number}: this is no line of a LabelLLM export.") from None
        if event is not None:
            yield event
