"""What a page sends: JSON of a bounded size, taken in once however often it is sent."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tilth.errors import UserError

if TYPE_CHECKING:
    from starlette.requests import Request

LIMIT = 1 << 20
"""Bytes a request may carry."""
EVENT_ID = re.compile(r"[0-9a-zA-Z_-]{8,64}")
"""What a page may call an event; it makes the id, so that a request sent again is known to be the same."""


class Refused(UserError):
    """A request that is not taken in."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.status, self.message, self.hint)


async def read_json(request: Request, limit: int = LIMIT) -> dict[str, Any]:
    """The JSON object a request carries.

    A foreign page cannot send this content type without asking first, and the studio never says yes.

    Raises:
        Refused: it is no JSON object (400), too large (413) or of another type (415).
    """
    body = await _read(request, "application/json", limit)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "The request is no JSON.") from None
    if not isinstance(found, dict):
        raise Refused(400, "The request is no JSON object.")
    return found


async def read_form(request: Request, limit: int = LIMIT) -> dict[str, Any]:
    """The fields of a form, each once; a page without a script sends these.

    Raises:
        Refused: it is no form (400), too large (413) or of another type (415).
    """
    body = await _read(request, "application/x-www-form-urlencoded", limit)
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError:
        raise Refused(400, "The request is no form.") from None
    return {name: values[-1] for name, values in fields.items()}


async def _read(request: Request, kind: str, limit: int) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip() != kind:
        raise Refused(415, f"Only {kind} is taken here.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise Refused(413, f"The request carries more than {limit:,} bytes.")
    return bytes(body)


def text(body: dict[str, Any], name: str, longest: int = 100_000, default: str | None = None) -> str:
    """A text of the body.

    Raises:
        Refused: it is missing (and there is no default), no text, or too long.
    """
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > longest:
        raise Refused(400, f"'{name}' must be a text of at most {longest:,} characters.")
    return value


def choice(body: dict[str, Any], name: str, among: tuple[str, ...]) -> str:
    """One of some words.

    Raises:
        Refused: it is none of them.
    """
    value = text(body, name, 64)
    if value not in among:
        raise Refused(400, f"'{name}' must be one of: {', '.join(among)}.")
    return value


def event_id(body: dict[str, Any]) -> str:
    """The id the page gave this event. A log that knows it already adds nothing: sending again is harmless.

    Raises:
        Refused: it is missing or of another form.
    """
    value = text(body, "event_id", 64)
    if not EVENT_ID.fullmatch(value):
        raise Refused(400, "'event_id' must be 8 to 64 letters, digits, '-' or '_'.")
    return value
