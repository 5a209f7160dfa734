"""Markup: taken out of article pages, left where it is what a text speaks about."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from benchmarks.quality.cases import cqia, sample
from benchmarks.quality.figures import Part, at_least, at_most, because

from tilth.operators.clean import strip_html
from tilth.sample import Sample

WHY = (
    "a text that names HTML or JavaScript is left alone, and addresses and handlers inside its tags count as naming "
    'them (`href="a.html"`)'
)
_ELEMENT = re.compile(
    r"<(?P<name>p|h[1-6]|li|a|span|td|dd|strong)(?:\s[^>]*)?>(?:(?!<(?P=name)[\s>]).)*?</(?P=name)\s*>",
    re.DOTALL | re.IGNORECASE,
)
_HIDDEN = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>\n]*>")
_HANZI = re.compile("[\u4e00-\u9fff]")
_WHITE = re.compile(r"\s+")


def measure(data: Path, quick: bool = False) -> Part:
    """The text elements of the article pages, and the code of the segmentfault rows; `quick` is the same."""
    pages = sorted((data / "html_gne").glob("tests_*.html"))
    elements = [(page.name, raw) for page in pages for raw in _elements(page)]
    different, tagged = [], 0
    for name, raw in elements:
        text = _stripped(raw)
        tagged += bool(_TAG.search(text))
        if _dense(text) != _dense(_visible(raw)):
            different.append(f"{name}: {raw[:200]!r} → {text[:200]!r}")
    before, after, lost = _code(data)
    same = len(elements) - len(different)
    what = f"elements of {len(pages)} pages whose text is that of an HTML parser"
    figures = [
        because(at_least(0.99, what, same, len(elements)), WHY),
        because(at_most(0.01, "elements with a tag left", tagged, len(elements)), "the same cause"),
        at_least(1, "tags in segmentfault rows that survive", after, before, "there every tag is code"),
    ]
    return Part(
        "HTML", figures, {"elements that differ": different, "segmentfault rows that lost a tag": lost}
    )


def _elements(page: Path) -> Iterator[str]:
    raw = page.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", "replace")
    for match in _ELEMENT.finditer(_HIDDEN.sub("", text)):
        if _HANZI.search(match[0]):
            yield match[0]


class _Text(HTMLParser):
    """What a reader sees, as the standard library parses it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _visible(raw: str) -> str:
    parser = _Text()
    parser.feed(raw)
    parser.close()
    return "".join(parser.parts)


def _dense(text: str) -> str:
    return _WHITE.sub("", text)


def _stripped(text: str) -> str:
    outcome = strip_html(sample(0, text))
    assert isinstance(outcome, Sample)
    return outcome.question


def _code(data: Path) -> tuple[int, int, list[str]]:
    before = after = 0
    lost = []
    for question, answer in cqia(data, "segmentfault"):
        outcome = strip_html(sample(0, question, answer))
        assert isinstance(outcome, Sample)
        tags, left = (
            Counter(_TAG.findall(text)) for text in (question + answer, outcome.question + outcome.answer)
        )
        before += tags.total()
        after += (tags & left).total()
        if tags - left:
            lost.append(f"{question[:60]!r}: {sorted((tags - left).elements())[:5]}")
    return before, after, lost
