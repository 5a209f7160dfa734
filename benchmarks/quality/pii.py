"""Personal data: found in running text and beside hanzi, and not seen where there is none."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from benchmarks.quality.cases import CQIA, cqia
from benchmarks.quality.figures import Figure, Part, at_least, at_most, reported

from tilth.operators.privacy_find import Finding, Kind, find

FIELDS: dict[Kind, str] = {"phone": "phoneNumbers", "id": "idCardNumbers", "email": "emailAddress"}
SHOWN = 200
_AROUND = 20
_HANZI = re.compile("[\u4e00-\u9fff]")
_GLUE = (("我的", "是这个"), ("号码", "可以联系"), ("请用", "登记"))


def measure(data: Path, quick: bool = False) -> Part:
    """Recall on the shipped records, false spans on clean texts; `quick` is the same, it takes seconds."""
    file = data / "pii_multipriv" / "data_person_1000_zh.json"
    people = json.loads(file.read_text(encoding="utf-8"))
    figures, missed = [], []
    for kind, field in FIELDS.items():
        found, lost = _recall(kind, [(person["naturalParagraph"], str(person[field])) for person in people])
        figures += found
        missed += lost
    clean, lines = _clean(data)
    return Part("Personal data", [*figures, *clean], {"missed": missed, "spans on clean texts": lines})


def _recall(kind: Kind, cases: list[tuple[str, str]]) -> tuple[list[Figure], list[str]]:
    """How many of the values that stand in their text are found there, whole."""
    standing = [(text, value) for text, value in cases if value in text]
    touching = [(text, value) for text, value in standing if _is_glued(text, value)]
    missed = [(text, value) for text, value in standing if not _finds(kind, text, value)]
    between = [f"{before}{value}{after}" for _, value in standing for before, after in _GLUE]
    seen = sum(_finds(kind, text, text[2 : -len(after)]) for text, (_, after) in _with_glue(between))
    figures = [
        at_least(0.95, f"{kind}: found in the record's text", len(standing) - len(missed), len(standing)),
        at_least(
            0.95,
            f"{kind}: found where hanzi touch both ends",
            sum(_finds(kind, text, value) for text, value in touching),
            len(touching),
        )
        if touching
        else reported(f"{kind}: found where hanzi touch both ends", 0, 0),
        at_least(0.95, f"{kind}: found between hanzi put there", seen, len(between)),
    ]
    return figures, [f"{kind}: {_context(text, text.index(value), len(value))}" for text, value in missed]


def _with_glue(texts: list[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    for n, text in enumerate(texts):
        yield text, _GLUE[n % len(_GLUE)]


def _is_glued(text: str, value: str) -> bool:
    at = text.index(value)
    before, after = text[at - 1 : at], text[at + len(value) : at + len(value) + 1]
    return bool(_HANZI.match(before) and _HANZI.match(after))


def _finds(kind: Kind, text: str, value: str) -> bool:
    return any(finding.kind == kind and finding.text == value for finding in find(text))


def _clean(data: Path) -> tuple[list[Figure], list[str]]:
    """Spans in texts that were published as clean, each read and judged by hand (`pii_judged.txt`)."""
    texts = [text for name in CQIA for pair in cqia(data, name) for text in pair]
    judged = dict(line.split() for line in _judgements().read_text("utf-8").splitlines() if line[:1] != "#")
    spans = [
        (judged.get(_digest(text, each), "unjudged"), text, each) for text in texts for each in find(text)
    ]
    wrong = sum(verdict != "right" for verdict, _, _ in spans)
    lines = [
        f"{verdict} {each.kind}: {_context(text, each.start, each.end - each.start)}"
        for verdict, text, each in spans
    ]
    if len(lines) > SHOWN:
        lines = random.Random(42).sample(lines, SHOWN)
    note = (
        "each span was read and is what it is said to be; most are addresses and sample records in code, which "
        "nothing tells from real ones"
    )
    return [
        reported("spans on clean texts", len(spans), len(texts)),
        at_most(0.001, "false spans on clean texts", wrong, len(texts), note),
    ], lines


def _judgements() -> Path:
    return Path(__file__).with_name("pii_judged.txt")


def _digest(text: str, each: Finding) -> str:
    """Stands for a span and its surroundings, so that no text of the set is kept here."""
    around = text[max(0, each.start - _AROUND) : each.end + _AROUND]
    return blake2b(f"{each.kind}\0{each.text}\0{around}".encode(), digest_size=8).hexdigest()


def _context(text: str, start: int, size: int) -> str:
    before, after = text[max(0, start - _AROUND) : start], text[start + size : start + size + _AROUND]
    return f"…{before}[{text[start : start + size]}]{after}…".replace("\n", "⏎")
