"""Fetches declared web pages politely, once: robots.txt, one request a second to a host, and limits on what comes."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from tilth.errors import MissingExtra, SourceError
from tilth.sources.base import Spec
from tilth.sources.html import PAGES
from tilth.sources.transfer import AGENT, LONGEST_WAIT_S, open_client, patiently

if TYPE_CHECKING:
    import httpx2
    from protego import Protego

INTERVAL_S = 1.0
"""Between two requests to one host, where its robots.txt asks for no more."""
MAX_BYTES = 10 << 20
MAX_REDIRECTS = 5
_KINDS = ("text/html", "application/xhtml+xml")
_LAST: dict[str, float] = {}
"""When this process last asked each host: every call keeps the distance that the one before began."""
_RULES: dict[str, Protego] = {}
"""What each host's robots.txt says. A process lives shorter than the day that RFC 9309 allows to keep it."""


class PageError(Exception):
    """Why a page will not be had, however often it is asked for."""


class Redirect(NamedTuple):
    """Where a server sends us instead."""

    url: str


class Page(NamedTuple):
    """What a server sent."""

    url: str
    """The last address, behind all redirects."""
    body: bytes


def note_of(path: Path) -> Path:
    """The file beside a fetched page that says where it came from, when, and what went wrong."""
    return path.with_name(f"{path.name}.fetched")


def fetch_pages(specs: Sequence[Spec], *, interval_s: float = INTERVAL_S) -> None:
    """Bring every page to where its `spec.path` says. A page that is there, or that cannot be had, is not asked for again.

    Args:
        specs: sources with a web address.
        interval_s: least seconds between two requests to one host.

    Raises:
        SourceError: a server cannot be reached or keeps failing, or `page` is missing.
        MissingExtra: the libraries for web pages are not installed.
    """
    for spec in specs:
        if spec.page not in PAGES:
            hint = (
                f"Write {{path: {spec.address}, page: article}} into the recipe, or list, or thread; "
                "`tilth show` takes it as --page."
            )
            raise SourceError(f"{spec.address} is a web page: say what kind.", hint)
    missing = [spec for spec in specs if not note_of(Path(spec.path)).exists()]
    if not missing:
        return
    with open_client("fetching web pages", "web", max_redirects=MAX_REDIRECTS) as client:
        visitor = _Visitor(client, interval_s)
        for spec in missing:
            _keep(visitor, spec)


def _keep(visitor: _Visitor, spec: Spec) -> None:
    import httpx2

    page, error = Page(spec.address, b""), ""
    try:
        page = visitor.page(spec.address)
    except PageError as reason:
        error = str(reason)
    except (httpx2.HTTPError, httpx2.InvalidURL) as fault:
        said = str(fault).split("\n")[0] or type(fault).__name__
        raise SourceError(
            f"{spec.address} cannot be fetched: {said}.",
            "What was fetched is kept; run the command again later.",
        ) from None
    path = Path(spec.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    note = json.dumps({"url": page.url, "fetched": now, "error": error}, ensure_ascii=False)
    path.write_bytes(page.body)
    temporary = note_of(path).with_suffix(".tmp")
    temporary.write_text(note + "\n", encoding="utf-8")
    temporary.replace(note_of(path))


class _Visitor:
    """Asks for pages, and minds what it was told."""

    def __init__(self, client: httpx2.Client, interval_s: float) -> None:
        self._client = client
        self._interval_s = interval_s

    def page(self, url: str) -> Page:
        """The page, behind at most five redirects, each of which must be allowed too.

        Raises:
            PageError: it will not be had.
            httpx2.HTTPError: the server cannot be reached or keeps failing.
        """
        for _ in range(MAX_REDIRECTS + 1):
            if urlsplit(url).scheme not in ("http", "https"):
                raise PageError(f"it leads to {url}, which is no web address")
            wait_s = self._allowed(url)
            found = patiently(lambda at=url, s=wait_s: self._ask(at, s))  # type: ignore[misc]  # bound at once
            if isinstance(found, Page):
                return found
            url = found.url
        raise PageError(f"it is redirected more than {MAX_REDIRECTS} times")

    def _allowed(self, url: str) -> float:
        """Seconds to keep between requests to the host of a page that its robots.txt allows (RFC 9309)."""
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in _RULES:
            _RULES[host] = self._read_rules(host)
        if not _RULES[host].can_fetch(url, AGENT):
            raise PageError(f"{host}/robots.txt forbids it")
        return min(max(self._interval_s, _RULES[host].crawl_delay(AGENT) or 0), LONGEST_WAIT_S)

    def _read_rules(self, host: str) -> Protego:
        try:
            from protego import Protego
        except ImportError as error:
            raise MissingExtra("fetching web pages", "web") from error
        import httpx2

        try:
            answer = patiently(lambda: self._read(f"{host}/robots.txt", follow=True))
        except PageError as error:
            raise PageError(f"{host}/robots.txt cannot be read: {error}") from None
        except httpx2.TooManyRedirects:
            return Protego.parse("")
        # A file that the server does not have forbids nothing.
        return Protego.parse(answer.body.decode("utf-8", "replace") if isinstance(answer, Page) else "")

    def _ask(self, url: str, wait_s: float) -> Page | Redirect:
        host = urlsplit(url).netloc
        time.sleep(max(0.0, _LAST.get(host, 0.0) + wait_s - time.monotonic()))
        _LAST[host] = time.monotonic()
        found = self._read(url)
        if isinstance(found, int):
            raise PageError(f"the server answers {found}")
        return found

    def _read(self, url: str, *, follow: bool = False) -> Page | Redirect | int:
        """What lies there, or the status where the server will not give it."""
        with self._client.stream("GET", url, follow_redirects=follow) as answer:
            if answer.has_redirect_location and answer.next_request is not None:
                return Redirect(str(answer.next_request.url))
            if answer.is_client_error and answer.status_code not in (408, 425, 429):
                return answer.status_code
            answer.raise_for_status()
            kind = answer.headers.get("Content-Type", _KINDS[0]).split(";")[0].strip().lower()
            if not follow and kind not in _KINDS:
                raise PageError(f"it is {kind}, not an HTML page")
            body = bytearray()
            for block in answer.iter_bytes():
                body += block
                if len(body) > MAX_BYTES:
                    raise PageError(f"it is larger than {MAX_BYTES >> 20} MB")
            return Page(url, bytes(body))
