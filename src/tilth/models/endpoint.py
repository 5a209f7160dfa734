"""A model behind an OpenAI-compatible server: asked patiently, and every request ends in a named state."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from tilth.errors import MissingExtra
from tilth.models.base import Generation, Reply, Request
from tilth.models.pace import Pace
from tilth.models.settings import Endpoint, resolve
from tilth.models.structured import ONLY_THINKING, json_schema, thinking_apart

if TYPE_CHECKING:
    from openai import AsyncOpenAI

PASSING = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529))
"""Answers of a server that another attempt may turn."""
TOO_MUCH = frozenset((429, 503, 529))
HOPELESS = frozenset((401, 402, 403, 404))
"""Answers that every request would get."""
PATIENCE = 4
"""Refusals for being too fast weigh this much less than failures."""
GIVE_UP = 8
"""Requests in a row that never reached a willing server, after which no other is sent."""
CONNECT_S = 20.0
"""Seconds to reach a server at all."""
LONGEST_WAIT_S = 8.0
MAX_REASON = 300


@dataclass(frozen=True)
class _Trouble:
    """Why an attempt brought no answer."""

    reason: str
    again: bool = True
    """Whether another attempt may help."""
    everyone: bool = False
    """Whether every other request would meet it too."""
    too_much: bool = False
    pause_s: float | None = None


class EndpointModel:
    """A server that speaks the OpenAI chat API."""

    def __init__(self, settings: Endpoint) -> None:
        """Read the environment variables that the settings name; nothing is sent yet.

        Raises:
            MissingExtra: openai is not installed.
            UserError: a variable is not set.
        """
        try:
            import openai  # noqa: F401
        except ImportError as error:
            raise MissingExtra("asking a model over the network", "models") from error
        self._settings = settings
        self.name = resolve(settings.name)
        self._url = resolve(settings.base_url)
        self._key = resolve(settings.api_key) if settings.api_key else ""
        self._client: AsyncOpenAI | None = None
        self._pace = Pace(settings.concurrency)
        self._plain = False
        """Whether the server refused `response_format`: then the prompt alone asks for JSON."""
        self._missed = 0
        self._given_up = ""

    @property
    def identity(self) -> str:
        """Kind, name, and a digest of the settings that answers depend on; the address and the key are no part of it."""
        sent = msgspec.json.encode(self.parameters(Request(())), order="sorted")
        return f"endpoint:{self.name}:{blake2b(sent, digest_size=8).hexdigest()}"

    def parameters(self, request: Request) -> dict[str, Any]:
        """Everything that is sent beside the messages and the shape."""
        settings = self._settings
        chosen = request.generation or Generation(settings.max_tokens, settings.temperature, settings.top_p)
        sent: dict[str, Any] = {"temperature": chosen.temperature, "max_tokens": chosen.max_new_tokens}
        if chosen.top_p != 1:
            sent["top_p"] = chosen.top_p
        if chosen.stop:
            sent["stop"] = list(chosen.stop)
        if chosen.seed is not None:
            sent["seed"] = chosen.seed + request.draw
        if "max_completion_tokens" in settings.extra:
            del sent["max_tokens"]
        return {**sent, **settings.extra}

    async def answer(self, request: Request) -> Reply:
        """One answer, after as many attempts as the settings allow."""
        tries, limit = 0, PATIENCE * (self._settings.retries + 1)
        while True:
            if self._given_up:
                return Reply("", "failed", self._given_up)
            async with self._pace:
                found = (
                    Reply("", "failed", self._given_up) if self._given_up else await self._attempt(request)
                )
            if isinstance(found, Reply):
                return found
            tries += 1 if found.too_much else PATIENCE
            if not found.again or tries >= limit:
                self._note(found)
                return Reply("", "failed", found.reason)
            await asyncio.sleep(0 if found.pause_s is not None else _wait(tries / PATIENCE))

    def _note(self, trouble: _Trouble) -> None:
        """Give up on a server that no request in a row has reached."""
        self._missed = self._missed + 1 if trouble.everyone else 0
        if self._missed >= GIVE_UP:
            self._given_up = f"not sent, since {GIVE_UP} requests before it failed: {trouble.reason}"

    async def _attempt(self, request: Request) -> Reply | _Trouble:
        import openai

        try:
            async with asyncio.timeout(self._settings.timeout_s):
                response = await self._send(request)
        except TimeoutError:
            return _Trouble(f"no answer within {self._settings.timeout_s:g} seconds")
        except openai.APITimeoutError:
            return _Trouble(f"no answer within {self._settings.timeout_s:g} seconds")
        except openai.APIConnectionError as error:
            return self._unreachable(error)
        except openai.APIStatusError as error:
            return await self._refused(request, error)
        except (openai.APIError, ValueError, RecursionError) as error:
            return _Trouble(f"the server sent no answer of the chat API: {self._clean(error)}")
        found = _reply(response)
        if isinstance(found, Reply):
            self._pace.answered()
            self._missed = 0
        return found

    async def _send(self, request: Request) -> Any:
        from httpx2 import Response

        sent = self.parameters(request)
        if request.shape is not None and not self._plain:
            schema = {"name": "answer", "schema": json_schema(request.shape), "strict": True}
            sent["response_format"] = {"type": "json_schema", "json_schema": schema}
        body = {"model": self.name, "messages": [wire(message) for message in request.messages], **sent}
        # `chat.completions.create` would build typed objects of what is sent and of what comes back: a quarter of the
        # processor time of a request, for values that are plain here.
        response = await self._connected().post("/chat/completions", cast_to=Response, body=body)
        return json.loads(response.content)

    def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            from openai import AsyncOpenAI, Timeout

            limit = self._settings.timeout_s
            self._client = AsyncOpenAI(
                base_url=self._url,
                api_key=self._key or "none",
                max_retries=0,
                timeout=Timeout(limit, connect=min(limit, CONNECT_S)),
            )
        return self._client

    async def probe(self) -> str:
        """Why the server cannot be asked; empty where it can. It is asked for its list of models, which costs nothing."""
        import openai

        try:
            await self._connected().models.list()
        except (openai.APITimeoutError, openai.APIConnectionError) as error:
            return self._unreachable(error).reason
        except openai.APIStatusError as error:
            # Many servers have no such list; one that refuses the key refuses it everywhere.
            return (
                f"the server answered {error.status_code}: {self._clean(error)}"
                if error.status_code in (401, 403)
                else ""
            )
        except (openai.APIError, ValueError):
            return ""
        return ""

    async def close(self) -> None:
        """Close the connections; the next request opens them anew, also in another event loop."""
        client, self._client = self._client, None
        self._pace = Pace(self._settings.concurrency)
        if client is not None:
            await client.close()

    async def _refused(self, request: Request, error: Any) -> Reply | _Trouble:
        status = error.status_code
        said = self._clean(error)
        if status in (400, 422) and request.shape is not None and not self._plain and _is_about_format(said):
            self._plain = True
            return await self._attempt(request)
        if status == 400 and "content_filter" in said:
            return Reply("", "refused", f"the server's filter refused the request: {said}")
        broke = "insufficient_quota" in said
        if status in TOO_MUCH and not broke:
            pause = _retry_after(error.response.headers)
            self._pace.refused(pause)
            return _Trouble(f"the server was too busy ({status}): {said}", too_much=True, pause_s=pause)
        return _Trouble(
            f"the server answered {status}: {said}",
            again=status in PASSING and not broke,
            everyone=status in HOPELESS or broke,
        )

    def _unreachable(self, error: Exception) -> _Trouble:
        place = urlsplit(self._url)
        cause: BaseException = error
        while cause.__cause__ is not None or cause.__context__ is not None:
            cause = cause.__cause__ or cause.__context__ or cause
        said = self._clean(cause) or type(cause).__name__
        if "SSL" in said or "ssl" in type(cause).__module__:
            said += "; does the server speak https?"
        host = f"{place.hostname}:{place.port}" if place.port else place.hostname
        return _Trouble(f"cannot talk to {host}: {said}", everyone=True)

    def _clean(self, error: BaseException) -> str:
        """The words of an error without the key, which some servers repeat."""
        text = " ".join(str(error).split())
        if self._key:
            text = text.replace(self._key, "…")
        return text[:MAX_REASON]


def wire(message: Any) -> dict[str, Any]:
    """A message as servers take it."""
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        sent["tool_calls"] = [dict(call) for call in message.tool_calls]
    if message.tool_call_id:
        sent["tool_call_id"] = message.tool_call_id
    if message.name:
        sent["name"] = message.name
    return sent


def _reply(response: Any) -> Reply | _Trouble:
    """A server's answer as a reply; foreign shapes are a trouble that may pass."""
    choices = response.get("choices") if isinstance(response, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return _Trouble("the server's answer holds no choice")
    usage, finish = response.get("usage"), choice.get("finish_reason")
    counts = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    text = message.get("content") or ""
    if not isinstance(text, str):
        return _Trouble("the server's answer is no text")
    if message.get("refusal"):
        return Reply(text, "refused", str(message["refusal"])[:MAX_REASON], *counts)
    if finish == "content_filter":
        return Reply(text, "refused", "the server's filter stopped the answer", *counts)
    # Some servers take the thinking out of the answer themselves.
    apart = message.get("reasoning_content") or message.get("reasoning")
    thinking = _writable(apart.strip()) if isinstance(apart, str) else ""
    if finish == "length":
        cut = Reply(_writable(text), "truncated", "the answer reached max_tokens", *counts, thinking=thinking)
        return thinking_apart(cut)
    if not text.strip():
        told = Reply("", "truncated", ONLY_THINKING, *counts, thinking=thinking)
        return told if thinking else _Trouble("the server's answer is empty")
    return thinking_apart(Reply(_writable(text), "done", "", *counts, thinking=thinking))


def _writable(text: str) -> str:
    """A text without lone surrogates, which can stand in JSON and in no file."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _count(usage: Any, name: str) -> int:
    """A number of tokens; 0 where the server does not say."""
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) else 0


def _is_about_format(said: str) -> bool:
    return any(word in said.lower() for word in ("response_format", "json_schema", "guided", "schema"))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asked to be left alone: a number, or a date (RFC 9110 §10.2.3)."""
    milliseconds, said = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds:
            return max(0.0, float(milliseconds) / 1000)
        return max(0.0, float(said)) if said else None
    except ValueError:
        return _seconds_until(said or "")


def _seconds_until(date: str) -> float | None:
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _wait(tries: float) -> float:
    """Seconds before another attempt: growing, and with full jitter so that requests do not come back together."""
    return random.uniform(0.05, min(LONGEST_WAIT_S, 0.5 * 2**tries))
