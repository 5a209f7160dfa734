"""Punctuation and quotation marks in the forms that Chinese uses (GB/T 15834-2011)."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from itertools import accumulate, pairwise
from typing import Literal

from tilth.operators.regex import Hint, regex

HANZI = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇"
_NUMERALS = "零〇一二三四五六七八九十百甲乙丙丁戊己庚辛"
_CLOSERS = "》」』）】〉"

_STROKES = "丨丶丿亅乀乁乚乛灬"
"""Hanzi that no word is written with: they serve as rules and ornaments, as in 小丨女丨子."""
_HAN = regex(f"(?![{_STROKES}])[{HANZI}]")
_LETTER = regex("[A-Za-z]")
_KANA = regex("[\u3041-\u30ff\uff66-\uff9f]")
_WINDOW = 200
"""How many characters to each side tell what a sentence is; bounded, so that time grows with the length of a line only."""
_CODE = regex(
    r"[A-Za-z0-9_)\]\"'];\s*$|[{}]|=>|->|[=!]=|&&|\|\||\+=|</|/>|//|\\[nrtux\"]|\(\)|[A-Za-z0-9_]\([\"']|[A-Za-z0-9_]=[\"']|\]\("
    r"|^\s*(?:import|from|def|class|return|function|var|let|const|public|private|SELECT|INSERT|#include|\$|>>>)\b"
    r"|[\"']\s*:\s*[\"'\[{\d]|[\"']\s*,\s*[\"']"
)


_SOURCE = regex(r"\[(?:[JMCDNRPSGZ]|EB|DB|CP)(?:/OL)?\][.,，。/ ]")
"""An entry of a list of references (GB/T 7714), whose marks are ASCII."""


def is_chinese(line: str) -> bool:
    """Whether a line is Chinese prose: hanzi, at most two Latin letters for each, and no kana."""
    hanzi = len(_HAN.findall(line))
    return hanzi > 0 and hanzi * 2 >= len(_LETTER.findall(line)) and not _KANA.search(line)


def stands_in_foreign_line(match: re.Match[str]) -> bool:
    """Whether the line around a match is a sentence in another language: many Latin letters for few hanzi, or kana."""
    before = match.string[max(0, match.start() - _WINDOW) : match.start()].rpartition("\n")[2]
    line = before + match.string[match.start() : match.end() + _WINDOW].partition("\n")[0]
    letters = len(_LETTER.findall(line))
    return bool((letters >= 12 and letters > 2 * len(_HAN.findall(line))) or _KANA.search(line))


_TRIGGER = Hint(rf"[{HANZI}{_CLOSERS}”’*][,.?!:;(]|\.{{3}}|。。。|[,)][ ]?[{HANZI}]|\([^()]*[{HANZI}]")


def punctuate(text: str) -> str:
    """`text` with the marks of its Chinese sentences in their Chinese forms."""
    if not _TRIGGER(text):
        return text
    lines = text.split("\n")
    tables = _table_lines(lines)
    return "\n".join(
        line
        if index in tables or not is_chinese(line) or _CODE.search(line) or _SOURCE.search(line)
        else _punctuate_line(line)
        for index, line in enumerate(lines)
    )


def _table_lines(lines: list[str]) -> set[int]:
    """Lines between bars; and comma-separated values: neighbours with equally many commas and no Chinese mark."""
    barred = {
        i for i, line in enumerate(lines) if line.strip().startswith("|") and line.strip().endswith("|")
    }
    commas = [0 if re.search("[，。？！；：]", line) else line.count(",") for line in lines]
    pairs = (i for i, (one, two) in enumerate(pairwise(commas)) if one == two and one > 1)
    return barred | {index for i in pairs for index in (i, i + 1)}


_ELLIPSIS = regex(
    rf"(?<=[{HANZI}{_CLOSERS}])(?:\.{{3,}}|。{{3,}})(?=\s|$|[{HANZI}，。？！?!”’」』）《“「『（])"
)


def _punctuate_line(line: str) -> str:
    line = _widen_brackets(line)
    line = _ELLIPSIS.sub("……", line)
    return _MARK.sub(_widen_mark, line)


_OPERATORS = frozenset("=+*/<>^×÷|&\\")
_FORMULA = regex(r"[=+*<>^|&\\{}_$`]")
_LATIN_GLOSS = regex(r"[A-Za-z][A-Za-z0-9 .&'-]+")
_ACRONYM = regex(r"(?<![A-Za-z0-9_])[A-Z]{2,}$")
_EMOTICON_END = regex(r"[:;]-?$")


def _widen_brackets(line: str) -> str:
    chars = list(line)
    opened: list[int] = []
    for index, char in enumerate(line):
        if char == "(":
            opened.append(index)
        elif char == ")" and opened and not _EMOTICON_END.search(line, max(0, index - 2), index):
            start = opened.pop()
            if _is_chinese_pair(line, start, index):
                chars[start], chars[index] = "（", "）"
    return "".join(chars)


def _is_chinese_pair(line: str, start: int, end: int) -> bool:
    before, inner, after = line[max(0, start - 20) : start], line[start + 1 : end], line[end + 1 : end + 2]
    last = before[-1:]
    if last in _OPERATORS or after in _OPERATORS or last == "]" or _FORMULA.search(inner):
        return False
    if last.isascii() and (last.isalnum() or last in ("_", ")")):
        return bool(_HAN.search(inner) and _ACRONYM.search(before))
    if _HAN.search(inner):
        return True
    ends = not after or bool(_HAN.match(after)) or after in "，。？！；：、,?!;:"
    return ends and bool(_HAN.match(last)) and bool(_LATIN_GLOSS.fullmatch(inner))


_MARK = regex(r"(?P<mark>[?!]+|[,.:;](?![,.:;]))(?<![,.:;][,.:;])(?P<gap>[ ]*)")
_WIDE = str.maketrans(",.:;?!", "，。：；？！")
_NO_COLON = regex(r":[/:]|:-?(?:\)|\((?![^()]*\))|[DPp](?![A-Za-z0-9]))|:[a-z][a-z0-9_+-]*:")
_NO_SEMICOLON = regex(r";-?[)DPp](?![A-Za-z0-9])")
_NO_QUESTION = regex(r"[?!]+(?:[\w.%-]+=|=|\[)")
_RATIO = regex(rf"(?:^|[^{HANZI}])[{HANZI}]:[{HANZI}]\s*[=＝≈]")
_HEADING = regex(
    rf"(?:^|[\s，。；：、（(*#])(?:第?[{_NUMERALS}]+|第\S{{1,4}}[章节条步点部篇课讲题]|[图表例附注题]\S{{0,2}})$"
)
_FOUR_HANZI = regex(f"(?:{_HAN.pattern}){{4}}")


def _widen_mark(match: re.Match[str]) -> str:
    line, start, end = match.string, match.start(), match.end()
    mark, gap = match["mark"], match["gap"]
    if not _is_chinese_mark(line, start, end, mark):
        return match[0]
    return mark.translate(_WIDE) + (gap if end == len(line) else "")


def _is_chinese_mark(line: str, start: int, end: int, mark: str) -> bool:
    if not _after_hanzi(line, start):
        return mark == "," and _is_mixed_comma(line, start, end)
    if mark == ".":
        return _ends_sentence(line, start)
    if mark == ":":
        return not (_NO_COLON.match(line, start) or _RATIO.match(line, max(0, start - 2)))
    if mark == ";":
        return not _NO_SEMICOLON.match(line, start)
    return mark == "," or not _NO_QUESTION.match(line, start)


def _after_hanzi(line: str, index: int) -> bool:
    while index and line[index - 1] in "”’*":
        index -= 1
    return index > 0 and bool(_HAN.match(line[index - 1]) or line[index - 1] in _CLOSERS)


def _is_mixed_comma(line: str, start: int, end: int) -> bool:
    """A comma between a Latin word or number and hanzi, in a line that is long enough to be a sentence."""
    before = line[start - 1 : start]
    return (
        before.isascii()
        and (before.isalnum() or before == "%")
        and bool(_HAN.match(line[end : end + 1]))
        and (len(_HAN.findall(line[max(0, start - _WINDOW) : end + _WINDOW])) >= 10)
    )


def _ends_sentence(line: str, start: int) -> bool:
    """Whether a full stop after hanzi ends a sentence: not a list number, a file name or a foreign name."""
    if _HEADING.search(line[max(0, start - 20) : start]):
        return False
    after = line[start + 1 : start + 2]
    if not after or after.isspace() or after in '"”’」』）':
        return True
    if not _HAN.match(after) or _name_dot().search(line[max(0, start - 2) : start + 3]):
        return False
    sides = (line[max(0, start - 4) : start], line[start + 1 : start + 5])
    return any(_FOUR_HANZI.fullmatch(side) for side in sides)


@lru_cache
def _name_dot() -> re.Pattern[str]:
    """A full stop beside two characters that write foreign names, as in 列夫.托尔斯泰."""
    text = (files("tilth.operators") / "data" / "transliteration.txt").read_text(encoding="utf-8")
    characters = text.splitlines()[1]
    return re.compile(rf"[{characters}]{{2}}\.|\.[{characters}]{{2}}")


_PAIRS = {"curly": ("“”", "‘’"), "corner": ("「」", "『』")}
_DEPTH = {"“": 1, "「": 1, "『": 1, "”": -1, "」": -1, "』": -1}


def curl_quotes(text: str, style: Literal["curly", "corner"]) -> str:
    """`text` with straight double quotes around Chinese in paired forms, line by line."""
    if '"' not in text or not _HAN.search(text):
        return text
    return "\n".join(_curl_line(line, style) for line in text.split("\n"))


def _curl_line(line: str, style: Literal["curly", "corner"]) -> str:
    places = [index for index, char in enumerate(line) if char == '"']
    if not places or len(places) % 2 or _CODE.search(line) or not is_chinese(line):
        return line
    starts, ends = places[::2], places[1::2]
    if any(line[start - 1 : start].isdecimal() for start in starts):
        return line
    chars = list(line)
    depths = list(accumulate(_DEPTH.get(char, 0) for char in line))
    for start, end in zip(starts, ends, strict=True):
        depth = -1 if any(char in _DEPTH for char in line[start:end]) else depths[start]
        if depth >= 0 and _quotes_chinese(line, start, end):
            pair = _PAIRS[style][min(depth, 1)]
            chars[start], chars[end] = pair[0], pair[1]
    return "".join(chars)


def _quotes_chinese(line: str, start: int, end: int) -> bool:
    inner = line[start + 1 : end]
    if not inner.strip():
        return False
    outer = _HAN.match(line[start - 1 : start]) and _HAN.match(line[end + 1 : end + 2])
    return bool(_HAN.search(inner) or outer)
