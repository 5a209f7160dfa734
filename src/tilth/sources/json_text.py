"""One JSON text: its value, or a sentence that says what is wrong with it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

MAX_DEPTH = 200
"""Deeper nesting is refused: what comes later (encoders, templates) would meet Python's recursion limit."""

_decode = msgspec.json.Decoder().decode
_BRACKETS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
_HALF_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
_WORDS = (b"-Infinity", b"Infinity", b"NaN")
_TOO_DEEP = f"the JSON is nested more than {MAX_DEPTH} levels deep"


def parse(raw: bytes) -> tuple[Any, str]:
    """The value of a JSON text and no error, or `None` and what is wrong, in words and with the byte (from 0)."""
    try:
        value = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return None, _explain(raw, str(error))
    except RecursionError:
        return None, _TOO_DEEP
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(raw) > MAX_DEPTH:
        return None, _TOO_DEEP
    return value, ""


def decode_error(raw: bytes, encoding: str = "utf-8") -> str:
    """Where the bytes are no text of this encoding; empty where they are."""
    try:
        raw.decode(encoding)
    except UnicodeDecodeError as error:
        return f"invalid {'UTF-8' if encoding == 'utf-8' else encoding} at byte {error.start}"
    return ""


def _explain(raw: bytes, message: str) -> str:
    wrong_bytes = decode_error(raw)
    if wrong_bytes:
        return wrong_bytes
    if "truncated" in message:
        half = _HALF_PAIR.search(raw)
        return f"half of a surrogate pair at byte {half.start()}" if half else "the JSON ends too early"
    if "out of range" in message:
        return "a number is too large to be read"
    found = re.search(r"\(byte (\d+)\)", message)
    at = int(found[1]) if found else 0
    for word in _WORDS:
        start = raw.find(word, max(at - 1, 0), at + len(word))
        if start >= 0:
            return f"{word.decode()} is no JSON number (byte {start})"
    if raw[at : at + 1] < b" " and "invalid character" in message:
        return f"a control character in the text must be escaped (byte {at})"
    return message.replace("JSON is malformed", "no valid JSON")


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    for match in _BRACKETS.finditer(raw):
        token = match[0][:1]
        depth += (token in b"[{") - (token in b"]}")
        deepest = max(deepest, depth)
    return deepest
