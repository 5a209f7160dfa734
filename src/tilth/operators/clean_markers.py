"""`clean.strip_markers`: takes out citation tags, and role marks that wrap a text."""

from __future__ import annotations

import re
from itertools import pairwise

from tilth.operators.base import Field, edit, operator
from tilth.operators.protect import masked, settled, spans
from tilth.operators.regex import regex
from tilth.sample import Sample

_HAN = "\u3400-\u9fff"

_CITATION = regex(
    r"【\d+(?::\d+)?†[^【】\n]*】|[\[〔【]citation:\s*\d+[\]〕】]|【(?:来源|参考|引用|出处|资料)\s*\d{1,3}】"
)
_FOOTNOTE = regex(r"(?<=\S)\[\^(?P<name>[\w-]{1,20})\](?![:：(\[])")
_DEFINED = regex(r"^[ \t]*\[\^?([\w-]{1,20})\]", re.MULTILINE)
_ONE = r"\[[1-9]\d{0,2}\]"
_NUMBER = regex(
    rf"""(?:
        (?<=[{_HAN}”’」』》）％]) (?: (?:{_ONE})+ | \[\d{{1,3}}(?:[-–,，]\ ?\d{{1,3}}){{1,3}}\] )
      | (?<=[{_HAN}]) [ ]{_ONE} (?=[。，；！？.,;!?]|[ ]*$)
      | (?:(?<=[。！？])|(?<=[a-z”"')%][.!?])) (?:{_ONE})+
    )
    (?=[。，、；：！？）.,;:!?\s{_HAN}]|$)
    (?!\s*(?:或|和|与|及|、|到|至|中|里|号|项|步|表示|代表|为|是|等于|[:：=]))""",
    re.VERBOSE | re.MULTILINE,
)
_NAMED = regex(
    "(?:数组|列表|集合|下标|索引|元素|矩阵|向量|变量|队列|区间|文献|参考|见|引用|如|第|选项|入|选择|回复|按|或|和|与|及|到|至|是)$"
)
_ROLE = r"(?:User|Assistant|Human|ChatGPT|用户|助手|AI助手)[ \t]*[:：]"
_ROLE_LINE = regex(
    rf"^[ \t]*(?:{_ROLE}|[A-Za-z][A-Za-z ]{{0,15}}:|(?:问|答|甲|乙|AI|系统)[:：])", re.MULTILINE
)
_OPENING = regex(
    rf"\A\s*(?:{_ROLE}[ \t]*\n?|<\|im_start\|>(?:system|user|assistant)[ \t]*\n|<\|(?:user|assistant|system)\|>[ \t]*\n"
    r"|<\|start_header_id\|>(?:system|user|assistant)<\|end_header_id\|>\s*|<start_of_turn>(?:user|model)[ \t]*\n"
    r"|<\|begin_of_text\|>)"
)
_ENDING = regex(
    rf"(?:<\|(?:im_end|endoftext|eot_id|end|end_of_text)\|>|<end_of_turn>|</s>|<eo[ahu]>|\n[ \t]*{_ROLE})\s*\Z"
)
_INSTRUCTION = regex(r"\A\s*(?:<s>\s*)?\[INST\]\s*((?:(?!\[/?INST\])[\s\S])*?)\s*\[/INST\]\s*\Z")
_TOKEN = regex(r"<\||\[/?INST\]|</s>|<eo[ahu]>|<(?:start|end)_of_turn>")
_TOKEN_TOPIC = regex(r"token|特殊|标记|标签|分词|模板|template|结束符|分隔符", re.IGNORECASE)


@operator(
    "clean.strip_markers",
    version=1,
    examples=("水在100度沸腾[1]。 → 水在100度沸腾。", "助手：你好 → 你好", "取 a[1] 的值 → (unchanged)"),
)
def strip_markers(sample: Sample, *, field: Field = "both") -> Sample:
    """Take out citation tags such as [1], [^2] and 【1†source】, and role marks or chat tokens that wrap a text.

    A tag stays where the text lists what it points to, where it is named (数组[1], 见文献[1]), indexes something or
    opens a link. Role marks go only from the very ends of a text and never from a dialogue; chat tokens stay in a
    text that speaks about them.
    """
    return edit(sample, _without_markers, field)


def _without_markers(text: str) -> str:
    return settled(text, lambda current: masked(current, spans(current), _unmark))


def _unmark(text: str) -> str:
    if "[" in text or "【" in text or "〔" in text:
        text = _without_citations(text)
    if not ("|" in text or ":" in text or "：" in text or "[" in text or "<" in text):
        return text
    if _TOKEN.search(text) and _TOKEN_TOPIC.search(text):
        return text
    bare = _ENDING.sub("", _INSTRUCTION.sub(r"\1", text))
    bare = _OPENING.sub("", bare) if bare.strip() else bare
    return bare if bare.strip() and not _ROLE_LINE.search(bare) else text


def _without_citations(text: str) -> str:
    defined = set(_DEFINED.findall(text))

    def footnote(match: re.Match[str]) -> str:
        return match[0] if match["name"] in defined else ""

    def number(match: re.Match[str]) -> str:
        before = match.string[max(0, match.start() - 3) : match.start()]
        numbers = re.findall(r"\d+", match[0])
        rising = all(int(a) < int(b) for a, b in pairwise(numbers))
        return "" if rising and not _NAMED.search(before) and defined.isdisjoint(numbers) else match[0]

    return _NUMBER.sub(number, _FOOTNOTE.sub(footnote, _CITATION.sub("", text)))
