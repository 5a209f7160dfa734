"""What every page of the studio is given: the run, its index, and how an answer is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tilth.errors import NotFoundError, TilthError
from tilth.pages.render import render
from tilth.serving.guard import json_response
from tilth.store.catalog import Catalog
from tilth.store.folder import RunFolder
from tilth.studio import assets, reports
from tilth.studio.door import HEADERS
from tilth.studio.index import Progress, open_index, stamp
from tilth.studio.language import preferred
from tilth.studio.plain import plain
from tilth.studio.posts import Refused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tilth.engine.life import Teller

__all__ = ["API", "Progress", "Studio"]

API = "/api/"
"""Addresses under this answer JSON to a script of ours; all others answer pages."""


class Studio:
    """One run, shown."""

    def __init__(self, folder: RunFolder, progress: Progress = lambda *_: None) -> None:
        """Open a run; its index is made here where it is missing.

        Raises:
            FolderError: this is no run folder, and holds no comparison either.
        """
        self.folder = folder
        self.only_compared = not folder.run_json.exists() and (folder.report / "protocol.json").exists()
        """Whether this is no run: a folder that `tilth compare FILE -o` made, with answers and no samples."""
        self._lock = Lock()
        self._index = None if self.only_compared else (stamp(folder), open_index(folder, progress))
        self._teller: tuple[Catalog, Teller] | None = None

    @property
    def index(self) -> Catalog:
        """The samples as the run's files are now; made again where a file changed.

        Raises:
            FolderError: the folder holds a comparison and no samples.
        """
        mark, index = stamp(self.folder), self._index
        if index is None or index[0] != mark:
            with self._lock:
                index = self._index
                if index is None or index[0] != mark:
                    # The old one is not closed: another request may be reading it.
                    index = self._index = mark, open_index(self.folder)
        return index[1]

    @property
    def teller(self) -> Teller:
        """Tells the lives of the samples of the index as it is now.

        Raises:
            FolderError: the run has not finished.
        """
        from tilth.engine.life import Teller

        index = self.index
        if self._teller is None or self._teller[0] is not index:
            with self._lock:
                if self._teller is None or self._teller[0] is not index:
                    self._teller = index, Teller(self.folder)
        return self._teller[1]

    def page(self, request: Request, template: str, code: int = 200, **context: Any) -> Response:
        """A page in the language of the request.

        Args:
            request: what is answered.
            template: a template that extends `studio_base.html`.
            code: the HTTP status.
            context: what the template is given beside `run`, `only_compared`, `path`, `href`, `static`, `plain`, `asked` and `other`.
        """
        from starlette.responses import HTMLResponse

        asked = _asked(request)
        lang = preferred(asked or request.headers.get("accept-language", ""))
        here = dict(request.query_params) | {"lang": "en" if lang == "zh" else "zh"}
        text = render(
            template,
            lang,
            run=self.folder.name,
            only_compared=self.only_compared,
            code=code,
            path=request.scope["path"],
            reports=reports.reports(self.folder),
            asked=asked,
            href=self.href(request),
            static=assets.address,
            plain=plain,
            other=f"?{urlencode(here)}",
            **context,
        )
        return HTMLResponse(text, code, {"content-language": lang, "vary": "accept-language"})

    @staticmethod
    def href(request: Request) -> Callable[..., str]:
        """Makes addresses inside the studio; a language asked for in this request is kept."""
        return partial(_href, _asked(request))

    def refused(self, request: Request, error: TilthError) -> Response:
        """The answer to a request that our own errors end."""
        status = (
            error.status if isinstance(error, Refused) else 404 if isinstance(error, NotFoundError) else 409
        )
        return self._told(request, status, error.message, error.hint)

    def unknown(self, request: Request, error: Exception) -> Response:
        """The answer to an address or a method that does not exist."""
        return self._told(request, getattr(error, "status_code", 404), "", "")

    def broken(self, request: Request, error: Exception) -> Response:
        """The answer where we failed; the reason goes to the terminal, never to the page."""
        page = self._told(request, 500, "", "")
        # Starlette answers this one outside of every middleware.
        page.headers.update(HEADERS)
        return page

    def _told(self, request: Request, status: int, message: str, hint: str) -> Response:
        if request.scope["path"].startswith(API):
            return json_response({"error": message or "This cannot be answered.", "hint": hint}, status)
        return self.page(request, "studio_error.html", status, message=message, hint=hint)


def _asked(request: Request) -> str:
    wish = request.query_params.get("lang", "")
    return wish if wish in ("en", "zh") else ""


def _href(lang: str, path: str, **query: Any) -> str:
    """An address inside the studio; empty values are left out, a language asked for is kept."""
    filled = {name: value for name, value in {**query, "lang": lang}.items() if value}
    return f"{path}?{urlencode(filled)}" if filled else path
