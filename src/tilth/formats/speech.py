"""Who says what in one text: the marks with which data sets write a conversation down as prose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from tilth.formats.base import turn
from tilth.sample import Message, Role


class _Marks(NamedTuple):
    """One way to write a conversation down."""

    begins: re.Pattern[str]
    """How a text of this kind begins; cheap to try."""
    mark: re.Pattern[str]
    """What stands before each turn; `who` is the speaker."""
    ends: str = r"<\|endoftext\|>|</s>"
    """What may close a turn and is no part of it."""


WHO: dict[str, Role] = {
    "system": "system", "human": "user", "user": "user", "assistant": "assistant", "moss": "assistant",
    "tool": "tool", "function response": "tool", "用户": "user", "助手": "assistant", "问": "user", "答": "assistant",
    "[inst]": "user", "[/inst]": "assistant",
}  # fmt: skip
_BEGINS = frozenset("<[#HU用问")
"""What a text with speakers begins with: others need no look at the marks."""


@cache
def _kinds() -> tuple[_Marks, ...]:
    """The ways to write it down, compiled when a text first needs them."""
    moss = re.compile(r"(?:\[(?P<who>Human|MOSS)\]|<\|(?P<other>Human|MOSS)\|>): ?")
    chatml = re.compile(r"<\|im_start\|>(?P<who>system|user|assistant|tool)\n")
    inst = re.compile(r"(?:<s>)?\s*(?P<who>\[/?INST\])")
    loud = re.compile(r"(?:^|\s|(?<=>))(?P<who>USER|ASSISTANT|FUNCTION RESPONSE): ?")
    hashed = re.compile(r"### ?(?P<who>Human|User|Assistant): ?")
    return (
        _Marks(re.compile(r"\s*<\|im_start\|>"), chatml, r"<\|im_end\|>|<\|endoftext\|>"),
        _Marks(re.compile(r"\s*(?:\[Human\]|<\|Human\|>):"), moss, r"<eo[a-z]>"),
        _Marks(re.compile(r"\s*(?:<s>)?\s*\[INST\]"), inst),
        _Marks(re.compile(r"\s*USER:"), loud),
        _Marks(re.compile(r"\s*### ?(?:Human|User):"), hashed),
        *(
            _Marks(re.compile(rf"\s*{asks}[:：]"), re.compile(rf"(?m:^)[ \t]*(?P<who>{asks}|{says})[:：] ?"))
            for asks, says in (("Human", "Assistant"), ("User", "Assistant"), ("用户", "助手"), ("问", "答"))
        ),
    )


_SYS = r"\s*<<SYS>>(?P<system>.*?)<</SYS>>"


def spoken(text: str) -> tuple[Message, ...]:
    """The turns of a text that begins with a speaker's mark; nothing where it does not, or where nobody answers.

    Known are `Human:` and `Assistant:` (Anthropic's and BELLE's), `User:`, `USER:` (Vicuna's), `### Human:` (Guanaco's),
    `[Human]:` and `<|Human|>:` (MOSS's), `[INST]` (Llama 2's), `<|im_start|>` (ChatML's), 用户：and 助手：, 问：and 答：.
    Those that are plain words are marks at the beginning of a line only.
    """
    if text.lstrip()[:1] not in _BEGINS:
        return ()
    kind = next((kind for kind in _kinds() if kind.begins.match(text)), None)
    if kind is None:
        return ()
    found = list(kind.mark.finditer(text))
    stops = [match.start() for match in found[1:]] + [len(text)]
    turns: list[Message] = []
    for match, stop in zip(found, stops, strict=True):
        who = WHO[(match["who"] or match["other"]).lower()]
        said = re.sub(rf"(?:\s|{kind.ends})+$", "", text[match.end() : stop]).lstrip()
        system = re.match(_SYS, said, re.DOTALL) if match["who"] == "[INST]" and not turns else None
        if system:
            turns.append(turn("system", system["system"].strip()))
            said = said[system.end() :].lstrip()
        turns.append(turn(who, said))
    return tuple(turns) if {"user", "assistant"} <= {message.role for message in turns} else ()


def in_turn(texts: Sequence[str]) -> tuple[Message, ...]:
    """Texts that two people say one after the other, the user first."""
    return tuple(turn("assistant" if index % 2 else "user", text) for index, text in enumerate(texts))
