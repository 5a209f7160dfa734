"""Files of records: JSON lines, or a table with a header that Excel opens."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import IO, Any

import msgspec

from tilth.errors import FormatError
from tilth.store.files import json_line

BOM = b"\xef\xbb\xbf"


class RecordWriter:
    """Writes records to an open file, one a line (`jsonl`) or one a row (`csv`, `tsv`)."""

    def __init__(self, handle: IO[bytes], container: str, columns: Sequence[str] = ()) -> None:
        """Write to `handle`; `columns` are those of a table whose header stands there already."""
        self._handle = handle
        self._delimiter = {"csv": ",", "tsv": "\t"}.get(container)
        self.columns = list(columns)
        self.rows = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Append one record.

        Raises:
            FormatError: a table has no column for a key of this record.
        """
        if self._delimiter is None:
            self._handle.write(json_line(record).encode("utf-8"))
        else:
            self._row(record)
        self.rows += 1

    def add_json(self, record: bytes | msgspec.Raw) -> None:
        """Append one record that is JSON already, spelled as `json_line` spells it.

        Raises:
            FormatError: as `add`.
        """
        if self._delimiter is None:
            self._handle.write(record)
            self._handle.write(b"\n")
        else:
            self._row(msgspec.json.decode(record))
        self.rows += 1

    def _row(self, record: Mapping[str, Any]) -> None:
        if not self.columns:
            self.columns = list(record)
            self._handle.write(BOM + self._line(self.columns))
        extra = set(record) - set(self.columns)
        if extra:
            raise FormatError(f"the table has no column {sorted(extra)[0]}.", "Choose a JSON Lines format.")
        self._handle.write(self._line([record.get(name, "") for name in self.columns]))

    def _line(self, cells: list[Any]) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=self._delimiter or ",").writerow(cells)
        return text.getvalue().encode("utf-8")
