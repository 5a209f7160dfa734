"""The id of a record: a digest of what it says, whatever the order of its keys (DESIGN §3.1)."""

from __future__ import annotations

import json
from hashlib import blake2b
from types import NoneType
from typing import Any

import msgspec

from tilth.errors import FormatError

_SCALARS = frozenset({str, int, bool, NoneType})
_fast = msgspec.json.Encoder(order="sorted").encode
_exact = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def record_id(record: Any) -> str:
    """16 hex digits of blake2b over the record as canonical JSON; equal records share them.

    Raises:
        FormatError: the record cannot be written as JSON, for example because of NaN or a lone surrogate.
    """
    return blake2b(_canonical(record), digest_size=8).hexdigest()


def _canonical(record: Any) -> bytes:
    """Keys sorted, no spaces, text unescaped, as UTF-8.

    msgspec writes the very bytes of the standard library, five times as fast, but for floats: those are left to the
    library that the id is defined by.
    """
    try:
        return _fast(record) if _without_floats(record) else _exact(record).encode("utf-8")
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise FormatError(f"the record cannot be written as JSON: {error}.") from None


def _without_floats(value: Any) -> bool:
    """Whether a record holds text, whole numbers, `true`, `false` and `null` alone, under keys that are text."""
    if type(value) is dict:
        for key in value:
            if type(key) is not str:
                return False
        value = value.values()
    elif type(value) is not list:
        return type(value) in _SCALARS
    for child in value:  # noqa: SIM110  a generator would cost as much as the rest
        if type(child) not in _SCALARS and not _without_floats(child):
            return False
    return True
