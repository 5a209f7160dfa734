"""`clean.fix_mojibake`: turns text that was read with the wrong encoding back into what it was."""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate

from tilth.operators.base import Field, edit, operator
from tilth.operators.protect import outside, settled
from tilth.operators.regex import Hint, regex
from tilth.sample import Sample

_COMMON = frozenset(
    bytes((lead, trail)).decode("gb2312")
    for lead in range(0xB0, 0xD8)
    for trail in range(0xA1, 0xFF if lead < 0xD7 else 0xFA)
) | frozenset("　、。〈〉《》「」『』【】〔〕！（），：；？％＋－０１２３４５６７８９")
"""Hanzi of level 1 of GB/T 2312-1980, which are the 3,755 most used, and Chinese punctuation."""
_TYPOGRAPHIC = frozenset("‘’“”–—…•·™€′″→←×÷\ufeff")

_CP1252 = {chr(byte): byte for byte in range(0x80, 0x100)}
_CP1252 |= {text: byte for byte in range(0x80, 0xA0) if (text := bytes((byte,)).decode("cp1252", "ignore"))}
_TAIL = "[" + "".join(character for character, byte in _CP1252.items() if byte < 0xC0) + "]"
_UTF8_AS_LATIN = regex(f"(?:[Â-ß]{_TAIL}|[à-ï]{_TAIL}{{2}}|[ð-ô]{_TAIL}{{3}})+")
_UTF8_AS_LATIN_SPACED = regex(f"(?:[ã-é](?:{_TAIL}{_TAIL}|{_TAIL}[ ]|[ ]{_TAIL})){{2,}}")
_HIGH = f"[À-ÿ{_TAIL[1:]}"
_GBK_AS_LATIN = regex(rf"(?<!{_HIGH})(?:[\xa1\xa3\xb0-\xf7][\xa1-\xfe]){{2,}}(?!{_HIGH})")

_WIDE_LEAD = r"\xe2-\xe9\xef"
_WIDE_BYTES = regex(rf"[{_WIDE_LEAD}][\x80-\xbf]{{2}}(?:[{_WIDE_LEAD}][\x80-\xbf]{{2}}|[\x20-\x7e])*")
_UTF8_COMPLETE = regex(r"(?:[\x20-\x7e]|[\xe2-\xef][\x80-\xbf]{2})*")
_UTF8_AS_GBK = regex(
    "["
    + "".join(
        bytes((lead, trail)).decode("gbk", "ignore")
        for lead in (*range(0xE2, 0xEA), 0xEF)
        for trail in range(0x80, 0xC0)
    )
    + "]"
)


@cache
def _hint() -> Hint:
    """What is damaged holds a Latin letter or sign, or a hanzi of two bytes before one whose first byte ends the character."""
    enders = "".join(
        character
        for lead in range(0x81, 0xC0)
        for trail in (*range(0x40, 0x7F), *range(0x80, 0xFF))
        if not (character := bytes((lead, trail)).decode("gbk", "ignore")).isascii()
    )
    return Hint(rf"[\xa1\xa3\xb0-\xff]|{_UTF8_AS_GBK.pattern}[€{enders}]")


@operator(
    "clean.fix_mojibake",
    version=1,
    examples=("浣犲ソ → 你好", "ä½\xa0å¥½ → 你好", "ÄãºÃ → 你好", "donâ€™t → don’t"),
)
def fix_mojibake(sample: Sample, *, field: Field = "both") -> Sample:
    """Undo a wrong decoding: UTF-8 read as GBK, Latin-1 or Windows-1252, and GBK read as Latin-1.

    A damaged run is turned back into bytes and decoded the right way. It is replaced only if this loses nothing and
    gives common characters (level 1 of GB/T 2312-1980, punctuation, Latin letters, kana, emoji) where rare ones
    stood. U+FFFD is left as it is: what it replaced is lost. A single accented letter read as a hanzi (`caf茅`) is
    left too, because such hanzi are common. Run this before `clean.strip_invisible`, which removes control
    characters that a repair needs.
    """
    return edit(sample, _repaired, field)


