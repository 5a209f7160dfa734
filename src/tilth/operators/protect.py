r"""Finds the parts of a text that no step may touch: code, formulas, addresses and, on request, quotations.

The rules follow CommonMark for code, Pandoc's `tex_math_dollars` for `$…$`, and RFC 3986 with GitHub's
autolink endings for addresses. Where they leave a doubt, the wider span wins: a protected word too many costs less
than a damaged formula.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from tilth.operators.regex import Hint, regex

SpanKind = Literal["fence", "code", "math", "url", "quote"]


class Span(NamedTuple):
    """A protected part of a text: `text[start:end]`."""

    start: int
    end: int
    kind: SpanKind


_HANZI = "\u3000-\u303f\u3400-\u9fff\uff00-\uffef"
_SAME_PARAGRAPH = r"(?:(?!\n[ \t\r]*\n)[\s\S])"
# A second opener ends the search, which keeps a text full of unclosed ones linear.
_PAREN_BODY = r"(?:(?!\n[ \t\r]*\n|(?<!\\)\\\()[\s\S])"
_BRACKET_BODY = r"(?:(?!\n[ \t\r]*\n|(?<!\\)\\\[)[\s\S])"

_FENCE = r"""
    ^[ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?
    (?P<mark>`{3,}(?=[^`\n]*$)|~{3,}) [^\n]*
    [\s\S]*? (?: \n[ \t>]*(?P=mark)[`~]*[ \t\r]*$ | \Z )
"""
_CODE = rf"""
    (?<![`\\])(?P<long>`{{3,}})(?!`) [\s\S]+? (?<!`)(?P=long)(?!`)
  | (?<![`\\])(?P<short>`{{1,2}})(?!`) {_SAME_PARAGRAPH}+? (?<!`)(?P=short)(?!`)
"""
_MATH = rf"""
    (?<![\\$])\$\$(?!\$) {_SAME_PARAGRAPH}+? \$\$
  | (?<![\\$])\$(?![\s$]) (?![^$\n]*</[A-Za-z])
    (?: (?:[^$\n\\{_HANZI}]|\\.)++ | (?=[^$\n]*[\\^_{{}}=]) (?:[^$\n\\]|\\.)++
      | (?:[^$\n\\，。！？；、]|\\.){{1,40}}+ )
    (?<=\S)\$(?![\d$])
  | (?<!\\)\\\( {_PAREN_BODY}+? \\\)
  | (?<!\\)\\\[ {_BRACKET_BODY}+? \\\]
  | \\begin\{{(?P<block>[A-Za-z]+\*?)\}} (?:(?!\\begin\{{(?P=block)\}})[\s\S])*? \\end\{{(?P=block)\}}
"""
_URL_CHARS = r"A-Za-z0-9\-._~:/?\#@!$&'*+,;=%"
_URL = rf"""
    (?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9+.:\-]{{0,30}}://|[Ww]{{3}}\.(?=[A-Za-z0-9]))
    (?: [{_URL_CHARS}] | \([{_URL_CHARS}]*\) | \[[{_URL_CHARS}]*\] )*
    (?<![.,;:!?'*_~])
"""
_QUOTE = r"“[^”\n]{0,400}” | 「[^」\n]{0,400}」 | 『[^』\n]{0,400}』 | 《[^》\n]{0,400}》"

_BODIES: dict[SpanKind, str] = {"fence": _FENCE, "code": _CODE, "math": _MATH, "url": _URL, "quote": _QUOTE}


def _pattern(*kinds: SpanKind) -> re.Pattern[str]:
    return regex("|".join(f"(?P<{kind}>{_BODIES[kind]})" for kind in kinds), re.VERBOSE | re.MULTILINE)


_SPANS = _pattern("fence", "code", "math", "url")
_WORDING_SPANS = _pattern("fence", "code", "math", "url", "quote")
_SIGNS = Hint(r"[`$\\]|~~~|://|(?i:www)\.")
_WORDING_SIGNS = Hint(rf"{_SIGNS.pattern}|[“「『《]")


def spans(text: str, wording: bool = False) -> list[Span]:
    """The protected parts of `text`, in order and without overlap.

    Args:
        text: Any text.
        wording: Also protect what stands between “” 「」 『』 《》, for steps that change words.
    """
    if not _may_hold_spans(text, wording):
        return []
    pattern = _WORDING_SPANS if wording else _SPANS
    return [Span(*match.span(), _kind(match)) for match in pattern.finditer(text)]


def _may_hold_spans(text: str, wording: bool) -> bool:
    """Whether a sign of a span stands in the text: a small part of what looking for spans costs."""
    return (_WORDING_SIGNS if wording else _SIGNS)(text)


def _kind(match: re.Match[str]) -> SpanKind:
    found = match.groupdict()
    return next(kind for kind in _BODIES if found.get(kind) is not None)


def outside(text: str, change: Callable[[str], str], *, wording: bool = False) -> str:
    """`text` with `change` applied to each part that is not protected.

    Args:
        text: Any text.
        change: Sees one unprotected part at a time, never what stands beside it.
        wording: As in `spans`.
    """
    return around(text, spans(text, wording), change)


HOLE = "\ufdd0"
"""Stands for one protected span where a change must see the whole text. A Unicode noncharacter, never content."""


def masked(text: str, kept: Sequence[Span], change: Callable[[str], str]) -> str:
    """`text` with `change` applied to all of it at once, each span in `kept` shown to it as one `HOLE`.

    For changes that look at whole lines or at the neighbours of a character. `change` must keep every hole. A text that
    holds this character itself is returned as it is.
    """
    if HOLE in text:
        return text
    if not kept:
        return change(text)
    ends = [0, *(span.end for span in kept)]
    starts = [*(span.start for span in kept), len(text)]
    changed = change(HOLE.join(text[end:start] for end, start in zip(ends, starts, strict=True))).split(HOLE)
    originals = [text[span.start : span.end] for span in kept]
    return changed[0] + "".join(a + b for a, b in zip(originals, changed[1:], strict=True))


def settled(text: str, change: Callable[[str], str]) -> str:
    """`text` after `change` has nothing left to do, so that a second run of a step finds nothing.

    What one pass removes may uncover more of the same. `change` must shorten what it changes; that ends the loop.
    """
    while (after := change(text)) != text:
        text = after
    return text


def around(text: str, kept: Sequence[Span], change: Callable[[str], str]) -> str:
    """`text` with `change` applied to everything but the spans in `kept`."""
    parts = []
    end = 0
    for span in kept:
        if span.start > end:
            parts.append(change(text[end : span.start]))
        parts.append(text[span.start : span.end])
        end = span.end
    if not parts:
        return change(text)
    if end < len(text):
        parts.append(change(text[end:]))
    return "".join(parts)
