"""Short ways to write a file and to read what a source finds in it."""

from __future__ import annotations

from tilth.sources import entries, plan
from tilth.sources.base import Spec


def read(path, *, shard_bytes=8 << 20, **spec):
    """Every entry of a file, folder or glob."""
    shards = plan([Spec(str(path), **spec)], shard_bytes=shard_bytes)
    return [entry for shard in shards for part in shard.parts for entry in entries(part)]


def put(folder, name, data):
    """Write a file and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


def told(found):
    """(n, record or error) of each entry that is not blank."""
    return [(entry.n, entry.error or entry.record) for entry in found if not entry.blank]
