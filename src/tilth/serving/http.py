"""An OpenAI-compatible server over models in this process: `base` and `tuned` side by side under one address."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from tilth.errors import MissingExtra, did_you_mean
from tilth.models.base import ChatModel, Generation
from tilth.serving.desk import Desk, Piece
from tilth.serving.guard import LOOPBACK, Guard, Refusal, is_loopback, json_response
from tilth.serving.listening import address_of, listen
from tilth.serving.wire import (
    FINISH,
    ChatRequest,
    chunk,
    completion,
    error_body,
    model_card,
    usage_chunk,
)

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

DEFAULT = Generation(max_new_tokens=1024)
"""What a request leaves out: greedy, so that the same request gives the same answer, and at most 1,024 tokens."""
MAX_BODY = 16 << 20
"""Bytes; far beyond what a model can read."""


def app(
    models: Mapping[str, ChatModel],
    *,
    hosts: Collection[str] | None = LOOPBACK,
    token: str | None = None,
    default: Generation = DEFAULT,
) -> Starlette:
    """A web application that answers `/v1/chat/completions`, `/v1/models` and `/health`.

    Args:
        models: name in requests → model. Each model has one thread; requests to it wait in a queue.
        hosts: the host names requests may be addressed to, so that no web page can reach the server through a name
            of its own (DNS rebinding). `None` allows any; then a token should be asked for.
        token: what `Authorization: Bearer …` must carry; `None` asks for nothing.
        default: the settings that a request leaves out.

    Raises:
        MissingExtra: starlette is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
        from starlette.routing import Route
    except ImportError as error:
        raise MissingExtra("tilth serve", "train") from error
    desks = {name: Desk(model) for name, model in models.items()}
    handlers = _Handlers(desks, default, created=int(time.time()))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        for desk in desks.values():
            desk.close()

    routes = [
        Route("/health", handlers.health),
        Route("/v1/models", handlers.models),
        Route("/v1/models/{name:path}", handlers.model),
        Route("/v1/chat/completions", handlers.complete, methods=["POST"]),
    ]
    made = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={Refusal: _refuse, HTTPException: _unknown, Exception: _broken},
    )
    made.add_middleware(Guard, hosts=None if hosts is None else frozenset(hosts), token=token)
    return made


class _Handlers:
    """What each address answers."""

    def __init__(self, desks: Mapping[str, Desk], default: Generation, created: int) -> None:
        self._desks = desks
        self._default = default
        self._created = created

    async def health(self, _: Request) -> Response:
        waiting = {name: desk.waiting for name, desk in self._desks.items()}
        return json_response({"status": "ok", "models": list(self._desks), "waiting": waiting})

    async def models(self, _: Request) -> Response:
        cards = [model_card(name, self._created) for name in self._desks]
        return json_response({"object": "list", "data": cards})

    async def model(self, request: Request) -> Response:
        name = request.path_params["name"]
        self._desk(name)
        return json_response(model_card(name, self._created))

    async def complete(self, request: Request) -> Response:
        from starlette.responses import StreamingResponse

        asked = _parse(await _body(request))
        desk = self._desk(asked.model)
        generation = asked.generation(self._default)
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": asked.model}
        if asked.stream:
            pieces = desk.stream(asked.conversation, generation)
            first = await anext(pieces)
            _need_answer(first, asked.model)
            return StreamingResponse(_events(first, pieces, asked, head), media_type="text/event-stream")
        reply = await desk.ask(asked.conversation, generation)
        _need_answer(reply, asked.model)
        return json_response(completion(head, reply))

    def _desk(self, name: str) -> Desk:
        if name not in self._desks:
            message = f"The model '{name}' is not served here. {did_you_mean(name, self._desks)}"
            raise Refusal(404, message.rstrip(), param="model", code="model_not_found")
        return self._desks[name]


async def _events(
    first: Piece, rest: AsyncGenerator[Piece, None], asked: ChatRequest, head: Mapping[str, Any]
) -> AsyncIterator[str]:
    """The answer as server-sent events; one that breaks off ends with an error in place of `[DONE]`."""
    yield _event(chunk(head, {"role": "assistant", "content": ""}))
    piece = first
    async with aclosing(rest):
        while isinstance(piece, str):
            yield _event(chunk(head, {"content": piece}))
            piece = await anext(rest)
    if piece.state not in FINISH:
        yield _event(error_body(f"{asked.model} stopped: {piece.reason}", kind="server_error"))
        return
    yield _event(chunk(head, {}, FINISH[piece.state]))
    if asked.wants_usage:
        yield _event(usage_chunk(head, piece))
    yield "data: [DONE]\n\n"


def _event(value: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _need_answer(piece: Piece, model: str) -> None:
    if not isinstance(piece, str) and piece.state not in FINISH:
        raise Refusal(500, f"{model} did not answer: {piece.reason}", kind="server_error")


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise Refusal(413, f"The request is larger than {MAX_BODY >> 20} MiB.")
    return bytes(body)


def _parse(body: bytes) -> ChatRequest:
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise Refusal(400, f"{where}: {message}" if where else message, param=where or None) from None


async def _refuse(_: Request, error: Exception) -> Response:
    refusal = cast(Refusal, error)
    # A model that failed here fails again on the same request: OpenAI's clients repeat a 500 unless told not to.
    return json_response(refusal.body, refusal.status, {"x-should-retry": "false"})


async def _unknown(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    return json_response(
        error_body(f"{request.method} {request.url.path} is not part of this server."), status
    )


async def _broken(_: Request, error: Exception) -> Response:
    return json_response(error_body(f"Tilth failed: {type(error).__name__}", kind="server_error"), 500)


def serve(
    models: Mapping[str, ChatModel],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    announce: Callable[[str], None] = lambda line: None,
) -> None:
    """Serve until interrupted. On an address that others can reach, every request needs a token made for this run.

    Args:
        models: name in requests → model.
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.
        announce: gets the address, and the token where there is one, as lines for people.

    Raises:
        MissingExtra: starlette or uvicorn is not installed.
        UserError: the address cannot be listened on.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise MissingExtra("tilth serve", "train") from error
    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    made = app(models, hosts=LOOPBACK if token is None else None, token=token)
    listener = listen(host, port)
    announce(f"Serving {', '.join(models)} at {address_of(host, listener)}/v1")
    if token is not None:
        announce(f"Others can reach this address. The API key is {token}")
    with suppress(KeyboardInterrupt):
        uvicorn.Server(uvicorn.Config(made, log_level="warning")).run(sockets=[listener])
