"""Which code points a letter is written with: width, and traditional or simplified."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from tilth.errors import MissingExtra
from tilth.operators import lexicon
from tilth.operators.regex import regex
from tilth.operators.texts import BEYOND

if TYPE_CHECKING:
    from opencc import OpenCC

ScriptConfig = Literal["t2s", "tw2s", "tw2sp", "hk2s", "hk2sp"]

_WIDE = regex("[０-９Ａ-Ｚａ-ｚ\u3000]+")
_OFFSET = ord("Ａ") - ord("A")
_NARROW = {
    code: code - _OFFSET
    for first, last in ("０９", "ＡＺ", "ａｚ")
    for code in range(ord(first), ord(last) + 1)
}
_NARROW[0x3000] = 0x20
WIDE = "".join(map(chr, _NARROW))
"""What `narrow` rewrites."""
_LONG = 100
"""Characters from which an array costs less than to look for each run."""
_HAN = regex("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def has_wide(text: str) -> bool:
    """Whether there is anything for `narrow` to do."""
    return not text.isascii() and _WIDE.search(text) is not None


def narrow(text: str) -> str:
    """`text` with full-width letters, digits and spaces as ASCII. Never NFKC, which would turn ， into a comma."""
    if len(text) < _LONG:
        return _WIDE.sub(lambda run: run[0].translate(_NARROW), text)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    narrowed: bytes = (codes - _shifts().take(np.minimum(codes, BEYOND))).tobytes()
    return narrowed.decode("utf-32-le", "surrogatepass")


@cache
def _shifts() -> npt.NDArray[np.uint32]:
    """How far below itself the narrow form of each character stands."""
    shifts = np.zeros(BEYOND + 1, dtype="<u4")
    for wide, ascii_code in _NARROW.items():
        shifts[wide] = wide - ascii_code
    return shifts


def simplify(text: str, config: ScriptConfig) -> str:
    """`text` in simplified characters.

    A second pass settles what the first one makes: the word tables of `tw2sp` also know words of their own output.

    Raises:
        MissingExtra: OpenCC is not installed.
    """
    if not _HAN.search(text):
        return text
    # A text without a traditional form is not touched again: 程序 is what 程式 became, and is no 进程. Only words that
    # nobody but Taiwan uses are told by themselves.
    if _converter("t2s").convert(text) == text:
        if config != "tw2sp":
            return text
        return _taiwan().sub(lambda match: str(_converter(config).convert(match[0])), text)
    converted: str = _converter(config).convert(text)
    return converted


@lru_cache
def _taiwan() -> re.Pattern[str]:
    return re.compile(lexicon.any_of(lexicon.shipped("taiwan_words.txt")))


@lru_cache
def _converter(config: ScriptConfig) -> OpenCC:
    try:
        from opencc import OpenCC
    except ImportError as error:
        raise MissingExtra("normalize.simplified", "zh") from error
    return OpenCC(config)
