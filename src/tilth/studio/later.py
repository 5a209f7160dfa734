"""Pages that are imported when somebody first asks for them: the studio opens before it knows how to do everything."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute, Match, Router
    from starlette.types import Receive, Scope, Send

    from tilth.studio.shell import Studio


def later(studio: Studio, module: str, addresses: Sequence[str]) -> BaseRoute:
    """The routes of a module of the studio.

    Args:
        studio: what the module's `routes` is given.
        module: its name in `tilth.studio`.
        addresses: the addresses under which its routes lie; what lies deeper is meant too, except under `/`.
    """
    from starlette.concurrency import run_in_threadpool
    from starlette.routing import BaseRoute, Match, Router

    lock = Lock()
    known: list[Router] = []

    def router() -> Router:
        with lock:
            if not known:
                known.append(Router(import_module(f"tilth.studio.{module}").routes(studio)))
            return known[0]

    class Later(BaseRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            path = scope.get("path", "")
            inside = any(path == one or (one != "/" and path.startswith(f"{one}/")) for one in addresses)
            return Match.FULL if inside and scope["type"] == "http" else Match.NONE, {}

        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            found = known[0] if known else await run_in_threadpool(router)
            await found(scope, receive, send)

    return Later()
