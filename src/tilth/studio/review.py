"""The review desk: a page that asks about one sample after another, and the addresses that its script talks to."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tilth.errors import FormatError
from tilth.review.cases import Cases
from tilth.review.intake import decision
from tilth.review.judged import HS
from tilth.review.room import QUEUES, SETTLING, Room, Wish
from tilth.serving.guard import json_response
from tilth.studio import assets, team
from tilth.studio.posts import Refused, read_json, text
from tilth.studio.showing import shown
from tilth.studio.wishes import wish_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio

SCORE_KEYS = tuple(zip(HS, "zxc", strict=True))
"""What is scored, and the key that chooses it."""
KEYS = (
    ("a", "accept; with a draft: save what is shown"),
    ("e", "edit the text"),
    ("r", "reject"),
    ("f", "flag for somebody else"),
    ("u", "take the last decision back"),
    ("j k", "next and previous sample"),
    ("z x c", "choose what is scored: harmless, honest, helpful"),
    ("1 2 3 4 5", "score it, and go on to the next"),
    ("0", "take the score back"),
    ("n", "write a note"),
    ("d", "discard the draft"),
    ("Ctrl Enter", "save the edit"),
    ("Esc", "leave the text; the draft stays"),
    ("?", "this list"),
)
BATCH = 40
MOST = 100
"""Decisions taken in with one request."""


def routes(studio: Studio) -> list[Route]:
    """`/review` and what its script asks for."""
    from starlette.concurrency import run_in_threadpool
    from starlette.routing import Route

    room = Room(studio.folder)

    def page(request: Request) -> Response:
        wish = wish_of(request.query_params, room)
        blind = request.query_params.get("blind") == "1" and wish.queue not in SETTLING
        return studio.page(request, "studio_review.html", **desk(room, studio, wish, blind))

    async def next_(request: Request) -> Response:
        body = await read_json(request)
        return json_response(await run_in_threadpool(answer, room, body))

    async def decide(request: Request) -> Response:
        body = await read_json(request)
        return json_response(await run_in_threadpool(take, room, body))

    return [
        Route("/review", page),
        Route("/api/review/next", next_, methods=["POST"]),
        Route("/api/review/decide", decide, methods=["POST"]),
        *team.routes(studio, room),
    ]


def desk(room: Room, studio: Studio, wish: Wish, blind: bool) -> dict[str, Any]:
    """What the page is made of."""
    asked = {
        "queue": wish.queue, "wanted": wish.wanted, "share": wish.share * 100, "seed": wish.seed,
        "blind": blind, **wish.narrowed,
    }  # fmt: skip
    settling, one_by_one = wish.queue in SETTLING, wish.queue == "proposals"
    here = {
        "wanted": wish.wanted if wish.wanted != room.wanted() else "",
        "blind": "1" if blind else "",
        "queue": wish.queue,
    }
    return {
        "queues": {name: room.count(_named(wish, name)).left for name in QUEUES},
        "queue": wish.queue,
        "wanted": wish.wanted,
        "blind": blind,
        "settling": settling,
        "one_by_one": one_by_one,
        "narrowed": wish.narrowed,
        "here": {**here, **wish.narrowed},
        "scores": SCORE_KEYS,
        "keys": KEYS,
        "desk": {
            "run": hashlib.blake2b(str(studio.folder.path.resolve()).encode(), digest_size=6).hexdigest(),
            "queue": wish.queue,
            "asked": asked,
            "settling": settling,
            "one_by_one": one_by_one,
            "scores": [] if settling or one_by_one else SCORE_KEYS,
            "api": {"next": "/api/review/next", "decide": "/api/review/decide"},
            "modules": {name: assets.address(f"{name}.js") for name in ("diff", "outbox", "beside")},
        },
    }


def _named(wish: Wish, queue: str) -> Wish:
    return Wish(queue, wish.wanted, wish.share, wish.seed)


def answer(room: Room, body: dict[str, Any]) -> dict[str, Any]:
    """The next cases for a person, or those with the keys asked for, and how far the queue is.

    Raises:
        Refused: the request is of another form.
    """
    wish, blind = wish_of(body, room), body.get("blind") is True
    person = text(body, "person", 60).strip()
    if not person:
        raise Refused(400, "'person' is empty: say who reviews.")
    have, keys = _keys(body, "have"), _keys(body, "keys")
    cases, board = room.refresh()
    if keys:
        found = [case for case in map(cases.find, keys) if case is not None]
    else:
        found = room.next(wish, person, have, BATCH)
    count = room.count(wish, person, without=have)
    settling = wish.queue in SETTLING
    return {
        "records": [shown(case, cases, board, blind=blind, settling=settling) for case in found],
        "progress": {
            "samples": count.samples,
            "decided": count.decided,
            "mine": count.mine,
            "left": count.left,
        },
    }


def _keys(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise Refused(400, f"'{name}' must be a list of keys.")
    return value


def take(room: Room, body: dict[str, Any]) -> dict[str, Any]:
    """Take decisions into the log. Sending them again changes nothing.

    Raises:
        Refused: one of them is none; then nothing is taken.
    """
    events = body.get("events")
    if not isinstance(events, list) or len(events) > MOST or not all(isinstance(e, dict) for e in events):
        raise Refused(400, f"'events' must be a list of at most {MOST} decisions.")
    cases, _ = room.refresh()
    try:
        checked = [decision({"step": _step(cases, event), **event}) for event in events]
    except FormatError as error:
        raise Refused(400, error.message) from None
    return {"saved": len(checked), "new": room.take(checked)}


def _step(cases: Cases, event: dict[str, Any]) -> str:
    """The step that asks about a sample; a blind page does not know it."""
    case = cases.find(str(event.get("sample_id")))
    return case.step if case is not None else ""
