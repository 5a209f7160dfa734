"""Asking a server patiently: faults that pass are waited out, and a broken download goes on where it broke."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tilth.errors import MissingExtra

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")

AGENT = "Tilth"
"""The name that requests carry and robots.txt may speak of."""
TRIES = 4
FIRST_WAIT_S = 0.25
"""Before the second try; each further wait is twice as long."""
LONGEST_WAIT_S = 60.0
TIMEOUT_S = 30.0
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that another try may change."""


def open_client(feature: str, extra: str, *, max_redirects: int = 5) -> httpx2.Client:
    """A client that follows a few redirects and names itself.

    Raises:
        MissingExtra: the library is not installed.
    """
    try:
        import httpx2
    except ImportError as error:
        raise MissingExtra(feature, extra) from error
    return httpx2.Client(
        timeout=TIMEOUT_S,
        follow_redirects=True,
        max_redirects=max_redirects,
        headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
    )


def patiently(ask: Callable[[], T]) -> T:
    """What `ask` returns, tried again after faults that pass. A server's `Retry-After` is obeyed up to a minute.

    Raises:
        httpx2.HTTPError: the last fault, or one that no further try would change.
    """
    import httpx2

    for attempt in range(TRIES):
        wait = FIRST_WAIT_S * 2**attempt
        try:
            return ask()
        except httpx2.HTTPStatusError as error:
            if error.response.status_code not in PASSING or attempt == TRIES - 1:
                raise
            wait = _asked_wait(error.response.headers.get("Retry-After", ""), wait)
        except httpx2.TransportError as error:
            if isinstance(error, httpx2.UnsupportedProtocol) or attempt == TRIES - 1:
                raise
        time.sleep(min(wait, LONGEST_WAIT_S))
    raise AssertionError("the last try returns or raises")


def download_to(client: httpx2.Client, url: str, target: Path, size: int) -> None:
    """Write what lies at `url` to `target`, in one piece. What an earlier try left in `target.part` is taken up.

    Args:
        client: from `open_client`.
        url: the address.
        target: the file to write.
        size: how many bytes it must have.

    Raises:
        httpx2.HTTPError: the server does not send them.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    if part.exists() and part.stat().st_size > size:
        part.unlink()
    patiently(lambda: _append(client, url, part, size))
    part.replace(target)


def _append(client: httpx2.Client, url: str, part: Path, size: int) -> None:
    import httpx2

    have = part.stat().st_size if part.exists() else 0
    if have == size and part.exists():
        return
    with client.stream("GET", url, headers={"Range": f"bytes={have}-"} if have else {}) as answer:
        answer.raise_for_status()
        resumed = answer.status_code == httpx2.codes.PARTIAL_CONTENT
        have = have if resumed else 0
        with part.open("ab" if resumed else "wb") as out:
            for block in answer.iter_bytes():
                have += len(block)
                if have > size:
                    break
                out.write(block)
    if have != size:
        raise httpx2.RemoteProtocolError(f"{have} bytes came instead of {size}", request=answer.request)


def _asked_wait(header: str, otherwise: float) -> float:
    """Seconds that `Retry-After` asks for: a number of seconds or a date (RFC 9110, 10.2.3)."""
    if header.isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return otherwise
