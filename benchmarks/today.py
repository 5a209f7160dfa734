"""The day that a page of figures is dated."""

from __future__ import annotations

from datetime import UTC, datetime


def today() -> str:
    """Today in UTC, as YYYY-MM-DD."""
    return datetime.now(UTC).date().isoformat()
