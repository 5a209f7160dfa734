"""From what a recipe says of a model to something that answers: with its cache, its budget and checked answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tilth.errors import UserError
from tilth.models.base import Generation, Reply, Request
from tilth.models.cached import Cached, Meter, Source, Usage
from tilth.models.endpoint import EndpointModel
from tilth.models.requests import FILE, RequestStore, key_of
from tilth.models.scripted import Script
from tilth.models.settings import Endpoint, Local, Price, Scripted, resolve
from tilth.models.structured import Structured, thinking_apart

if TYPE_CHECKING:
    from tilth.models.local import LocalModel


class Connected:
    """A model of a recipe, ready to be asked by many at once; close it in the event loop that asked."""

    def __init__(self, source: Source, cached: Cached, meter: Meter, price: Price | None) -> None:
        self._source, self._cached, self._meter = source, cached, meter
        self._structured = Structured(cached)
        self.name = source.name
        self.price = price

    @property
    def identity(self) -> str:
        """As `ChatModel.identity`."""
        return self._source.identity

    @property
    def usage(self) -> Usage:
        """What was asked through this object."""
        return self._cached.usage

    @property
    def is_spent_up(self) -> bool:
        """Whether the budget kept a request from being sent."""
        return self._meter.is_spent_up

    def key(self, request: Request) -> str:
        """What the cache knows the request by."""
        return key_of(self._cached.content(request))

    def known(self, request: Request) -> Reply | None:
        """The answer as it was given, if it ever was."""
        return self._cached.known(request)

    def parameters(self, request: Request) -> dict[str, Any]:
        """Everything that is sent beside the messages and the shape."""
        return self._source.parameters(request)

    async def answer(self, request: Request) -> Reply:
        """One answer; where the request has a shape, checked and mended once."""
        return await self._structured.answer(request)

    async def close(self) -> None:
        """Close connections; the model may be asked again, in another event loop too."""
        if isinstance(self._source, EndpointModel):
            await self._source.close()


def connect(
    settings: Endpoint | Local | Scripted,
    folder: Path,
    *,
    payer: str = "",
    offline: bool = False,
    store: RequestStore | None = None,
) -> Connected:
    """A model as a recipe describes it.

    Args:
        settings: an entry of `recipe.models`.
        folder: the recipe's folder, which relative paths are relative to and which holds `.tilth/requests.sqlite`.
        payer: who pays, as `recipe/model`; a budget holds for one payer, over all its runs.
        offline: answer from the cache alone; other requests fail.
        store: the cache, where several models share one object.

    Raises:
        MissingExtra: a library the kind needs is not installed.
        UserError: an environment variable is not set, or a file is missing.
    """
    store = store or RequestStore(folder / FILE)
    price, budget = getattr(settings, "price", None), getattr(settings, "budget", None)
    source = source_of(settings, folder)
    meter = Meter(budget, price, store.spent(payer))
    return Connected(source, Cached(source, settings.kind, store, payer, meter, offline), meter, price)


def source_of(settings: Endpoint | Local | Scripted, folder: Path) -> Source:
    """The model itself, without its cache."""
    if isinstance(settings, Endpoint):
        return EndpointModel(settings)
    if isinstance(settings, Local):
        return LocalSource(settings, folder)
    return ScriptSource(settings, folder)


def identity(settings: Endpoint | Local | Scripted, folder: Path) -> str:
    """What of a model enters the keys of steps; settings that cannot be resolved here stand as they are written."""
    try:
        return source_of(settings, folder).identity
    except UserError:
        text = msgspec.json.encode(settings.model_dump(), order="sorted")
        return f"{settings.kind}:unresolved:{blake2b(text, digest_size=8).hexdigest()}"


class ScriptSource:
    """A script file as a model of a recipe."""

    def __init__(self, settings: Scripted, folder: Path) -> None:
        self._script = Script(folder / resolve(settings.answers), settings.name)
        self._longest = settings.max_tokens
        self.name = settings.name
        self.identity = self._script.identity

    def parameters(self, request: Request) -> dict[str, Any]:
        """The script itself: another script, another answer."""
        return {"script": self.identity, "max_tokens": self._longest}

    async def answer(self, request: Request) -> Reply:
        """The scripted answer."""
        return await self._script.answer(request)


class LocalSource:
    """A model folder as a model of a recipe; it is loaded when the first request needs it."""

    BATCH = 8

    def __init__(self, settings: Local, folder: Path) -> None:
        from tilth.models.loader import need_folder, weights_digest

        self._folder = need_folder(folder / resolve(settings.path))
        self._adapter = folder / resolve(settings.adapter) if settings.adapter else None
        self._default = Generation(settings.max_tokens, settings.temperature, settings.top_p)
        self._model: LocalModel | None = None
        self._waiting: list[tuple[Request, asyncio.Future[Reply]]] = []
        self._worker: asyncio.Task[None] | None = None
        self.name = (self._adapter or self._folder).name
        digests = [weights_digest(path) for path in (self._folder, self._adapter) if path is not None]
        self.identity = f"local:{'+'.join(digests)}"

    def parameters(self, request: Request) -> dict[str, Any]:
        """The weights and the settings of the draw."""
        chosen = self._generation(request)
        return {
            "weights": self.identity,
            "max_tokens": chosen.max_new_tokens,
            "temperature": chosen.temperature,
            "top_p": chosen.top_p,
            "stop": list(chosen.stop),
            "seed": chosen.seed,
        }

    async def answer(self, request: Request) -> Reply:
        """One answer; requests that wait at the same time are answered in batches."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        await asyncio.sleep(0)
        while self._waiting:
            first = self._generation(self._waiting[0][0])
            batch = [pair for pair in self._waiting if self._generation(pair[0]) == first][: self.BATCH]
            self._waiting = [pair for pair in self._waiting if pair not in batch]
            try:
                replies = await asyncio.to_thread(self._ask, [request for request, _ in batch], first)
            except UserError as error:
                replies = [Reply("", "failed", str(error))] * len(batch)
            for (_, future), reply in zip(batch, replies, strict=True):
                if not future.done():
                    future.set_result(reply)

    def _ask(self, requests: list[Request], generation: Generation) -> list[Reply]:
        if self._model is None:
            from tilth.models.local import LocalModel

            self._model = LocalModel(self._folder, self._adapter)
        replies = self._model.ask_many([request.messages for request in requests], generation)
        return [thinking_apart(reply) for reply in replies]

    def _generation(self, request: Request) -> Generation:
        """The settings of the draw; a sampled answer gets a seed, so that the same request gives the same answer."""
        chosen = request.generation or self._default
        if chosen.temperature > 0:
            return replace(chosen, seed=(chosen.seed or 0) + request.draw)
        return chosen
