"""Declared web pages: an article is one record, a list or a forum thread one record an item."""

from __future__ import annotations

import codecs
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from tilth.errors import MissingExtra

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

SUFFIXES = (".html", ".htm", ".xhtml")
PAGES = ("article", "list", "thread")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HIDDEN = re.compile(r"<code[^>]*>\s*<!--(.*?)-->\s*</code>", re.DOTALL | re.IGNORECASE)
"""Some forums send their lists inside a comment, for a script to unpack."""
_LONGEST_TITLE = 60
"""Characters of a title that count when lists are weighed, so that one long text does not outweigh many titles."""
_MADE_FOR_ITEMS = ("li", "tr", "tbody", "dl", "article")
_FEWEST = 2
_SUMMARY = tuple(
    f"[class*={word}]" for word in ("abs", "abstract", "summary", "desc", "excerpt", "intro", "digest")
)
_CONTENT = (
    "[class*=content]",
    "[class*=message]",
    "[class*=body]",
    "[class*=text]",
    "[id^=postmessage]",
    ".t_f",
)
_AUTHORS = "[class*=author], [rel=author], [itemprop=author]"
_USERS = ".authi, [class*=user], [class*=poster], [class*=nick], .xw1, a[href^='/member/'], a[href^='/u/']"
"""Who wrote it, on pages that mark no author: Discuz!, V2EX and pages of questions and answers."""
_PRE = re.compile(r"<pre\b(?P<marks>[^>]*)>(?P<inside>.*?)</pre\s*>", re.DOTALL | re.IGNORECASE)
_CODE_MARK = re.compile(
    r"<code\b|class=[\"'][^\"']*(?:code|highlight|language|brush|lang-|prettyprint)", re.IGNORECASE
)
_NEW_LINE = re.compile(r"<br\s*/?>|</(?:li|div|p|tr)\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]+>")
_FENCE = "```"
_BLOCKS = "p, div, li, tr, h1, h2, h3, h4, h5, h6, blockquote, pre, section"


def text_of_page(raw: bytes) -> str:
    """The page as text, by its bytes alone: what a page claims about its charset is often wrong.

    A byte order mark decides; else UTF-8 where every byte fits; else what the frequencies of characters suggest.

    Raises:
        ValueError: no encoding fits.
        MissingExtra: the libraries for web pages are not installed.
    """
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return raw.decode(encoding)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        best = _guess(raw)
    if best is None:
        raise ValueError("the bytes of the page fit no encoding")
    return raw.decode(best)


def records_of(page: str, html: str, url: str = "") -> Iterator[tuple[dict[str, Any], str]]:
    """The records of a page, each with an error instead where there is nothing to read.

    Args:
        page: `article`, `list` or `thread`.
        html: the page.
        url: where it was fetched; links are joined to it.

    Raises:
        MissingExtra: the libraries for web pages are not installed.
    """
    return _EXTRACTORS[page](html, url)


