"""`clean.strip_html`: takes HTML out of a text without harming what only looks like it."""

from __future__ import annotations

import html
import re
from functools import lru_cache, partial

from tilth.operators.base import Field, edit, operator
from tilth.operators.lexicon import any_of, sections
from tilth.operators.protect import masked, settled, spans
from tilth.operators.regex import Hint, regex
from tilth.operators.texts import WHITE, touching
from tilth.sample import Sample


def _words(heading: str) -> list[str]:
    return " ".join(sections("html_tags.txt")[heading]).split()


_BLOCK = frozenset(_words("block"))
_CELL = frozenset(_words("cell"))
_VOID = frozenset(_words("void"))
_LONELY = frozenset(_words("optional_end"))
_NAMES = _BLOCK | _CELL | _VOID | _LONELY | frozenset(_words("inline"))

_TAG = regex(
    rf"""(?P<tag><(?P<close>/)?(?P<name>{any_of(_NAMES)}|[ovw]:[a-z]+)
    (?P<attributes>(?:
        \s+[a-z][a-z0-9:_-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'=<>`]+)
      | \s+(?:{"|".join(_words("boolean"))})(?=[\s/>])
    )*)\s*/?>)""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_HIDDEN = regex(
    r"<!--(?:(?!<!--).)*?-->|<(script|style)(?:\s[^<>]*)?>\s*[^\s<](?:(?!<\1[\s>]).)*?</\1\s*>",
    re.DOTALL | re.IGNORECASE | re.ASCII,
)
_HIDDEN_START = regex(r"<[!sS]")
_ENTITY = regex(r"&(?:#[0-9]{2,7}|#[xX][0-9a-fA-F]{2,6}|[A-Za-z]{2,8}[0-9]{0,2});")
_OPENS = regex(rf"{_TAG.pattern}|<!--|</?(?:script|style)", re.VERBOSE | re.IGNORECASE | re.ASCII)
_SHOWN_TAG = regex(r"&(?:lt|#60);(?:(?!&(?:lt|gt|#60|#62);)[^<>\n]){1,300}&(?:gt|#62);")

_BREAK, _GAP = "\ufdd1", "\ufdd2"
_BEFORE_BREAK, _BEHIND_BREAK = f" \t\r\n{_GAP}", f"{WHITE}{_GAP}"
_INSTEAD = dict.fromkeys(_CELL, _GAP) | dict.fromkeys(_BLOCK, _BREAK)
"""What is left of a tag; nothing of those that are not here."""
_GAPS = regex(rf"[ \t]*{_GAP}[ \t{_GAP}]*")

_TOPIC = regex(
    r"(?<![A-Za-z])(?:X?HTML5?|XML|SVG|CSS3?|JSX|TSX|Vue|React|Angular|DOM|XPath|jQuery|JavaScript)(?![A-Za-z])"
    r"|超文本|标记语言|前端",
    re.IGNORECASE,
)
_TOPIC_HINT = Hint(
    "(?i)(?:^|[^a-z])(?:x?html5?|xml|svg|css3?|[jt]sx|vue|react|angular|dom|xpath|jquery|javascr[iıİ]pt)(?:[^a-z]|$)"
    "|超文本|标记语言|前端"
)
_LISTED = regex(
    r"<[a-z][a-z0-9]*\s*/?>\s*(?:[、和与或]|以及|and\b|or\b)\s*<[a-z][a-z0-9]*\s*/?>", re.IGNORECASE
)
"""Tags that are named one after the other."""
_LISTED_HINT = Hint(r"(?i)>[\s\x1c-\x1f]*(?:[、和与或]|以及|and|or)[\s\x1c-\x1f]*<")
_NAMED_HINT = Hint("(?i)tag|element|标签|元素|标记")
_NAMED = regex(
    r"</?[a-z][a-z0-9]*\s*/?>\s*[”」』\"']?\s*(?:标签|元素|标记|tags?\b|elements?\b)"
    r"|(?:标签|元素|标记|\btags?|\belements?)\s*(?:是|为|名|有|包括|比如|例如|如|[:：])?\s*[“「『\"']?\s*<[a-z][a-z0-9]*\s*/?>",
    re.IGNORECASE,
)
_SOURCE = regex(
    r"<!DOCTYPE|<(?:html|head|body)(?:\s[^<>]*)?>|<\?(?:php|xml)|<%|<(?:button|canvas|form|input|select|template|textarea)[\s/>]"
    r"|<[a-z][\w-]*[^<>]*\s(?:v-[a-z]+|[@:][a-z][\w.-]*|className|wx:[a-z]+|th:[a-z]+)\s*=",
    re.IGNORECASE,
)
_CLOSING = regex(r"</([A-Za-z][\w.:-]*)\s*>")
_RICH_TEXT = regex(r"\s*<p(?:\s[^<>]*)?>", re.IGNORECASE)
_ENTITY_TOPIC = regex(r"实体|转义|字符引用|\bentit(?:y|ies)\b|\bescap(?:e|ed|ing)\b", re.IGNORECASE)

_MARKUP = frozenset({"amp", "apos", "gt", "lt", "nbsp", "quot"})
_TYPOGRAPHY = _MARKUP | frozenset(" ".join(sections("html_tags.txt")["entities"]).split())


@operator(
    "clean.strip_html",
    version=2,
    gate=touching("<&"),
    examples=("<p>水的<b>沸点</b>是 100&nbsp;度。</p> → 水的沸点是 100 度。", "若 a<b 且 c>d → (unchanged)"),
)
def strip_html(sample: Sample, *, field: Field = "both") -> Sample:
    """Take HTML tags, comments and entities out; block tags leave a line break.

    Only real element names with well-formed attributes count as tags, so `a<b`, `List<String>` and `<name>` stay.
    Text that shows markup is left alone: code, formulas, a sample that speaks about HTML (unless the text is rich
    text that begins with `<p>`), page and template source, and an opening tag that nothing closes. An entity is decoded
    once, and not where the result would read as a tag or as an entity again: `&lt;b&gt;` and `&amp;lt;` stay, which
    makes a second run change nothing.
    """
    if not any("<" in m.content or "&" in m.content for m in (*sample.messages, *(sample.rejected or ()))):
        return sample
    topic = any(_speaks_of_markup(message.content) for message in sample.messages)
    return edit(sample, partial(_without_html, topic=topic), field)


def _without_html(text: str, topic: bool = False) -> str:
    """`text` without HTML; `topic` says that the conversation is about markup."""
    if ("<" not in text and "&" not in text) or _BREAK in text or _GAP in text:
        return text
    return settled(text, partial(_pass, topic=topic or _speaks_of_markup(text)))


@lru_cache(maxsize=64)
def _speaks_of_markup(text: str) -> bool:
    """Whether the words of a text are about markup; what stands inside its tags (`href="a.html"`) does not count."""
    return (
        _TOPIC_HINT(text)
        and _TOPIC.search(text) is not None
        and _TOPIC.search(_TAG.sub(" ", text)) is not None
    )


def _pass(text: str, topic: bool) -> str:
    if "<" not in text and "&" not in text:
        return text
    if topic and not _RICH_TEXT.match(text):
        return text
    kept = [span for span in spans(text) if span.kind != "url"]
    if not _shows_markup(text):
        stripped = masked(text, kept, _without_tags)
        if stripped != text:
            text = stripped
        elif _ENTITY_TOPIC.search(text):
            return text
    if "&" not in text:
        return text
    return masked(text, spans(text), _decoded)


def _shows_markup(text: str) -> bool:
    """Whether tags in `text` are what it speaks about, or source code."""
    if "{{" in text or _SOURCE.search(text):
        return True
    if (_NAMED_HINT(text) and _NAMED.search(text)) or (_LISTED_HINT(text) and _LISTED.search(text)):
        return True
    names = map(str.lower, _CLOSING.findall(text))
    return any(name not in _NAMES and name not in ("script", "style") and ":" not in name for name in names)


def _without_tags(text: str) -> str:
    without = _HIDDEN.sub("", text) if _HIDDEN_START.search(text) else text
    parts = _TAG.split(without)
    if len(parts) == 1:
        return without
    names = [name.lower() for name in parts[3::5]]
    may_stand_alone = _LONELY.union(name for name, close in zip(names, parts[2::5], strict=True) if close)
    kept = parts[:1]
    for name, tag, close, attributes, after in zip(
        names, parts[1::5], parts[2::5], parts[4::5], parts[5::5], strict=True
    ):
        known = close or attributes or name in may_stand_alone or ":" in name
        kept += (_INSTEAD.get(name, "") if known else tag, after)
    without = "".join(kept)
    if _BREAK not in without and _GAP not in without:
        return without
    lines = _broken(without.strip(f"{_BREAK}{_GAP} \t\r\n"))
    return _GAPS.sub(" ", lines) if _GAP in lines else lines


def _broken(text: str) -> str:
    """`text` with a line feed for each run of breaks, and no white space around it."""
    first, *others = text.split(_BREAK)
    if not others:
        return text
    kept = [part for part in (other.lstrip(_BEHIND_BREAK) for other in others[:-1]) if part]
    parts = [first, *kept]
    return "\n".join([*(part.rstrip(_BEFORE_BREAK) for part in parts), others[-1].lstrip(_BEHIND_BREAK)])


def _decoded(text: str) -> str:
    parts = []
    end = 0
    for match in _SHOWN_TAG.finditer(text):
        if _TAG.fullmatch(html.unescape(match[0])):
            parts += [_ENTITY.sub(_character, text[end : match.start()]), match[0]]
            end = match.end()
    return "".join(parts) + _ENTITY.sub(_character, text[end:])


def _character(match: re.Match[str]) -> str:
    """What an entity stands for, or the entity itself where it must stay."""
    entity = match[0]
    name = entity[1:-1]
    if name not in _MARKUP:
        if name[0] != "#" and name not in _TYPOGRAPHY:
            return entity
        if match.string[max(0, match.start() - 2) : match.start()].rstrip(" ").endswith(("=", "(", ",", "&")):
            return entity
    character = _unescaped(entity)
    if character == "\xa0":
        return " "
    if len(character) != 1 or not character.isprintable():
        return entity
    if character in "<&":
        after = match.string[match.end() : match.end() + 300]
        if character == "<":
            return entity if _OPENS.match("<" + html.unescape(after)) else character
        return entity if _ENTITY.match("&" + after) else character
    return character


@lru_cache(maxsize=256)
def _unescaped(entity: str) -> str:
    return html.unescape(entity)
