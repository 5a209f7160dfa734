"""What stands between the network and the pages: the token, and headers that bind every answer."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from tilth.pages.render import Language, render
from tilth.serving.guard import json_response
from tilth.studio.assets import address
from tilth.studio.language import preferred
from tilth.studio.posts import LIMIT

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Sent with every answer that does not bring its own. No script or style inside a page can run; samples stay out of
caches and referrers."""
OPEN = ("/static/", "/favicon.ico")
"""What needs no token: files of the package, the same for everyone."""


class Door:
    """Lets in who brings the token, in the address once and in a cookie from then on."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer who may not enter; hand on all others."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def bound(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message.get("headers", [])}
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [
                    *message.get("headers", []),
                    *(pair for pair in extra if pair[0] not in own),
                ]
            await send(message)

        answer = self._met(scope) or self._turned_away(scope) or self._app
        await answer(scope, receive, bound)

    def _turned_away(self, scope: Scope) -> Response | None:
        """The answer to a request that is too large, or that a foreign page sent to change something."""
        from starlette.requests import Request

        request = Request(scope)
        size = request.headers.get("content-length", "0")
        if not (size.isascii() and size.isdigit() and len(size) < 12 and int(size) <= LIMIT):
            return json_response(
                {"error": f"The request carries more than {LIMIT:,} bytes.", "hint": ""}, 413
            )
        if request.method in ("GET", "HEAD") or _is_own(request):
            return None
        return json_response({"error": "Only the studio's own pages may change something.", "hint": ""}, 403)

    def _met(self, scope: Scope) -> Response | None:
        from starlette.requests import Request

        if self._token is None or scope["path"].startswith(OPEN):
            return None
        request = Request(scope)
        if self._is_token(request.query_params.get("token", "")):
            return self._welcome(request)
        return None if self._is_token(request.cookies.get(_cookie(request), "")) else _closed(request)

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8"), (self._token or "").encode("utf-8"))

    def _welcome(self, request: Request) -> Response:
        """Leave the cookie, then go on to the same page without the token in its address.

        The page itself asks for the next one: a redirect would count as coming from the page whose link led here,
        and a strict cookie is not sent then.
        """
        from starlette.responses import HTMLResponse

        query = urlencode([pair for pair in request.query_params.multi_items() if pair[0] != "token"])
        onward = "/" + quote(request.scope["path"].lstrip("/")) + (f"?{query}" if query else "")
        page = HTMLResponse(render("studio_welcome.html", _wanted(request), onward=onward, static=address))
        page.headers["refresh"] = f"0; url={onward}"
        page.set_cookie(_cookie(request), self._token or "", httponly=True, samesite="strict")
        return page


def _is_own(request: Request) -> bool:
    """Whether a page of ours sent it, or no page at all: every browser names the page's origin where it matters."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin is not None:
        return urlsplit(origin).netloc == request.headers.get("host")
    return site in (None, "same-origin", "none")


def _cookie(request: Request) -> str:
    """The cookie's name; browsers share cookies between the ports of a host, two studios must not."""
    return f"tilth-{request.scope['server'][1]}"


def _closed(request: Request) -> Response:
    from starlette.responses import HTMLResponse

    return HTMLResponse(render("studio_closed.html", _wanted(request), static=address), 401)


def _wanted(request: Request) -> Language:
    return preferred(request.headers.get("accept-language", ""))
