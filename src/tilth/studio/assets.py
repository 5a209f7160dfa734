"""Style sheets and scripts: a fixed table of files shipped with the package; no request ever names a path."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from tilth.errors import NotFoundError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio

KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Asset(NamedTuple):
    """A file the browser may load."""

    content: bytes
    media_type: str
    digest: str
    """Part of its address, so that a browser may keep it for ever and still gets the next version's."""


@lru_cache(maxsize=1)
def assets() -> dict[str, Asset]:
    """File name → file: what lies in `studio/static`, and the style sheets that the reports share."""
    templates = resources.files("tilth.pages") / "templates"
    shared = (templates / "style.css", templates / "compare.css")
    own = (resources.files("tilth.studio") / "static").iterdir()
    found = {}
    for file in (*shared, *own):
        kind = KINDS.get(file.name[file.name.rfind(".") :])
        if kind:
            content = file.read_bytes()
            digest = hashlib.blake2b(content, digest_size=6).hexdigest()
            found[file.name] = Asset(content, kind, digest)
    return found


def address(name: str) -> str:
    """Where a page finds an asset."""
    return f"/static/{name}?v={assets()[name].digest}"


def routes(studio: Studio) -> list[Route]:
    """`/static/…` and the icon."""
    from starlette.routing import Route

    return [Route("/static/{name}", _asset), Route("/favicon.ico", _icon)]


def _asset(request: Request) -> Response:
    asset = assets().get(request.path_params["name"])
    if asset is None:
        raise NotFoundError("there is no such file.")
    return _answer(asset)


def _icon(_: Request) -> Response:
    return _answer(assets()["icon.svg"])


def _answer(asset: Asset) -> Response:
    from starlette.responses import Response

    keep = {"cache-control": "private, max-age=31536000, immutable"}
    return Response(asset.content, headers=keep, media_type=asset.media_type)
