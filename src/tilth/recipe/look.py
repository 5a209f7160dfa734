"""A look at data before there is a recipe: its format, its encoding, and how it lies in its files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tilth.errors import FormatError, SourceError
from tilth.formats import FORMATS, detect, guess, read_record
from tilth.sources import Look, are_names, files_of, sniff
from tilth.sources.address import is_address, is_web, parse_address
from tilth.sources.base import Spec
from tilth.sources.listing import TEXT
from tilth.sources.streams import suffix_of

AUTO = "auto"
LOOKED_AT = 20
"""How many files of a folder are looked at."""
NGRAM = 3
"""Characters that `dedup.near` compares at a time."""
FEW = 3
"""Fewer documents than this say nothing about what lies between them."""
NOTES = {
    "rows": "Its first row holds no names of columns",
    "items": "It is one object with a list of records",
    "blocks": "Its documents have several lines, with blank ones between them",
}
_SIDE = re.compile(r"(train|validation|valid|val|dev|test|eval)(?=$|[-_.\d])", re.IGNORECASE)
_BLANK = re.compile(r"\{\{ ?(?:name|author|company|model_name|developer)s? ?\}\}", re.IGNORECASE)
MEDIA = ("image", "images", "videos", "audios")


@dataclass(frozen=True)
class Seen:
    """What a look at the data shows."""

    format: str = ""
    encoding: str = ""
    page: str = ""
    """`rows`, `items` or `blocks`, where the data lie otherwise than their suffix says."""
    columns: Mapping[str, str] = field(default_factory=dict)
    sides: Sequence[str] = ()
    """The sides that the files are named after, where there are several: `test`, `train`."""
    blanks: Sequence[str] = ()
    """Placeholders that somebody has to fill in, as they stand in the texts."""
    short: bool = False
    """Whether most answers are too short to tell samples apart: a letter, 对, a number."""
    media: bool = False
    """Whether the records name images or the like."""

    def notes(self) -> Iterator[str]:
        """What a person should know about it, a sentence each."""
        if self.format == AUTO:
            yield "The first run fetches it and finds its format; look before with: tilth show ADDRESS"
            yield "All its files are read, those of other configurations and of a test side too, unless the address names some: ADDRESS/data/train-*."
        if self.encoding:
            yield f"It seems to be {self.encoding}; the recipe says so."
        if self.page:
            yield f"{NOTES[self.page]}; the recipe says so with `page: {self.page}`."
        if self.columns:
            keys = ", ".join(f"`{key}` as `{ours}`" for ours, key in self.columns.items())
            yield f"No format has these keys; the recipe takes {keys}. Change `columns:` where that is wrong."
        if self.sides:
            yield f"Its files are named after several sides ({', '.join(self.sides)}), and all are read; name the files of one to keep them apart."
        if self.blanks:
            yield f"Its texts have placeholders to fill in ({', '.join(self.blanks)}): `normalize.glossary` writes what you want for them."
        if self.short:
            yield "Its answers are a word or a letter, which tells no questions apart: `dedup.near` has a threshold of 0.9 there."
        if self.media:
            yield "Only text is read: what the records say of images stays in `meta` and is not written again."


def look(data: str) -> Seen:
    """What the recipe must say of the data; an address is looked at when it is fetched.

    Raises:
        SourceError: there is no such data, it is a web page, it holds no record, or its files differ in encoding.
        FormatError: no format fits.
    """
    if is_web(data):
        raise SourceError(
            f"{data} is a page, and whether it is an article, a list or a thread has to be said.",
            "Start with `tilth init`, then write `from: {path: URL, page: article}` into the recipe.",
        )
    if is_address(data):
        parse_address(data)
        return Seen(AUTO)
    if not Path(data).exists():
        raise SourceError(f"there is no file or folder {data}.", "Give the path of your data.")
    files = [found.path for found in files_of([Spec(data)]) if not found.skipped]
    looks = {path: sniff(path) for path in files[:LOOKED_AT]}
    encoding = _one_encoding(looks)
    if encoding:
        looks = {path: sniff(path, encoding=encoding) for path in looks}
    page = _page(looks, encoding)
    if page:
        looks = {path: sniff(path, encoding=encoding or "utf-8", page=page) for path in looks}
    records = [record for look in looks.values() for record in look.records]
    if not records:
        wrong = next((f": {look.error}" for look in looks.values() if look.error), ", it is empty")
        raise SourceError(f"{data} holds no record that can be read{wrong}.", "Give another file.")
    sides = sorted({side for path in files if (side := _side(Path(path)))})
    try:
        shape = _shape(records, page)
    except FormatError:
        _refuse_several(looks)
        raise
    told = (json.dumps(record, ensure_ascii=False, default=str) for record in records)
    blanks = sorted({blank for text in told for blank in _BLANK.findall(text)})
    media = any(isinstance(r, dict) and any(r.get(key) for key in MEDIA) for r in records)
    return replace(
        shape,
        encoding=encoding,
        page=page,
        sides=sides if len(sides) > 1 else (),
        blanks=blanks,
        short=_are_short(records, shape),
        media=media,
    )


def _refuse_several(looks: Mapping[str, Look]) -> None:
    """Say so where each file has a format, but not all of them the same."""
    found = {}
    for path, look in looks.items():
        try:
            found[Path(path).name] = detect(look.records).name
        except FormatError:
            return
    if len(set(found.values())) > 1:
        seen = ", ".join(f"{name}: {format_}" for name, format_ in list(found.items())[:4])
        raise FormatError(
            f"the files have different formats ({seen}).",
            "Name each with its own: `from: [{path: FILE, format: NAME}, …]`, or start from one of them.",
        )


def _are_short(records: Sequence[Any], shape: Seen) -> bool:
    """Whether most samples have an answer and none that n-grams could be made of."""
    read = FORMATS.get(shape.format).read
    answers = []
    for record in records:
        try:
            answers.append(read_record(read, record, shape.columns, "", "").answer.strip())
        except FormatError:
            continue
    return sum(0 < len(answer) < NGRAM for answer in answers) * 2 > len(answers)


def _side(path: Path) -> str:
    """The side that a file or its folder is named after: `train` for `train-00000-of-00002.parquet`."""
    found = (_SIDE.match(name) for name in (path.name, path.parent.name))
    return next((match[1].lower() for match in found if match), "")


def _one_encoding(looks: Mapping[str, Look]) -> str:
    encodings = {look.encoding for look in looks.values()}
    if len(encodings) > 1:
        odd = next(path for path, look in looks.items() if look.encoding)
        raise SourceError(
            f"{odd} seems to be {looks[odd].encoding}, and other files there are not.",
            "Convert it, or name each file with its encoding: `from: [{path: FILE, encoding: NAME}, …]`.",
        )
    return next(iter(encodings), "")


def _page(looks: Mapping[str, Look], encoding: str) -> str:
    """How all of the files lie, where that is not what their suffix says."""
    kinds: dict[str, Callable[[str, Look], bool]] = {
        "rows": lambda path, look: _has_no_header(look),
        "items": lambda path, look: _holds_a_list(look),
        "blocks": lambda path, look: _lies_in_blocks(path, look, encoding or "utf-8"),
    }
    return next((page for page, is_one in kinds.items() if all(is_one(*item) for item in looks.items())), "")


def _has_no_header(look: Look) -> bool:
    return look.layout == "table" and bool(look.records) and not are_names(list(look.records[0]))


def _holds_a_list(look: Look) -> bool:
    """Whether a JSON file is one object that is no record of any format, but holds a list of objects."""
    record = look.records[0] if len(look.records) == 1 else None
    if look.layout not in ("object", "lines") or not isinstance(record, dict):
        return False
    lists = any(isinstance(value, list) and value and isinstance(value[0], dict) for value in record.values())
    return lists and guess([record]) is None and not any(fmt.fits(record) for _, fmt in FORMATS)


def _lies_in_blocks(path: str, look: Look, encoding: str) -> bool:
    """Whether a plain text seems to hold documents of several lines with blank lines between them."""
    if look.layout != "lines" or suffix_of(path) not in TEXT:
        return False
    blocks = [record["text"] for record in sniff(path, encoding=encoding, page="blocks").records]
    return len(blocks) >= FEW and sum("\n" in text for text in blocks) * 2 > len(blocks)


def _shape(records: Sequence[Any], page: str) -> Seen:
    try:
        return Seen(detect(records).name)
    except FormatError as error:
        found = guess(records)
        if found is None and page == "rows":
            raise FormatError(
                f"the table seems to have no header, and what its columns hold cannot be told: {error.message}",
                "Say it: `from: {path: FILE, page: rows}`, `format: csv`, `columns: {question: column_1, answer: column_2}`.",
            ) from None
        if found is None:
            raise
        return Seen(found.format, columns=found.columns)
