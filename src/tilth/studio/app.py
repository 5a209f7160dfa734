"""The studio: one web application over one run, put together from a module of routes for each page."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from tilth.errors import MissingExtra, TilthError
from tilth.serving.guard import LOOPBACK, Guard
from tilth.store.folder import RunFolder
from tilth.studio.door import Door
from tilth.studio.later import later
from tilth.studio.shell import Progress, Studio

if TYPE_CHECKING:
    from starlette.applications import Starlette

PAGES = {
    "overview": ("/",),
    "explorer": ("/samples",),
    "life": ("/sample",),
    "tokens": ("/tokens",),
    "review": ("/review", "/api/review"),
    "training": ("/training", "/api/training"),
    "compare": ("/compare",),
    "chat": ("/chat", "/api/chat"),
    "reports": ("/report",),
    "assets": ("/static", "/favicon.ico"),
}
"""Module with a function `routes(studio)` → the addresses under which they lie. A new page is a new module, a line here,
and a link in `studio_base.html`."""

WITHOUT_SAMPLES = {
    "compare": ("/", *PAGES["compare"]),
    **{name: PAGES[name] for name in ("reports", "assets")},
}
"""The pages of a folder that `tilth compare FILE -o` made: it has answers and no samples."""


def app(
    run: RunFolder,
    *,
    hosts: Collection[str] | None = LOOPBACK,
    token: str | None = None,
    progress: Progress = lambda *_: None,
) -> Starlette:
    """A web application that shows a run.

    Args:
        run: the run folder.
        hosts: the host names requests may be addressed to, so that no web page can reach the studio through a name of
            its own (DNS rebinding). `None` allows any; then a token should be asked for.
        token: what a browser must bring in `?token=` the first time; `None` asks for nothing.
        progress: told (what, done, total) while the index is made.

    Raises:
        MissingExtra: starlette is not installed.
        FolderError: this is no run folder, and holds no comparison either.
    """
    try:
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
    except ImportError as error:
        raise MissingExtra("tilth studio", "studio") from error
    studio = Studio(run, progress)
    pages = WITHOUT_SAMPLES if studio.only_compared else PAGES
    handlers: dict[Any, Any] = {
        TilthError: studio.refused,
        HTTPException: studio.unknown,
        Exception: studio.broken,
    }
    routes = [later(studio, module, addresses) for module, addresses in pages.items()]
    made = Starlette(routes=routes, exception_handlers=handlers)
    made.add_middleware(Guard, hosts=None if hosts is None else frozenset(hosts), token=None)
    made.add_middleware(Door, token=token)
    return made
