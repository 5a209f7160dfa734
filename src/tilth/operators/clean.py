"""The clean family: takes what is noise out of a text and leaves what it says.

`strip_html`, `fix_mojibake`, `strip_boilerplate`, `strip_markers` and `strip_list_number` live beside this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from tilth.operators.base import Field, edit, operator
from tilth.operators.clean_boilerplate import strip_boilerplate
from tilth.operators.clean_html import strip_html
from tilth.operators.clean_markers import strip_markers
from tilth.operators.clean_mojibake import fix_mojibake
from tilth.operators.list_numbers import strip_list_number
from tilth.operators.mending import Mode, mend
from tilth.operators.protect import masked, outside, settled, spans
from tilth.operators.regex import Hint, regex
from tilth.operators.texts import WHITE, Classes, Flags, Texts, places, table
from tilth.sample import Propose, Sample

__all__ = [
    "fix_mojibake",
    "join_split_words",
    "squeeze_whitespace",
    "strip_boilerplate",
    "strip_html",
    "strip_invisible",
    "strip_list_number",
    "strip_markers",
]

_EMOJI = (
    "©®‼⁉™ℹ\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff〰〽㊗㊙"
    "\U0001f000-\U0001faff"
)
_JOINING = "\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefe"
_INVISIBLE = regex(
    rf"""
    (?P<keep>
        (?<=[{_EMOJI}\ufe0f]) \u200d (?=[{_EMOJI}])
      | (?<=[{_JOINING}]) [\u200c\u200d]
      | (?<=[{_EMOJI}#*0-9\u20e3]) [\ufe0e\ufe0f]
      | (?<=\U0001f3f4) [\U000e0020-\U000e007f]+
    )
  | (?P<line> [\x0b\x0c\x85\u2028\u2029] )
  | \x1b\[[0-9;]*[A-Za-z]
  | [\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe0e\ufe0f\ufeff\ufff9-\ufffb]
  | [\U000e0000-\U000e007f]
    """,
    re.VERBOSE,
)
_INVISIBLE_HINT = Hint(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u{180e}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}"
    r"\u{fe0e}\u{fe0f}\u{feff}\u{fff9}-\u{fffb}\u{e0000}-\u{e007f}]"
)


@operator(
    "clean.strip_invisible",
    version=1,
    examples=("零\u200b宽 → 零宽", "👩\u200d🔬 → (unchanged)"),
)
def strip_invisible(sample: Sample, *, field: Field = "both") -> Sample:
    """Take out characters nobody sees: zero-width, BOM, soft hyphen, bidi and tag characters, C0 and C1 controls.

    Joiners and variation selectors stay where they shape an emoji, joiners also after Arabic and Indic letters. Vertical
    tab, form feed, NEL, U+2028 and U+2029 become a line feed; carriage returns are left to `clean.squeeze_whitespace`.
    Colour codes of terminals go as a whole.
    """
    return edit(sample, _without_invisible, field)


def _without_invisible(text: str) -> str:
    if not _INVISIBLE_HINT(text):
        return text
    return settled(text, lambda current: outside(current, lambda part: _INVISIBLE.sub(_visible, part)))


def _visible(match: re.Match[str]) -> str:
    if match["line"]:
        return "\n"
    return match["keep"] or ""


_SPACES = " \xa0\u2000-\u200a\u202f\u205f\u3000"
_BLANKS = " \t\xa0\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""The same characters one by one, and tabs."""
_RARE_SPACE = regex(rf"[{_SPACES[1:]}]")
_WIDE_GAP = regex(rf"(?<=\S)[{_SPACES}]{{2,}}(?=\S)")
_COLUMNS = regex(rf"\S[{_SPACES}]{{3,}}\S(?:.*\S)?[{_SPACES}]{{3,}}\S|\t|\|")
_BLANK_LINES = regex(r"\n{3,}")
_FULL_INDENT = regex(rf"^[{_SPACES}]*[\u3000\xa0][{_SPACES}]*", re.MULTILINE)
_CODE_LINE = regex(r"(?: {2,}|\t)\s*\S")
_STATEMENT = regex(
    r"(?a:(?: {4,}|\t)[ \t]*(?:(?:return|yield|raise|assert|await|if|elif|else|for|while|with|try|def|class|import|from|pass)\b"
    r"|[\w.\[\]'\"]+(?: *[-+*/%]?= |\()|[{}])| {2,}[^\n]*[;{}][ \t]*(?:\n|$))"
)
"""An indented line that can only be code: the body of a function whose head stands in the question."""


_SPACE, _LINE, _RARE, _OTHER, _EDGE = 1, 2, 4, 8, 16


@cache
def _whites() -> Classes:
    return table({_SPACE: " ", _LINE: "\n", _RARE: f"\r{_BLANKS[1:]}", _OTHER: WHITE, _EDGE: "\0"})


def _may_be_untidy(texts: Texts, settings: Mapping[str, Any]) -> Flags:
    """Whether any text is not `_is_tidy`."""
    kinds = texts.classes(_whites())
    here, there = kinds[:-1], kinds[1:]
    found = here & _RARE
    # A space before a space or a line feed; white at an edge; three line feeds.
    found |= (here & _SPACE) & (there | (there >> 1))
    found[1:] |= ((here >> 4) & (there >> 3))[:-1]
    found |= (here >> 3) & (there >> 4)
    found[:-1] |= (here[:-1] & here[1:] & there[1:] & _LINE) >> 1
    return texts.holding(places(found))


@operator(
    "clean.squeeze_whitespace",
    version=2,
    gate=_may_be_untidy,
    examples=("一  句\r\n\n\n\n二 → 一 句\n\n二",),
)
def squeeze_whitespace(sample: Sample, *, field: Field = "both") -> Sample:
    """Write line ends as LF, at most one blank line in a row, and one space where a line has several.

    Blanks at line ends and around the text go, and so do ideographic spaces that indent a line. Indentation of code
    and lists stays, and so do tabs, Markdown tables and lines whose wide gaps make columns. Line ends are unified
    inside code as well, so that no text mixes two kinds.
    """
    return edit(sample, _squeezed, field)


def _squeezed(text: str) -> str:
    if _is_tidy(text):
        return text
    text = text.replace("\r\n", "\n")
    return settled(text, lambda current: masked(current, spans(current), _squeeze))


def _is_tidy(text: str) -> bool:
    """Whether there is surely nothing to squeeze: no rarer space, no two in a row, none at the end of a line."""
    if text[:1].isspace() or text[-1:].isspace():
        return False
    if any(map(text.__contains__, ("  ", " \n", "\n\n\n", "\r", "\t"))):
        return False
    return text.isascii() or _RARE_SPACE.search(text) is None


def _squeeze(text: str) -> str:
    text = text.replace("\r", "\n")
    if "\u3000" in text or "\xa0" in text:
        text = _FULL_INDENT.sub("", text)
    text = "\n".join([_squeeze_line(line.rstrip(_BLANKS)) for line in text.split("\n")])
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    text = text.strip("\n")
    first, _, rest = text.partition("\n")
    indented = _STATEMENT.match(first) or (_CODE_LINE.match(first) and rest.lstrip("\n")[:1].isspace())
    if not indented:
        first = first.lstrip()
    return f"{first}\n{rest}" if rest else first


def _squeeze_line(line: str) -> str:
    if "  " not in line and (line.isascii() or not _RARE_SPACE.search(line)):
        return line
    if not _WIDE_GAP.search(line) or _CODE_LINE.match(line) or _COLUMNS.search(line):
        return line
    return _WIDE_GAP.sub(" ", line)


_HAN = "\u3400-\u9fff"
_FULL_STOP = regex(r"[，。、；：！？…,.!?;:][”’」』）)*_\s]*$")
_PAIR = regex(
    rf"(?<![{_HAN}][ \u3000])(?<![{_HAN}])([{_HAN}]+)[ \u3000]([{_HAN}]+)(?![{_HAN}]|[ \u3000][{_HAN}])"
)
_STRAY = regex(rf"(?<=[{_HAN}])[ \u3000](?=[{_HAN}])")
_PUNCTUATION = regex(r"[，。、；：！？…,.!?;:]")
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁余蒋杜苏魏丁沈姜范钱"
)
_NOT_PROSE = regex(rf"\s*#|.*(?:\||\t|\S[{_SPACES}]{{2,}}\S)")


@operator(
    "clean.join_split_words",
    version=2,
    examples=(
        "1. **化学 成分**：食用油是脂肪。 → 1. **化学成分**：食用油是脂肪。",
        "春 夏 秋 冬 → (unchanged)",
    ),
)
def join_split_words(sample: Sample, *, field: Field = "answer", mode: Mode = "propose") -> Sample | Propose:
    """Offer to close up a stray space between two hanzi, as OCR and line wraps leave them inside words.

    A space that carries meaning stays: three or more words in a row, two names, headings, tables and columns, lines
    that do not end with a punctuation mark (titles, verse, notes), and every space in a text that has more than one of
    them for six marks, because there spaces are the punctuation. A text that is nothing but two words of at most
    three hanzi is closed up. In questions a space is a break as a rule, hence the default field. In posts and chats it
    mostly is one in answers too: say `mode: apply` only where the texts are known to hold split words.
    """
    return mend(sample, lambda text: (_joined(text), {}), field, mode)


def _joined(text: str) -> str:
    if not _STRAY.search(text):
        return text
    return masked(text, spans(text), _join)


def _join(text: str) -> str:
    pair = _PAIR.fullmatch(text.strip())
    if pair:
        return text if max(map(len, pair.groups())) > 3 or _are_names(pair) else _PAIR.sub(_close, text)
    strays = len(_STRAY.findall(text))
    if strays > 1 and strays * 6 > len(_PUNCTUATION.findall(text)):
        return text
    return "\n".join(_PAIR.sub(_close, line) if _is_prose(line) else line for line in text.split("\n"))


def _is_prose(line: str) -> bool:
    return _FULL_STOP.search(line) is not None and not _NOT_PROSE.match(line)


def _are_names(pair: re.Match[str]) -> bool:
    """Whether a space parts two names: the run before it ends like one, and the run behind it is one."""
    before, after = pair.groups()
    ends_like_one = any(len(before) >= size and before[-size] in _SURNAMES for size in (2, 3))
    return ends_like_one and len(after) in (2, 3) and after[0] in _SURNAMES


def _close(pair: re.Match[str]) -> str:
    return pair[0] if _are_names(pair) else pair[1] + pair[2]
