"""Splits a JSON array into its elements without parsing it, in memory that one element needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Literal, NamedTuple

import msgspec

from tilth.sources.streams import BOM

CHUNK = 1 << 20
SPACE = b" \t\r\n"

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FLAT = re.compile(rb'[^"\[\]{},]*+(?:%s[^"\[\]{},]*+)*+' % _STRING, re.DOTALL)
"""Everything up to a bracket or comma outside strings, or up to a string whose end is not in sight."""
_DEEP = re.compile(rb'[^"\[\]{}]*+(?:%s[^"\[\]{}]*+)*+' % _STRING, re.DOTALL)
"""The same inside an element, where commas mean nothing."""
_LIST = re.compile(rb"%s[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*(?=\{)" % _STRING, re.DOTALL)
_TEXT = re.compile(_STRING, re.DOTALL)
HEAD = 1 << 20
"""How far a list inside an object may begin, in bytes."""
_TRIES = 8
"""How many endings are tried: the last ones in sight may lie inside an element."""
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_SPACES = re.compile(rb"[ \t\r\n]*+")

Kind = Literal["element", "blank", "endless", "unclosed", "after"]
"""An element; nothing between two commas; an element whose end cannot be found, with all that follows; the bracket
that a cut file lacks; what stands behind the closing bracket."""
Ending = Literal["comma", "closed", "cut", "endless"]


class Piece(NamedTuple):
    """Something found in an array."""

    kind: Kind
    start: int
    """Offset of its first byte in the stream."""
    raw: bytes


def list_in(head: bytes) -> int:
    """Where the first element lies of the first list of objects right inside a JSON object; 0 where there is none.

    Args:
        head: the beginning of the object, at least as far as that element.
    """
    for match in _LIST.finditer(head):
        bare = _TEXT.sub(b"", head[: match.start()])
        if sum(map(bare.count, (b"{", b"["))) - sum(map(bare.count, (b"}", b"]"))) == 1:
            return match.end()
    return 0


def pieces(stream: IO[bytes], start: int = 0, end: int = -1) -> Iterator[Piece]:
    """What lies in the array, in order.

    A bracket that is missing or too many is made good by the next one that fits, so that a broken element rarely
    takes its neighbours with it.

    Args:
        stream: the array, positioned at `start`.
        start: 0, or the offset of an element that an earlier scan found.
        end: the offset behind the last element wanted; -1 reads to the end of the array.
    """
    return _Scan(stream, start, end).pieces()


class _Scan:
    """A window on the stream that grows to the right and forgets what lies before the current element."""

    def __init__(self, stream: IO[bytes], start: int, end: int) -> None:
        self._stream = stream
        self._bounded = end >= 0
        self._left = end - start
        self._base = start
        self._buffer = b""
        self._begin = self._at = 0
        self._fresh = True
        """Whether the window has grown since the parser last looked at it."""

    def pieces(self) -> Iterator[Piece]:
        if self._base == 0:
            self._open()
        ending: Ending = "comma"
        while ending == "comma":
            self._skip_space()
            yield from self._in_sight()
            ending = self._find_end()
            raw = self._buffer[self._begin : self._at].rstrip(SPACE)
            if raw or ending == "comma":
                kind: Kind = "endless" if ending == "endless" else "element" if raw else "blank"
                yield Piece(kind, self._base + self._begin, raw)
            self._at += 1
        if ending == "cut" and not self._bounded:
            yield Piece("unclosed", self._base + len(self._buffer), b"")
        if ending == "closed":
            yield from self._after()

    def _open(self) -> None:
        while len(self._buffer) < len(BOM) and self._grow():
            pass
        self._at = len(BOM) if self._buffer.startswith(BOM) else 0
        self._skip_space()
        self._at += 1

    def _after(self) -> Iterator[Piece]:
        self._skip_space()
        while self._grow():
            pass
        raw = self._buffer[self._begin :].rstrip(SPACE)
        if raw:
            yield Piece("after", self._base + self._begin, raw)

    def _in_sight(self) -> Iterator[Piece]:
        """The elements that end within the window, as the parser tells them apart: thirty times as fast as the scan.

        What parses as a list of elements is one, wherever it was cut. Where nothing does, the scan has to look.
        """
        if not self._fresh:
            return
        self._fresh = False
        stop = len(self._buffer)
        for _ in range(_TRIES):
            stop = self._buffer.rfind(b"},", self._begin, stop)
            if stop < 0:
                return
            try:
                found = _split(b"[%b]" % self._buffer[self._begin : stop + 1])
            except (msgspec.DecodeError, RecursionError):
                continue
            for element in found:
                raw = bytes(element)
                self._at = self._buffer.index(raw, self._begin)
                yield Piece("element", self._base + self._at, raw)
                self._begin = self._at + len(raw)
            self._at = stop + 2
            self._skip_space()
            return

    def _find_end(self) -> Ending:
        """Move to the comma or bracket behind the element that begins here, or to the end of the data."""
        opened = bytearray()
        while True:
            match = (_DEEP if opened else _FLAT).match(self._buffer, self._at)
            assert match is not None
            self._at = match.end()
            token = self._buffer[self._at : self._at + 1]
            if token in (b"", b'"'):
                if self._grow():
                    continue
                self._at = len(self._buffer)
                return "endless" if token or opened else "cut"
            if token == b",":
                return "comma"
            if token in b"[{":
                opened += token
            elif not _close(opened, token):
                return "closed"
            self._at += 1

    def _skip_space(self) -> None:
        """Begin an element at the next byte that is no space."""
        while True:
            match = _SPACES.match(self._buffer, self._at)
            assert match is not None
            self._begin = self._at = match.end()
            if self._at < len(self._buffer) or not self._grow():
                return

    def _grow(self) -> bool:
        """Read on, at least as much as is kept, so that a long element is not scanned again and again."""
        size = max(CHUNK, len(self._buffer) - self._begin)
        more = self._stream.read(min(size, self._left) if self._bounded else size)
        self._left -= len(more)
        self._buffer = self._buffer[self._begin :] + more
        self._base += self._begin
        self._at -= self._begin
        self._begin = 0
        self._fresh = True
        return bool(more)


def _close(opened: bytearray, token: bytes) -> bool:
    """Take back the nearest bracket that this one closes; false where it must be the array's own."""
    at = opened.rfind(b"[" if token == b"]" else b"{")
    if at >= 0:
        del opened[at:]
    return at >= 0 or token == b"}"
