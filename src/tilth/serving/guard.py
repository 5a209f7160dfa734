"""Who may talk to the server, and how a request is turned away."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Refusal(Exception):
    """A request that gets an error instead of an answer."""

    def __init__(self, status: int, message: str, **more: str | None) -> None:
        from tilth.serving.wire import error_body

        super().__init__(message)
        self.status = status
        self.body = error_body(message, **more)  # type: ignore[arg-type]  # the keys are error_body's own


class Guard:
    """Turns away requests that come through a foreign name, from a foreign page, or without the token."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None, token: str | None) -> None:
        self._app = app
        self._hosts = hosts
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is refused; hand on all others."""
        refusal = None
        if scope["type"] == "http":
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            refusal = self._refusal(headers, scope["path"])
        answer = self._app if refusal is None else json_response(refusal.body, refusal.status)
        await answer(scope, receive, send)

    def _refusal(self, headers: Mapping[str, str], path: str) -> Refusal | None:
        addressed = [f"//{headers.get('host', '')}", *filter(None, [headers.get("origin")])]
        if self._hosts is not None and any(_host(url) not in self._hosts for url in addressed):
            return Refusal(403, "This server answers only to its own address.", code="foreign_host")
        given = headers.get("authorization", "").removeprefix("Bearer ").encode("latin-1")
        if (
            self._token
            and path != "/health"
            and not secrets.compare_digest(given, self._token.encode("utf-8"))
        ):
            return Refusal(401, "The token is missing or wrong.", code="invalid_api_key")
        return None


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def json_response(
    value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer, Chinese unescaped."""
    from starlette.responses import Response

    text = json.dumps(value, ensure_ascii=False).encode("utf-8")
    return Response(text, status, dict(headers or {}), "application/json")
