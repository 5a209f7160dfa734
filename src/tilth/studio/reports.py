"""The static reports of a run, as they lie in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tilth.errors import NotFoundError
from tilth.store.folder import RunFolder

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio

REPORTS = ("data.html", "training.html", "compare.html")
"""The reports that may be asked for. Nothing else in a request names a file."""
BOUND = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox allow-same-origin allow-top-navigation"
"""A report carries its style inside and may have been made by another version: it may load and run nothing."""


def reports(folder: RunFolder) -> dict[str, Path]:
    """The reports that exist, by name."""
    return {name: folder.report / name for name in REPORTS if (folder.report / name).exists()}


def routes(studio: Studio) -> list[Route]:
    """`/report/…`."""
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    def report(request: Request) -> Response:
        path = reports(studio.folder).get(request.path_params["name"])
        if path is None:
            raise NotFoundError("this run has no such report.")
        return HTMLResponse(path.read_bytes(), headers={"content-security-policy": BOUND})

    return [Route("/report/{name}", report)]
