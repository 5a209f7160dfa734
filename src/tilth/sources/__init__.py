"""Where records come from: entries with a place, never a Sample."""

from __future__ import annotations

from tilth.sources.files import Found, Look, data_root, digest, entries, files_of, plan, sniff

__all__ = ["Found", "Look", "data_root", "digest", "entries", "files_of", "plan", "sniff"]