def _repaired(text: str) -> str:
    if text.isascii() or not _hint()(text):
        return text
    return settled(text, lambda current: outside(current, _pass))


def _pass(text: str) -> str:
    text = _GBK_AS_LATIN.sub(_from_latin_gbk, text)
    text = _UTF8_AS_LATIN_SPACED.sub(_from_latin_spaced, text)
    text = _UTF8_AS_LATIN.sub(_from_latin, text)
    return _from_wide(text) if _UTF8_AS_GBK.search(text) else text


def _decode(text: str) -> str:
    """Windows-1252 characters read as the UTF-8 they were; empty where they were none."""
    return bytes(_CP1252[character] for character in text).decode("utf-8", "ignore")


def _from_latin(match: re.Match[str]) -> str:
    fixed = _decode(match[0])
    # A C1 control never stands in healthy text, so even a single character with one is damage.
    proven = len(fixed) >= 3 or any("\x80" <= character <= "\x9f" for character in match[0])
    if len(fixed.encode()) == len(match[0]) and all(_is_plausible(c, proven) for c in fixed):
        return fixed
    return match[0]


def _is_plausible(character: str, proven: bool) -> bool:
    """Whether a repair may hold this character; where the run proves itself damaged, a rarer one too."""
    if character in _COMMON or character in _TYPOGRAPHIC or "\x80" <= character <= "\xff":
        return True
    if "\u3040" <= character <= "\u30ff" or "\U0001f000" <= character <= "\U0001faff":
        return True
    scripts = (
        ("\u0370", "\u04ff"),
        ("\u2010", "\u27bf"),
        ("\u3000", "\u9fff"),
        ("\uac00", "\ud7a3"),
        ("\uff00", "\uffef"),
    )
    return proven and any(first <= character <= last for first, last in scripts)


def _from_latin_spaced(match: re.Match[str]) -> str:
    """Repairs runs where a no-break space, the last byte of 你, was turned into a plain one."""
    fixed = _decode(match[0].replace(" ", "\xa0"))
    return fixed if len(fixed) * 3 == len(match[0]) and _COMMON.issuperset(fixed) else match[0]


def _from_latin_gbk(match: re.Match[str]) -> str:
    fixed = match[0].encode("latin-1").decode("gbk", "ignore")
    letters = sum(character.isalpha() for character in match[0])
    if len(fixed) * 2 != len(match[0]) or letters * 3 < len(match[0]) or not _COMMON.issuperset(fixed):
        return match[0]
    return match[0] if _UTF8_AS_LATIN.fullmatch(match[0]) else fixed


def _from_wide(text: str) -> str:
    codes = [_gbk(character) for character in text]
    at = dict(zip(accumulate(map(len, codes), initial=0), range(len(codes) + 1), strict=True))
    view = "".join(codes)
    parts = []
    end = position = 0
    while match := _WIDE_BYTES.search(view, position):
        start, stop = match.span()
        position = start + 1
        if start not in at:
            continue
        while stop not in at or not _UTF8_COMPLETE.fullmatch(view, start, stop):
            stop -= 1
        first, last = at[start], at[stop]
        if first < last and (fixed := _wide_repair(view[start:stop])):
            parts += [text[end:first], fixed]
            end, position = last, stop
    return "".join(parts) + text[end:]


def _gbk(character: str) -> str:
    """The bytes of a character in code page 936, one byte a character; a NUL where it has none."""
    if character == "€":
        return "\x80"
    return character.encode("gbk", "ignore").decode("latin-1") or "\0"


def _wide_repair(code: str) -> str:
    fixed = code.encode("latin-1").decode("utf-8", "ignore")
    new = [character for character in fixed if not character.isascii()]
    known = sum(character in _COMMON or character in _TYPOGRAPHIC for character in new)
    enough = len(new) >= 2 or any(character in _TYPOGRAPHIC or not character.isalpha() for character in new)
    return fixed if new and enough and known >= 0.8 * len(new) else ""
