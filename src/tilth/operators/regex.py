"""Patterns that are compiled when a text first needs them: of the hundred that operators have, a run needs few."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, cast


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
