"""The compare page: blind votes on pairs of answers, and what they and all other evidence say."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlencode

from tilth.errors import FolderError, NotFoundError
from tilth.evaluation.reopen import reopen
from tilth.evaluation.report import facts
from tilth.evaluation.studies import Reader
from tilth.evaluation.votes import Booth, Choice, cast, next_ballot, open_booth, progress, take_back
from tilth.store.decisions import person
from tilth.studio.language import preferred
from tilth.studio.posts import Refused, choice, event_id, read_form, text

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio

CHOICES: tuple[str, ...] = get_args(Choice)
MOST_MS = 3_600_000
"""Milliseconds on screen that are believed; a page may have been left open over lunch."""


def routes(studio: Studio) -> list[Route]:
    """`/compare` and `/compare/result`; `/` leads there where there is nothing else to show."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import RedirectResponse
    from starlette.routing import Route

    def page(request: Request) -> Response:
        return studio.page(request, "studio_compare.html", **ballot(studio, who(request), later(request)))

    async def vote(request: Request) -> Response:
        form = await read_form(request)
        name = text(form, "who", 60, "").strip() or who(request)
        await run_in_threadpool(_take, studio, name, form)
        kept = [form["item"]] if form.get("act") == "later" else []
        query = {
            "lang": request.query_params.get("lang", ""),
            "later": ",".join((later(request) + kept)[-200:]),
        }
        onward = urlencode({name: value for name, value in query.items() if value})
        # 303: the browser asks for the next pair with GET, so that loading again sends nothing again.
        answer = RedirectResponse("/compare" + (f"?{onward}" if onward else ""), 303)
        answer.set_cookie(
            "tilth-person", name.encode().hex(), httponly=True, samesite="strict", max_age=10**7
        )
        return answer

    def result(request: Request) -> Response:
        lang = preferred(request.query_params.get("lang") or request.headers.get("accept-language", ""))
        try:
            comparison = reopen(studio.folder, Reader(lang))
        except FolderError:
            return studio.page(request, "studio_compare.html", **_none(studio))
        known = {**facts(comparison), "layout": "studio_base.html", "lead": partial(_to, studio, request)}
        return studio.page(request, "compare.html", **known)

    def front(request: Request) -> Response:
        query = request.url.query
        return RedirectResponse("/compare" + (f"?{query}" if query else ""))

    return [
        *([Route("/", front)] if studio.only_compared else []),
        Route("/compare", page),
        Route("/compare", vote, methods=["POST"]),
        Route("/compare/result", result),
    ]


def who(request: Request) -> str:
    """Whose votes these are: the name this browser was given, else whoever runs the studio."""
    try:
        return bytes.fromhex(request.cookies.get("tilth-person", "")).decode("utf-8")[:60] or person()
    except ValueError:
        return person()


def later(request: Request) -> list[str]:
    """The pairs this person wants to leave for later."""
    return [item for item in request.query_params.get("later", "").split(",") if item.isalnum()][:200]


def ballot(studio: Studio, name: str, skip: list[str]) -> dict[str, Any]:
    """All the page holds: two answers without names, and how far this person is. Nothing tells whose they are."""
    try:
        booth = open_booth(studio.folder)
    except FolderError:
        return _none(studio)
    shown = next_ballot(booth, name, skip=skip) or (next_ballot(booth, name) if skip else None)
    return {
        "booth": True,
        "ballot": shown,
        "progress": progress(booth, name),
        "who": name,
        "event": secrets.token_hex(16),
        "later": ",".join(skip),
        "run_path": str(studio.folder.path),
    }


def _none(studio: Studio) -> dict[str, Any]:
    return {"booth": False, "ballot": None, "run_path": str(studio.folder.path)}


def _take(studio: Studio, name: str, form: dict[str, Any]) -> None:
    """Write one vote down, or take the last one back."""
    booth = open_booth(studio.folder)
    act = choice(form, "act", (*CHOICES, "later", "undo"))
    if act == "undo":
        take_back(booth, name)
    elif act != "later":
        _cast(booth, name, act, form)


def _cast(booth: Booth, name: str, act: str, form: dict[str, Any]) -> None:
    ms = text(form, "ms", 12, "")
    shown = min(int(ms), MOST_MS) if ms.isascii() and ms.isdigit() else None
    said: Any = act
    try:
        cast(
            booth,
            text(form, "item", 64),
            said,
            who=name,
            ms=shown,
            note=text(form, "note", 2_000, "").strip(),
            event_id=event_id(form),
        )
    except NotFoundError as gone:
        raise Refused(409, gone.message, gone.hint) from None


def _to(studio: Studio, request: Request, place: str) -> str:
    """The address of a sample of this run; empty where the place is none of its."""
    known = not studio.only_compared and studio.index.knows(place)
    return studio.href(request)("/sample", place=place) if known else ""
