"""Patterns that are compiled when a text first needs them: of the hundred that operators have, a run needs few."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, cached_property
from typing import Annotated, Any, cast


class _Later:
    """A compiled pattern, as far as its methods go; `re.sub` and its like do not take it."""

    def __init__(self, text: str, flags: int) -> None:
        self.pattern = text
        self._flags = flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern itself."""
        return re.compile(self.pattern, self._flags)

    def __getattr__(self, name: str) -> Any:
        # Asked only for what the instance does not have yet, so that a method costs this once.
        found = getattr(self.compiled, name)
        self.__dict__[name] = found
        return found


def regex(text: str, flags: int = 0) -> re.Pattern[str]:
    """What `re.compile` gives, made when it is first used.

    Args:
        text: the expression; a wrong one is an error at its first use, so a test uses all of them.
        flags: of `re`.
    """
    return cast("re.Pattern[str]", _Later(text, flags))


class Hint:
    r"""Tells whether a text holds what a costly pattern needs, in a few nanoseconds a character.

    The expression is run by the automaton that pydantic checks strings with (Rust's `regex`), which takes many words at
    once where `re` tries one after the other. It knows no look-around and no references, its `\s` lacks U+001C to
    U+001F, and with `(?i)` its i is neither ı nor İ.
    """

    def __init__(self, text: str) -> None:
        """Take the expression; a wrong one is an error at its first use, so a test uses all of them."""
        self.pattern = text

    @cached_property
    def finds(self) -> Callable[[str], bool]:
        """The look itself: false where a text does not match, or is no UTF-8."""
        return _check(self.pattern)

    def __call__(self, text: str) -> bool:
        """Whether the expression matches anywhere in the text; true of half a surrogate pair, which cannot be looked at."""
        return self.finds(text) or not (text.isascii() or _check("")(text))


@cache
def _check(pattern: str) -> Callable[[str], bool]:
    from pydantic import StringConstraints, TypeAdapter

    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)]).validator.isinstance_python


_TOKEN = regex(
    r"""
    (?P<look>\(\?<?[=!]) | (?P<group>\((?:\?:|\?P<\w+>|\?[aim]+:)?) | (?P<close>\))
  | (?P<set>\[\^?\]?(?:\\.|[^\]\\])*\]) | (?P<escape>\\.) | [^()\[\\]+?
""",
    re.VERBOSE | re.DOTALL,
)
_WIDER = {r"\b": "", r"\s": r"[\s\x1c-\x1f]", r"\w": r"[\w\pN]", r"\Z": r"\z", "$": r"\n?$"}
_WIDER_IN_SETS = {r"\s": r"\s\x1c-\x1f", r"\w": r"\w\pN"}


def hint_of(text: str, flags: int = 0) -> Hint:
    r"""A hint that finds whatever an expression for `re` finds: the same without what stands around a match.

    Args:
        text: the expression, without references, possessive parts and negated sets that hold `\w`.
        flags: `re.IGNORECASE` and `re.MULTILINE`, or none.
    """
    parts: list[str] = []
    depth = looking = 0
    for token in _TOKEN.finditer(text):
        depth += bool(token["look"] or token["group"]) - bool(token["close"])
        if token["look"] and not looking:
            looking = depth
        if not looking:
            parts.append(_wider(token[0], flags))
        if token["close"] and depth < looking:
            looking = 0
    body = "".join(parts)
    if flags & re.IGNORECASE:
        # For `re` alone these are an i; what holds one is left to it.
        body = f"(?i:{body})|[ıİ]"
    return Hint(f"(?m){body}" if flags & re.MULTILINE else body)


def _wider(token: str, flags: int) -> str:
    if token[0] == "[":
        for narrow, wide in _WIDER_IN_SETS.items():
            token = token.replace(narrow, wide)
        return "[" + re.sub(r"(\\.)|\[", lambda match: match[1] or r"\[", token[1:])
    return token if token == "$" and flags & re.MULTILINE else _WIDER.get(token, token)
