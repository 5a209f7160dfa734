"""The column map: how a format finds its keys in records that name them otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import Reader, Record, need_object
from tilth.sample import Sample

Columns = Mapping[str, str | None]
"""The format's key → the record's key; `null` hides a key from the format."""


def mapped(record: Record, columns: Columns) -> Record:
    """The record with the keys that the format expects; without a map the very same object.

    A key that another one replaces, or that `null` hides, is not in the result: `read_record` keeps it in `meta`.

    Raises:
        FormatError: there is a map, and the record is no object.
    """
    if not columns:
        return record
    found = need_object(record, "mapped")
    moved = {key: found[source] for key, source in columns.items() if source is not None and source in found}
    kept = {key: value for key, value in found.items() if key not in columns and key not in columns.values()}
    return {**moved, **kept}


def read_record(read: Reader, record: Record, columns: Columns, sample_id: str, place: str) -> Sample:
    """A sample from a record through a column map; what the map hides from the format stays in `meta`.

    Args:
        read: the format's reader.
        record: the record as the source parsed it.
        columns: the column map, which may be empty.
        sample_id: the id of the unmapped record.
        place: where the record lies.

    Raises:
        FormatError: the record does not have the shape.
    """
    sample = read(mapped(record, columns), sample_id, place)
    hidden = [key for key in columns if key not in columns.values() and key in record] if columns else []
    if not hidden:
        return sample
    return sample.replace(meta={**sample.meta, **{key: record[key] for key in hidden}})


def need(record: Mapping[str, Any], key: str, name: str, where: str = "") -> Any:
    """The value under `key`, of whatever type.

    Args:
        record: the record, or an object inside it.
        key: the key.
        name: the format's name, for the message.
        where: the path of the object inside the record.

    Raises:
        FormatError: there is no such key.
    """
    if key not in record:
        raise FormatError(f"not a {name} record: `{where}{'.' if where else ''}{key}` is missing.")
    return record[key]


def has(record: Any, *keys: str) -> bool:
    """Whether the record is an object with all these keys."""
    return isinstance(record, dict) and all(key in record for key in keys)