def _article(html: str, url: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The main text and what the page says about it (trafilatura: Barbaresi 2021, ACL demo papers)."""
    try:
        from trafilatura import bare_extraction
    except ImportError as error:
        raise MissingExtra("reading web pages", "web") from error
    found = bare_extraction(_fenced(html), url=url or None, with_metadata=True, include_comments=False)
    fields = found.as_dict() if found is not None and not isinstance(found, dict) else (found or {})
    text = _squeezed(fields.get("text") or "")
    if not text:
        yield {}, "no article was found on this page"
        return
    known = {key: fields.get(key) for key in ("author", "date") if fields.get(key)}
    yield (
        {"url": url or fields.get("url") or "", "title": fields.get("title") or "", **known, "text": text},
        "",
    )


def _list(html: str, url: str) -> Iterator[tuple[dict[str, Any], str]]:
    tree = _tree(html)
    # Squared, so that a few titles outweigh a menu of many words.
    items = _repeated(tree, lambda node: min(len(_title(node)[0]), _LONGEST_TITLE) ** 2)
    for item in items:
        title, href = _title(item)
        record = {"url": urljoin(url, href), "title": title, **_author(item), "text": _part(item, _SUMMARY)}
        yield record, ""
    if not items:
        yield {}, "no list was found on this page"


def _thread(html: str, url: str) -> Iterator[tuple[dict[str, Any], str]]:
    tree = _tree(html)
    heading = tree.css_first("h1") or tree.css_first("title")
    title = _text(heading) if heading else ""
    posts = _repeated(tree, lambda node: len(_part(node, _CONTENT)) if _author(node) else 0)
    for number, post in enumerate(posts, 1):
        yield {"url": url, "title": title, "post": number, **_author(post), "text": _part(post, _CONTENT)}, ""
    if not posts:
        yield {}, "no posts were found on this page"


_EXTRACTORS: dict[str, Callable[[str, str], Iterator[tuple[dict[str, Any], str]]]] = {
    "article": _article,
    "list": _list,
    "thread": _thread,
}


def _fenced(html: str) -> str:
    """The page with Markdown's fences around its code, so that its lines are kept as they are."""
    return _PRE.sub(_fence, html) if "<pre" in html or "<PRE" in html else html


def _fence(match: re.Match[str]) -> str:
    inside = match["inside"]
    if not _CODE_MARK.search(match["marks"] + inside) or _FENCE in inside:
        return match[0]
    lines = inside if "\n" in inside.strip() else _NEW_LINE.sub("\n", inside)
    code = _TAG.sub("", lines).strip("\r\n")
    return f"<pre>{_FENCE}\n{code}\n{_FENCE}</pre>" if code.strip() else match[0]


def _tree(html: str) -> LexborHTMLParser:
    try:
        from selectolax.lexbor import LexborHTMLParser
    except ImportError as error:
        raise MissingExtra("reading web pages", "web") from error
    tree = LexborHTMLParser(_fenced(_HIDDEN.sub(lambda found: found[1], html)))
    tree.strip_tags(["script", "style", "noscript", "template"])
    return tree


def _repeated(tree: LexborHTMLParser, weight: Callable[[LexborNode], int]) -> list[LexborNode]:
    """Of all groups of like elements the one that weighs most, without the members that weigh nothing.

    Elements are alike where they share tag and first class, or without a class the tag and the parent.
    """
    groups: Mapping[tuple[Any, ...], list[LexborNode]] = defaultdict(list)
    for node in tree.css(f"{', '.join(_MADE_FOR_ITEMS)}, div, section, table"):
        classes = [
            name for name in (node.attributes.get("class") or "").split() if name not in ("odd", "even")
        ]
        # Pinned threads and the like lie beside the list, under the same class.
        where = 0 if classes or node.parent is None else node.parent.mem_id
        groups[where, node.tag, *classes[:1]].append(node)
    best: list[LexborNode] = []
    most = 0
    for group in groups.values():
        if len(group) < _FEWEST:
            continue
        weights = [weight(node) for node in group]
        members = [node for node, weighs in zip(group, weights, strict=True) if weighs]
        # What wraps an item's content weighs as much as the item, and may wrap advertisements as well.
        total = sum(weights) * (2 if group[0].tag in _MADE_FOR_ITEMS else 1)
        if len(members) >= _FEWEST and total > most:
            best, most = members, total
    return best


def _title(node: LexborNode) -> tuple[str, str]:
    """The longest text of a link that is no author's, with where it leads."""
    authors = {link.mem_id for link in node.css("[class*=author] a, a[class*=author], a[rel=author]")}
    marked = [link for link in node.css("a[href]") if link.mem_id not in authors]
    links = [(_text(link), link.attributes.get("href") or "") for link in marked]
    links = [link for link in links if not link[1].lower().startswith(("javascript:", "#"))]
    return max(links, key=lambda link: len(link[0]), default=("", ""))


def _author(node: LexborNode) -> dict[str, str]:
    """The name beside what is marked as an author; a name cut short on the page stands whole in its tooltip."""
    marked = node.css(_AUTHORS) or node.css(_USERS)
    named = [link for found in marked for link in found.css("a") if link.mem_id != found.mem_id] or marked
    name = next((name for found in (*named, *marked) if (name := _text(found).split("\n")[0])), "")
    stem = name.rstrip(".…")
    if name != stem:
        tooltips = (re.split("[:：]", found.attributes.get("title") or "")[-1].strip() for found in marked)
        name = next((tooltip for tooltip in tooltips if tooltip.startswith(stem)), name)
    return {"author": name} if name else {}


def _part(node: LexborNode, places: tuple[str, ...]) -> str:
    """The longest text of the elements at one of these places, of nested ones the innermost."""
    marked = node.css(", ".join(places))
    outer = {inner.parent.mem_id for inner in marked if inner.parent is not None}
    return max((_text(part) for part in marked if part.mem_id not in outer), key=len, default="")


def _text(node: LexborNode) -> str:
    from selectolax.lexbor import LexborHTMLParser

    copy = LexborHTMLParser(node.html or "")
    for line in copy.css("br"):
        line.replace_with("\n")
    for block in copy.css(_BLOCKS):
        block.insert_before("\n")
        block.insert_after("\n")
    return _squeezed(copy.text(separator=""))


def _squeezed(text: str) -> str:
    """The text without empty lines and with one blank where there are several, code left alone."""
    lines, code = [], False
    for line in text.splitlines():
        fence = line.strip() == _FENCE
        code ^= fence
        kept = line.rstrip() if code and not fence else " ".join(line.split())
        if kept or code:
            lines.append(kept)
    return "\n".join(lines)


def _guess(raw: bytes) -> str | None:
    try:
        from charset_normalizer import from_bytes
    except ImportError as error:
        raise MissingExtra("reading web pages", "web") from error
    best = from_bytes(raw).best()
    return best.encoding if best is not None else None
