"""Which format records have, for `--from auto`."""

from __future__ import annotations

from collections.abc import Sequence

from tilth.errors import FormatError
from tilth.formats.base import FORMATS, Format, Record, kind_of
from tilth.formats.columns import has
from tilth.formats.guess import ENOUGH, MESSAGE, guess


def detect(records: Sequence[Record]) -> Format:
    """The most particular format that all records fit; failing that, the one that nearly all of them fit.

    Raises:
        FormatError: there are no records, or no format fits; the message lists the keys that were seen.
    """
    if not records:
        raise FormatError("there is no record to recognize a format by.", "Name it with `format:`.")
    fitting = {name: [record for record in records if fmt.fits(record)] for name, fmt in FORMATS}
    wrong = {name: _unreadable(FORMATS.get(name), found) for name, found in fitting.items()}
    counts = {name: 0 if wrong[name] else len(found) for name, found in fitting.items()}
    best = max(counts.values())
    if best < ENOUGH * len(records):
        odd = _first_misfit(records, counts, best)
        name = max(fitting, key=lambda name: (len(fitting[name]), -FORMATS.get(name).rank))
        if wrong[name] and len(fitting[name]) >= ENOUGH * len(records):
            odd = f"they have the keys of `{name}`, but the first one is {wrong[name]}"
        raise FormatError(
            f"no format fits these records; {odd}.",
            f"{_proposal(records)} Known: {', '.join(FORMATS.names())}.",
        )
    return min((fmt for name, fmt in FORMATS if counts[name] == best), key=lambda fmt: fmt.rank)


def _unreadable(fmt: Format, records: Sequence[Record]) -> str:
    """Why the first record cannot be read, where none of them can; else empty."""
    first = ""
    for record in records:
        try:
            fmt.read(record, "", "")
        except FormatError as error:
            first = first or error.message.removesuffix(".")
        else:
            return ""
    return first


def _keys(record: Record) -> str:
    if isinstance(record, dict):
        keys = [key if len(key) <= 40 else f"{key[:39]}…" for key in list(record)[:12]]
        return ", ".join(f"`{key}`" for key in keys) or "no keys"
    return f"no keys: it is {kind_of(record)}"


def _first_misfit(records: Sequence[Record], counts: dict[str, int], best: int) -> str:
    if best * 2 < len(records):
        return f"the first one has {_keys(records[0])}"
    name = next(name for name, count in counts.items() if count == best)
    index, record = next((i, r) for i, r in enumerate(records, 1) if not FORMATS.get(name).fits(r))
    return f"most fit `{name}`, but record {index} has {_keys(record)}"


def _proposal(records: Sequence[Record]) -> str:
    found = guess(records)
    if found is None and has(records[0], *MESSAGE):
        return "They are single messages, and a sample is a conversation: take the file that holds whole trees (`oasst`)."
    if found is None and len(records) == 1 and isinstance(records[0], dict):
        for key, value in records[0].items():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                return f"Where the records are the list `{key}`, read them with `page: items`; `tilth init` writes that."
    if found is None:
        return (
            "Name one with `format:` and say which keys of yours it finds there: "
            "`columns: {question: YOUR KEY, answer: YOUR KEY}` for `format: csv`."
        )
    columns = ", ".join(f"{key}: {name}" for key, name in found.columns.items())
    return f"They look like `format: {found.format}` with `columns: {{{columns}}}`; `tilth init` writes that."
