"""Words that SQLite's FTS5 can index: hanzi and kana as overlapping pairs, everything else as it is written.

Chinese has no spaces, and FTS5's own trigrams find nothing for a word of two characters. With pairs, every run of two
or more characters is found exactly where it stands: 冰箱门 is the phrase 冰箱 · 箱门.
"""

from __future__ import annotations

import re
import unicodedata
from operator import add

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff"
"""As in `operators.features`, whose room takes long to open; a test holds them equal."""
_DENSE = f"{HAN}{KANA}"
_RUN = re.compile(rf"([{_DENSE}]+)|([^\W_{_DENSE}]+)")


def fold(text: str) -> str:
    """Text as it is compared in a search: full-width letters and capitals make no difference."""
    plain = text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)
    return plain.casefold()


def grams(text: str) -> str:
    """The words of a text for the index, with spaces between them."""
    return " ".join(_pieces(fold(text)))


def _pieces(text: str) -> list[str]:
    found: list[str] = []
    for dense, word in _RUN.findall(text):
        if dense:
            found += map(add, dense, dense[1:])
            # The last character alone, so that a search for a single one finds it as the beginning of a word.
            found.append(dense[-1])
        else:
            found.append(word)
    return found


def query(text: str) -> str | None:
    """An FTS5 query for texts that hold every word of a search; `None` where nothing in it can be searched.

    A word in letters or digits is found by its beginning.
    """
    phrases = list(filter(None, map(_phrase, fold(text).split())))
    return " AND ".join(phrases) or None


def _phrase(word: str) -> str:
    runs = _RUN.findall(word)
    if not runs:
        return ""
    pieces = _pieces(word)
    last = runs[-1][0]
    if len(last) > 1:
        pieces.pop()
    return f'"{" ".join(pieces)}"' + ("" if len(last) > 1 else "*")
