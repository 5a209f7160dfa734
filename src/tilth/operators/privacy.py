"""Personal data and secrets: find them, glued to hanzi or not, and take them out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from tilth.operators.base import Field, operator
from tilth.operators.json_text import Change, is_json, within, within_value
from tilth.operators.privacy_find import KINDS, Finding, Kind, find
from tilth.sample import Message, Sample

_TAGS: dict[str, dict[Kind, str]] = {
    "zh": {
        "phone": "[电话]",
        "email": "[邮箱]",
        "id": "[身份证]",
        "bank_card": "[银行卡]",
        "passport": "[护照]",
        "plate": "[车牌]",
        "ip": "[IP]",
        "qq": "[QQ]",
        "wechat": "[微信]",
        "secret": "[密钥]",
    },
    "en": {
        "phone": "[PHONE]",
        "email": "[EMAIL]",
        "id": "[ID]",
        "bank_card": "[CARD]",
        "passport": "[PASSPORT]",
        "plate": "[PLATE]",
        "ip": "[IP]",
        "qq": "[QQ]",
        "wechat": "[WECHAT]",
        "secret": "[SECRET]",
    },
}
_SHOWN: dict[Kind, tuple[int, int]] = {
    "phone": (3, 4),
    "id": (6, 4),
    "bank_card": (4, 4),
    "passport": (2, 2),
    "plate": (2, 2),
    "ip": (3, 0),
    "qq": (2, 0),
    "wechat": (2, 0),
    "secret": (2, 0),
}


@operator("privacy.redact_pii", version=4, examples=("手机13900000000联系 → 手机[电话]联系",))
def redact_pii(
    sample: Sample,
    *,
    kinds: Sequence[Kind] = KINDS,
    style: Literal["tag", "mask"] = "tag",
    language: Literal["zh", "en"] = "zh",
    field: Field = "both",
) -> Sample:
    """Phone numbers, ids, cards, plates, addresses and secrets become a tag such as [电话], or a mask such as 139****0000.

    Code, URLs and quotations are searched too, and so is what an assistant turn holds as its thinking; `both` also
    means system and tool turns. A turn that is JSON, as tools answer, and the arguments of tool calls stay JSON: they are
    changed inside their strings, and a number that is personal data becomes a string. What was found is counted
    in `signals["pii"]`, by kind. Loopback addresses and net masks stay; private ones do not.
    """
    counts: Counter[str] = Counter()

    def write(finding: Finding) -> str:
        return _replacement(finding, style, language)

    def value(key: str, text: str) -> str:
        return redact_value(key, text, kinds, write, counts)

    def change(text: str) -> str:
        return within(text, value) if is_json(text) else redact(text, kinds, write, counts)

    messages = _redact_turns(sample.messages, change, value, field)
    rejected = sample.rejected and _redact_turns(sample.rejected, change, value, field)
    if not counts:
        return sample
    signals = {**sample.signals, "pii": dict(sorted(counts.items()))}
    return sample.replace(messages=messages, rejected=rejected, signals=signals)


def redact(
    text: str, kinds: Sequence[Kind], write: Callable[[Finding], str], counts: Counter[str] | None = None
) -> str:
    """`text` with every finding replaced by what `write` makes of it; `counts` is raised by kind.

    It looks again until nothing is left, because one number can hide the edge of another.
    """
    while findings := find(text, kinds):
        parts, end = [], 0
        for finding in findings:
            parts += [text[end : finding.start], write(finding)]
            end = finding.end
            if counts is not None:
                counts[finding.kind] += 1
        text = "".join(parts) + text[end:]
    return text


def redact_value(
    key: str, text: str, kinds: Sequence[Kind], write: Callable[[Finding], str], counts: Counter[str]
) -> str:
    """A value of a JSON text as `redact` leaves it, where the key before it says what it is: `password`, `qq`."""
    read = [_found_behind(f"{key}: {quote}", text, quote, kinds) for quote in ('"', "")] if key else []
    lead, inside = max(read, key=_much, default=("", []))
    if not inside:
        return redact(text, kinds, write, counts)
    parts, end = [], len(lead)
    for finding in inside:
        parts += [(lead + text)[end : finding.start], write(finding)]
        end = finding.end
        counts[finding.kind] += 1
    return redact("".join(parts) + (lead + text)[end:], kinds, write, counts)


def _found_behind(lead: str, text: str, close: str, kinds: Sequence[Kind]) -> tuple[str, list[Finding]]:
    """What is found in the text behind what leads to it."""
    found = find(f"{lead}{text}{close}", kinds)
    return lead, [each for each in found if len(lead) <= each.start and each.end <= len(lead) + len(text)]


def _much(found: tuple[str, list[Finding]]) -> int:
    return sum(each.end - each.start for each in found[1])


def _redact_turns(
    messages: tuple[Message, ...], change: Callable[[str], str], value: Change, field: Field
) -> tuple[Message, ...]:
    roles = {
        "question": ("user",),
        "answer": ("assistant",),
        "both": ("system", "user", "assistant", "tool"),
    }[field]
    return tuple(
        message.replace(
            content=change(message.content),
            thinking=message.thinking and change(message.thinking),
            tool_calls=message.tool_calls and tuple(_redact_call(call, value) for call in message.tool_calls),
        )
        if message.role in roles
        else message
        for message in messages
    )


def _redact_call(call: Mapping[str, Any], value: Change) -> Mapping[str, Any]:
    """A tool call with its arguments redacted; the name of the tool and the id of the call are no text."""
    function = call.get("function")
    if not isinstance(function, Mapping) or "arguments" not in function:
        return call
    arguments = within_value(function["arguments"], value)
    return (
        call
        if arguments == function["arguments"]
        else {**call, "function": {**function, "arguments": arguments}}
    )


def _replacement(finding: Finding, style: Literal["tag", "mask"], language: Literal["zh", "en"]) -> str:
    if style == "tag":
        return _TAGS[language][finding.kind]
    if finding.kind == "email":
        return f"{finding.text[0]}***{finding.text[finding.text.index('@') :]}"
    first, last = _SHOWN[finding.kind]
    tail = finding.text[len(finding.text) - last :]
    return f"{finding.text[:first]}****{tail}"
