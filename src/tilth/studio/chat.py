"""The chat page: the model before and after training, side by side, over one base in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from tilth.errors import TilthError
from tilth.evaluation.contestants import both_models
from tilth.evaluation.named import Weights
from tilth.models.base import Generation, Reply
from tilth.models.local import LocalModel, LocalPair
from tilth.sample import Message
from tilth.serving.desk import Desk
from tilth.serving.guard import json_response
from tilth.store.chats import keep
from tilth.store.decisions import person
from tilth.store.folder import RunFolder
from tilth.studio.posts import Refused, choice, event_id, read_json, text

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio

SIDES = ("base", "tuned")
ROLES = ("system", "user", "assistant")
LONGEST = 200
"""Messages a conversation may have."""
TOKENS = 512
"""Tokens of the longest answer."""


def routes(studio: Studio) -> list[Route]:
    """`/chat` and what its script asks for."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    speakers = Speakers(studio.folder)

    def page(request: Request) -> Response:
        return studio.page(request, "studio_chat.html", **chat(studio.folder))

    async def say(request: Request) -> Response:
        body = await read_json(request)
        side, messages = choice(body, "side", SIDES), conversation(body)
        desk = await run_in_threadpool(speakers.desk, side)
        return StreamingResponse(pieces(desk, messages), media_type="application/x-ndjson")

    async def save(request: Request) -> Response:
        body = await read_json(request)
        kept = {
            "event_id": event_id(body),
            "messages": [{"role": m.role, "content": m.content} for m in conversation(body)],
            "said_by": choice(body, "side", SIDES),
            "kept_by": person(),
        }
        count = await run_in_threadpool(keep, studio.folder.chats, kept)
        return json_response({"kept": count})

    return [
        Route("/chat", page),
        Route("/api/chat", say, methods=["POST"]),
        Route("/api/chat/save", save, methods=["POST"]),
    ]


class Speakers:
    """The two models, loaded when somebody first speaks to them; again when the run was trained again."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._lock = Lock()
        self._known: tuple[Any, dict[str, Desk]] | None = None

    def desk(self, side: str) -> Desk:
        """Where requests to one side wait for their turn.

        Raises:
            FolderError: the run has no finished training.
            MissingExtra: the training extra is not installed.
        """
        with self._lock:
            before, after = both_models(self._folder)
            mark = (before, after, (self._folder.model / "done.json").stat().st_mtime_ns)
            if self._known is None or self._known[0] != mark:
                self._known = mark, {name: Desk(model) for name, model in load(before, after).items()}
            return self._known[1][side]


def load(before: Weights, after: Weights) -> Mapping[str, LocalModel]:
    """Both models; over one base in memory where the training made an adapter."""
    if after.adapter is not None and after.folder == before.folder:
        return LocalPair.load(after.folder, after.adapter)._asdict()
    return {
        "base": LocalModel(before.folder, name="base"),
        "tuned": LocalModel(after.folder, after.adapter, name="tuned"),
    }


def chat(folder: RunFolder) -> dict[str, Any]:
    """Whether there is somebody to talk to, and what was kept so far."""
    problem = None
    try:
        both_models(folder)
    except TilthError as found:
        problem = found
    lines = folder.chats.read_bytes().count(b"\n") if folder.chats.exists() else 0
    return {"problem": problem, "kept": lines, "run_path": str(folder.path), "chats": str(folder.chats)}


def conversation(body: Mapping[str, Any]) -> list[Message]:
    """The messages of a request.

    Raises:
        Refused: they are not what a conversation is made of.
    """
    said = body.get("messages")
    if (
        not isinstance(said, list)
        or not 0 < len(said) <= LONGEST
        or not all(isinstance(m, dict) for m in said)
    ):
        raise Refused(400, f"'messages' must be a list of 1 to {LONGEST} messages.")
    roles: list[Any] = [choice(message, "role", ROLES) for message in said]
    return [Message(role, text(message, "content")) for role, message in zip(roles, said, strict=True)]


async def pieces(desk: Desk, messages: list[Message]) -> AsyncIterator[str]:
    """An answer as lines of JSON: `{"text"}` as it comes, then `{"state", "reason"}`."""
    async for piece in desk.stream(messages, Generation(max_new_tokens=TOKENS)):
        said = {"state": piece.state, "reason": piece.reason} if isinstance(piece, Reply) else {"text": piece}
        yield json.dumps(said, ensure_ascii=False) + "\n"
