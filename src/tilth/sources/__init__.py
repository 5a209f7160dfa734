"""Where records come from: entries with a place, never a Sample."""

from __future__ import annotations

from tilth.sources.address import spec_at
from tilth.sources.files import Found, Look, data_root, digest, entries, files_of, plan, size_of, sniff
from tilth.sources.listing import is_there
from tilth.sources.reading import entry_at
from tilth.sources.tables import are_names

__all__ = [
    "Found",
    "Look",
    "are_names",
    "data_root",
    "digest",
    "entries",
    "entry_at",
    "files_of",
    "is_there",
    "plan",
    "size_of",
    "sniff",
    "spec_at",
]
