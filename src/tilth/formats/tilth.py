"""Tilth's own shape, which loses nothing: `{"id": "…", "messages": […], "meta": {…}, "signals": {…}, …}`.

Place and side of the split belong to a run and are not written. The id of a sample is given by the engine that reads
it; where that is a new one, the old id is kept as its family, so that a root stays with what was made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import Format, Record, kind_of, need_object, optional_text, register, rest
from tilth.formats.columns import has, need
from tilth.formats.turns import read_messages, read_tools, unread, write_messages
from tilth.sample import Sample

NAME = "tilth"
KEYS = ("id", "messages", "meta", "signals", "family", "rejected", "label", "tools")


def read(record: Record, sample_id: str, place: str) -> Sample:
    """The sample as it was written.

    Raises:
        FormatError: a key is missing or has the wrong type.
    """
    found = need_object(record, NAME)
    label = found.get("label")
    if not isinstance(label, bool | None):
        raise FormatError(f"not a tilth record: `label` is {kind_of(label)}, expected true or false.")
    other, old = found.get("rejected"), optional_text(found, "id", NAME)
    messages = read_messages(need(found, "messages", NAME), "messages", NAME)
    return Sample(
        id=sample_id,
        place=place,
        messages=messages,
        meta={**_object(found, "meta"), **rest(found, KEYS), **unread(found["messages"], "messages")},
        signals=_object(found, "signals"),
        family=optional_text(found, "family", NAME) or (old if old != sample_id else ""),
        rejected=None if other is None else read_messages(other, "rejected", NAME),
        label=label,
        tools=read_tools(found, NAME),
    )


def write(sample: Sample) -> dict[str, Any]:
    """Every field but place and split; those that say nothing are left out."""
    out: dict[str, Any] = {
        "id": sample.id,
        "messages": write_messages(sample.messages),
        "meta": dict(sample.meta),
        "signals": dict(sample.signals) or None,
        "family": sample.family or None,
        "rejected": None if sample.rejected is None else write_messages(sample.rejected),
        "label": sample.label,
        "tools": None if sample.tools is None else [dict(tool) for tool in sample.tools],
    }
    return {key: value for key, value in out.items() if value is not None}


def fits(record: Record) -> bool:
    """Messages with an id and `meta`."""
    return has(record, "id", "messages", "meta")


def _object(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = record.get(key)
    if not isinstance(value, dict | None):
        raise FormatError(f"not a tilth record: `{key}` is {kind_of(value)}, expected an object.")
    return value or {}


tilth = register(Format(NAME, read, write, fits, rank=5, columns=KEYS))
