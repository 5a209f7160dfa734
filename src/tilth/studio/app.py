"""The studio: server-rendered pages over one run, read-only, without a line of JavaScript."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tilth.errors import MissingExtra, NotFoundError, TilthError, UserError
from tilth.pages.render import render
from tilth.serving.guard import LOOPBACK, Guard, is_loopback
from tilth.store.folder import RunFolder
from tilth.studio.door import HEADERS, Door
from tilth.studio.explorer import Wish, excerpt, find
from tilth.studio.index import Index, build
from tilth.studio.language import preferred
from tilth.studio.life import life, plain
from tilth.studio.overview import overview, reports, training

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from starlette.responses import Response

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<path d="M2 14C2 6 6 2 14 2c0 8-4 12-12 12z" fill="#3f7d4e"/></svg>'
)


def app(run: RunFolder, *, hosts: Collection[str] | None = LOOPBACK, token: str | None = None) -> FastAPI:
    """A web application that shows a run.

    The run is read into memory here, and again when `run.json` has changed; see `Index` for how large it may be.

    Args:
        run: the run folder.
        hosts: the host names requests may be addressed to, so that no web page can reach the studio through a name of
            its own (DNS rebinding). `None` allows any; then a token should be asked for.
        token: what a browser must bring in `?token=` the first time; `None` asks for nothing.

    Raises:
        MissingExtra: fastapi is not installed.
        FolderError: this is no run folder.
    """
    try:
        from fastapi import FastAPI
        from starlette.exceptions import HTTPException
        from starlette.routing import Route
    except ImportError as error:
        raise MissingExtra("tilth studio", "studio") from error
    pages = _Pages(run)
    routes = [
        Route("/", pages.overview),
        Route("/samples", pages.samples),
        Route("/sample", pages.sample),
        Route("/training", pages.training),
        Route("/report/{name}", pages.report),
        Route("/favicon.ico", _icon),
    ]
    handlers: dict[Any, Any] = {
        TilthError: pages.refused,
        HTTPException: pages.unknown,
        Exception: pages.broken,
    }
    made = FastAPI(title="Tilth studio", routes=routes, openapi_url=None, exception_handlers=handlers)
    made.add_middleware(Guard, hosts=None if hosts is None else frozenset(hosts), token=None)
    made.add_middleware(Door, token=token)
    return made


class _Pages:
    """What each address answers."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._read = self._stamp(), build(run)

    def _stamp(self) -> int:
        return self._run.run_json.stat().st_mtime_ns if self._run.run_json.exists() else 0

    @property
    def index(self) -> Index:
        """The samples as the run's last pass left them."""
        stamp = self._stamp()
        if self._read[0] != stamp:
            self._read = stamp, build(self._run)
        return self._read[1]

    def overview(self, request: Request) -> Response:
        return self._page(request, "studio_overview.html", **overview(self._run, self.index))

    def samples(self, request: Request) -> Response:
        wish = Wish.of(request.query_params)
        number = request.query_params.get("page", "1")
        page = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 1
        found = find(self.index, wish, page)
        more: dict[str, Any] = {
            "wish": wish.as_dict(),
            "excerpt": partial(excerpt, query=wish.q),
            "note": self.index.note,
        }
        return self._page(request, "studio_samples.html", found=found, **more)

    def sample(self, request: Request) -> Response:
        place = request.query_params.get("place", "")
        row = self.index.by_place.get(place)
        if row is None:
            raise NotFoundError(f"this run has no sample at '{place}'.")
        return self._page(request, "studio_sample.html", **life(self._run, self.index, row))

    def training(self, request: Request) -> Response:
        return self._page(request, "studio_training.html", **training(self._run))

    def report(self, request: Request) -> Response:
        from starlette.responses import HTMLResponse

        path = reports(self._run).get(request.path_params["name"])
        if path is None:
            raise NotFoundError("this run has no such report.")
        return HTMLResponse(path.read_text(encoding="utf-8"))

    def refused(self, request: Request, error: TilthError) -> Response:
        status = 404 if isinstance(error, NotFoundError) else 409
        return self._page(request, "studio_error.html", status, message=error.message, hint=error.hint)

    def unknown(self, request: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 404)
        return self._page(request, "studio_error.html", status, message="", hint="")

    def broken(self, request: Request, error: Exception) -> Response:
        page = self._page(request, "studio_error.html", 500, message="", hint="")
        # Starlette answers this one outside of every middleware.
        page.headers.update(HEADERS)
        return page

    def _page(self, request: Request, template: str, code: int = 200, **context: Any) -> Response:
        from starlette.responses import HTMLResponse

        wish = request.query_params.get("lang", "")
        asked = wish if wish in ("en", "zh") else ""
        lang = preferred(asked or request.headers.get("accept-language", ""))
        here = dict(request.query_params) | {"lang": "en" if lang == "zh" else "zh"}
        text = render(
            template,
            lang,
            run=self._run.name,
            code=code,
            path=request.scope["path"],
            reports=reports(self._run),
            asked=asked,
            href=partial(_href, asked),
            plain=plain,
            other=f"?{urlencode(here)}",
            **context,
        )
        return HTMLResponse(text, code, {"content-language": lang, "vary": "accept-language"})


def _href(lang: str, path: str, **query: Any) -> str:
    """An address inside the studio; empty values are left out, a language asked for is kept."""
    filled = {name: value for name, value in {**query, "lang": lang}.items() if value}
    return f"{path}?{urlencode(filled)}" if filled else path


async def _icon(_: Request) -> Response:
    from starlette.responses import Response

    return Response(ICON, media_type="image/svg+xml")


def serve(
    run: RunFolder,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    announce: Callable[[str], None] = lambda line: None,
) -> None:
    """Show a run until interrupted. On an address that others can reach, a token made for this time is asked for.

    Args:
        run: the run folder.
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.
        announce: gets the address as a line for people.

    Raises:
        MissingExtra: fastapi or uvicorn is not installed.
        FolderError: this is no run folder.
        UserError: the address cannot be listened on.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise MissingExtra("tilth studio", "studio") from error
    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    made = app(run, hosts=LOOPBACK if token is None else None, token=token)
    listener = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    key = f"?token={token}" if token else ""
    announce(f"Showing {run.name} at http://{shown}:{listener.getsockname()[1]}/{key}")
    uvicorn.Server(uvicorn.Config(made, log_level="warning")).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise UserError(f"cannot listen on {host}:{port} ({error}).", "Choose another with --port.") from None
