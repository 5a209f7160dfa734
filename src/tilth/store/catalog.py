"""The catalogue of a run: one SQLite file that finds its samples by place, by facet, by number and by words.

It is made from the run's own files and can be made again at any time; nothing in it is the truth. SQLite holds what is
fetched for single samples, and the words; the columns that facets count lie in it as arrays, so that counting and
choosing among all samples is numpy's work and takes about a millisecond for a hundred thousand.
"""

from __future__ import annotations

import io
import json
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tilth.sample import Sample
from tilth.store.words import grams, query

SCHEMA = 3
"""Raised when a file of another version cannot be read any more."""
MANY = 50
"""Distinct values above which a column is no facet."""
BATCH = 2_000

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Sample).decode

TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE entry (n INTEGER PRIMARY KEY, place TEXT, id TEXT, door TEXT, step TEXT, reason TEXT, split TEXT,
                    family TEXT, proposed TEXT, raw TEXT, evidence TEXT, sample BLOB);
CREATE TABLE facet (name TEXT PRIMARY KEY, choices TEXT, rows BLOB, codes BLOB);
CREATE TABLE number (name TEXT PRIMARY KEY, data BLOB);
CREATE VIRTUAL TABLE words USING fts5(grams, content='', columnsize=0, tokenize='unicode61 remove_diacritics 0');
"""
INDEXES = "CREATE UNIQUE INDEX by_place ON entry (place); CREATE INDEX by_id ON entry (id); CREATE INDEX by_family ON entry (family);"
COLUMNS = "n, place, id, door, step, reason, split, family, proposed, raw, evidence, sample"
VOCABULARY = "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'words', 'row')"
RARE = 2_000
"""A pair of characters that more samples have says little about which are alike."""


class Entry(NamedTuple):
    """One sample, and the door it stands behind."""

    n: int
    """Its number in the order of the run, from 0."""
    place: str
    id: str
    door: str
    step: str = ""
    """The step that sent it away; empty for a kept sample."""
    reason: str = ""
    split: str = ""
    family: str = ""
    proposed: tuple[str, ...] = ()
    """Steps that proposed a change."""
    raw: str = ""
    """What stood in the source, where there is no sample."""
    evidence: Mapping[str, Any] = MappingProxyType({})
    """What its step said when it sent it away."""
    sample: Sample | None = None
    """`None` where the entry could not be read, or the checkpoints are gone."""

    @property
    def question(self) -> str:
        """What the user asks; for an unreadable entry what stood in the source."""
        return self.sample.question if self.sample else self.raw

    @property
    def answer(self) -> str:
        """What the assistant answers."""
        return self.sample.answer if self.sample else ""


@dataclass
class Known:
    """What is noted about one entry beside the entry itself."""

    tags: Mapping[str, Sequence[str]]
    """Facet → its values; usually one."""
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class Facet:
    """A column with few values: pairs of a row and a code, since an entry may have several values, or none."""

    values: tuple[str, ...]
    rows: np.ndarray
    codes: np.ndarray

    def having(self, value: str) -> np.ndarray:
        """The rows that have a value."""
        code = self.values.index(value) if value in self.values else -1
        found: np.ndarray = self.rows[self.codes == code]
        return found

    def counts(self, mask: np.ndarray | None = None) -> dict[str, int]:
        """Value → how many of the rows under the mask have it; values that none has are left out."""
        codes = self.codes if mask is None else self.codes[mask[self.rows]]
        found = np.bincount(codes, minlength=len(self.values))
        return {value: int(n) for value, n in zip(self.values, found, strict=True) if n}


@dataclass
class _Column:
    """A facet while it is collected; given up where it has too many values."""

    codes: dict[str, int] = field(default_factory=dict)
    rows: array[int] = field(default_factory=lambda: array("i"))
    coded: array[int] = field(default_factory=lambda: array("i"))

    def add(self, row: int, values: Iterable[str]) -> None:
        for value in values:
            self.rows.append(row)
            self.coded.append(self.codes.setdefault(value, len(self.codes)))


def write(
    path: Path,
    entries: Iterable[tuple[Entry, Known]],
    about: Mapping[str, Any],
    fixed: Sequence[str],
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Make a catalogue.

    Args:
        path: where; a file there is replaced when the new one is whole.
        entries: every entry once, in any order; fastest where numbers ascend.
        about: facts to keep with it; read when all entries are in.
        fixed: facets that stay whatever the number of their values; of the others those with 2 to 50 values stay.
        progress: told how many entries are in.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    base = sqlite3.connect(temporary, isolation_level=None)
    try:
        base.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + TABLES)
        base.execute("INSERT INTO words(words, rank) VALUES ('hashsize', 33554432)")
        # One transaction: each end of one would make the words' index write out what it holds and merge it.
        base.execute("BEGIN")
        columns, numbers, total = _fill(base, iter(entries), set(fixed), progress)
        base.execute("COMMIT")
        base.executescript(INDEXES)
        for name, column in columns.items():
            if column is not None and (name in fixed or len(column.codes) > 1):
                data = [_packed(np.asarray(part, dtype=np.int32)) for part in (column.rows, column.coded)]
                base.execute(
                    "INSERT INTO facet VALUES (?, ?, ?, ?)", (name, json.dumps(list(column.codes)), *data)
                )
        for name, (rows, values) in numbers.items():
            dense = np.full(total, np.nan)
            dense[np.asarray(rows, dtype=np.int64)] = values
            base.execute("INSERT INTO number VALUES (?, ?)", (name, _packed(dense)))
        facts = {**about, "schema": SCHEMA, "size": total}
        base.executemany("INSERT INTO about VALUES (?, ?)", [(k, json.dumps(v)) for k, v in facts.items()])
    finally:
        base.close()
    temporary.replace(path)


def _fill(
    base: sqlite3.Connection,
    entries: Iterator[tuple[Entry, Known]],
    fixed: set[str],
    progress: Callable[[int], None],
) -> tuple[dict[str, _Column | None], dict[str, tuple[array[int], array[float]]], int]:
    columns: dict[str, _Column | None] = {name: _Column() for name in sorted(fixed)}
    numbers: dict[str, tuple[array[int], array[float]]] = {}
    done = size = 0
    while batch := list(islice(entries, BATCH)):
        base.executemany(
            f"INSERT INTO entry ({COLUMNS}) VALUES ({', '.join('?' * 12)})", map(_row, (e for e, _ in batch))
        )
        said = ((e.n, grams(_said(e))) for e, _ in batch)
        base.executemany("INSERT INTO words(rowid, grams) VALUES (?, ?)", said)
        for entry, known in batch:
            for name, values in known.tags.items():
                column = columns.setdefault(name, _Column())
                if column is not None:
                    column.add(entry.n, values)
                    if len(column.codes) > MANY and name not in fixed:
                        columns[name] = None
            for name, value in known.numbers.items():
                rows, kept = numbers.setdefault(name, (array("i"), array("d")))
                rows.append(entry.n)
                kept.append(value)
        done += len(batch)
        size = max(size, *(entry.n + 1 for entry, _ in batch))
        progress(done)
    return columns, numbers, size


def _row(entry: Entry) -> tuple[Any, ...]:
    body = None if entry.sample is None else _encode(entry.sample)
    proposed, evidence = (json.dumps(part) if part else "" for part in (entry.proposed, dict(entry.evidence)))
    return (*entry[:8], proposed, entry.raw, evidence, body)


def _said(entry: Entry) -> str:
    """What a search looks through."""
    said = [m.content for m in entry.sample.messages] if entry.sample else [entry.raw]
    return "\n".join([entry.place, entry.id, entry.reason, *said])


def _packed(data: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, data, allow_pickle=False)
    return buffer.getvalue()


class Catalog:
    """A catalogue, read. Several threads may ask at once."""

    def __init__(self, path: Path) -> None:
        """Open a catalogue.

        Raises:
            sqlite3.DatabaseError: this is none of ours.
        """
        self.path = path
        # The file is never changed in place, only replaced.
        self._base = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        self._base.execute(VOCABULARY)
        self.about: dict[str, Any] = {k: json.loads(v) for k, v in self._base.execute("SELECT * FROM about")}
        self.size: int = self.about["size"]
        self.facets = {
            name: Facet(tuple(json.loads(values)), _unpacked(rows), _unpacked(codes))
            for name, values, rows, codes in self._base.execute("SELECT * FROM facet")
        }
        self.numbers = {name: _unpacked(data) for name, data in self._base.execute("SELECT * FROM number")}

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def entries(self, rows: Sequence[int] | np.ndarray) -> list[Entry]:
        """The entries with these numbers, in their order."""
        asked = [int(n) for n in rows]
        marks = ", ".join("?" * len(asked))
        found = {
            row[0]: row
            for row in self._base.execute(f"SELECT {COLUMNS} FROM entry WHERE n IN ({marks})", asked)
        }
        return [_entry(found[n]) for n in asked if n in found]

    def at(self, place: str) -> Entry | None:
        """The entry at a place."""
        row = self._base.execute(f"SELECT {COLUMNS} FROM entry WHERE place = ?", (place,)).fetchone()
        return None if row is None else _entry(row)

    def knows(self, place: str) -> bool:
        """Whether there is an entry at a place."""
        return self._base.execute("SELECT 1 FROM entry WHERE place = ?", (place,)).fetchone() is not None

    def with_id(self, sample_id: str) -> list[Entry]:
        """All entries with an id: equal records share one."""
        asked = f"SELECT {COLUMNS} FROM entry WHERE id = ? ORDER BY n"
        return [_entry(row) for row in self._base.execute(asked, (sample_id,))]

    def ids(self, rows: Sequence[int] | np.ndarray | None = None) -> list[str]:
        """The id of each entry, by number; `""` where it never got one."""
        found = [i for (i,) in self._base.execute("SELECT id FROM entry ORDER BY n")]
        return found if rows is None else [found[n] for n in rows]

    def family(self, root: str) -> list[Entry]:
        """The sample with this id and everything made from it, in order."""
        asked = f"SELECT {COLUMNS} FROM entry WHERE family = ? OR id = ? ORDER BY n LIMIT 200"
        return [_entry(row) for row in self._base.execute(asked, (root, root))]

    def alike(self, text: str, most: int = 24, rarest: int = 12) -> np.ndarray:
        """Rows that share the most of a text's rarest pairs of characters with it, best first.

        They are candidates only: rare pairs say which texts are worth comparing, not how near they are.
        """
        pieces = sorted({piece for piece in grams(text).split(" ") if len(piece) > 1})[:400]
        marks = ", ".join("?" * len(pieces))
        known = self._base.execute(
            f"SELECT term, doc FROM vocabulary WHERE term IN ({marks}) AND doc > 1 AND doc <= {RARE} ORDER BY doc, term",
            pieces,
        ).fetchall()
        shared = np.zeros(self.size)
        for term, docs in known[:rarest]:
            found = self._base.execute("SELECT rowid FROM words WHERE words MATCH ?", (f'"{term}"',))
            shared[np.fromiter((n for (n,) in found), dtype=np.int64)] += 1 / np.log2(1 + docs)
        best = np.argsort(-shared, kind="stable")[:most]
        return best[shared[best] > 0]

    def search(self, text: str) -> np.ndarray | None:
        """The rows that hold every word of a search, ascending; `None` where it has no word."""
        asked = query(text)
        if asked is None:
            return None
        found = self._base.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid", (asked,))
        return np.fromiter((n for (n,) in found), dtype=np.int64)


def _unpacked(data: bytes) -> np.ndarray:
    found: np.ndarray = np.load(io.BytesIO(data), allow_pickle=False)
    return found


def _entry(row: tuple[Any, ...]) -> Entry:
    proposed = tuple(json.loads(row[8])) if row[8] else ()
    evidence = json.loads(row[10]) if row[10] else {}
    sample = None if row[11] is None else _decode(row[11])
    n, place, sample_id, door, step, reason, split, family = row[:8]
    return Entry(n, place, sample_id, door, step, reason, split, family, proposed, row[9], evidence, sample)
