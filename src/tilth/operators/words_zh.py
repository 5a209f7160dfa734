"""The Chinese words that steps compare with: jieba's dictionary and pypinyin's readings (both MIT), read as data.

Neither package is imported: only their files are read, which takes half a second and no warning. OpenCC tells which
hanzi are traditional.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tilth.errors import MissingExtra
from tilth.operators import lexicon
from tilth.operators.regex import regex

_WORD = regex("[\u4e00-\u9fff]{1,7}")
LONGEST = 7
"""Characters of the longest word that is known."""
_TONES = str.maketrans("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜüńňǹḿ", "aaaaeeeeiiiioooouuuuvvvvvnnnm")
_PHRASE_COUNT = {2: 2, 3: 2}
"""What a phrase without a count is taken for, by its length; longer ones count 1."""
_COMMON_ALONE, _COMMON_INSIDE = 20, 200
"""A hanzi is common when it stands this often alone or inside words."""
_ALIKE = 1.5
"""What a reading that is only alike (zh and z, n and l, an and ang) costs, in nats."""


@dataclass(frozen=True)
class Words:
    """What is known about words, as logarithms of their shares."""

    logs: Mapping[str, float]
    counts: Mapping[str, int]
    names: frozenset[str]
    """Words that are names of people, places, firms or brands: they are spelt in many ways."""
    inside: frozenset[str]
    """Pairs of hanzi that occur inside longer words."""
    in_four: frozenset[str]
    """Pairs of hanzi in words of four, each after the place where it stands: `1所周`."""
    common: frozenset[str]
    traditional: frozenset[str]
    """Those of the common hanzi that are written otherwise in simplified script (OpenCC)."""
    readings: Mapping[str, tuple[str, ...]]
    by_reading: Mapping[str, tuple[str, ...]]
    gaps: Mapping[str, frozenset[str]]
    """What can stand for the hole in a word of two or three hanzi: `□境` → 环, 国, …"""
    unknown: float
    """The logarithm for a hanzi that is no word."""


def words(feature: str) -> Words:
    """The dictionary, read once per process.

    Args:
        feature: the step that asks, for the message.

    Raises:
        MissingExtra: jieba or pypinyin is not installed.
    """
    try:
        return _dictionary()
    except ModuleNotFoundError:
        raise MissingExtra(feature, "zh") from None


@lru_cache(maxsize=1)
def _dictionary() -> Words:
    folders = [_folder(name) for name in ("jieba", "pypinyin")]
    if None in folders:
        raise ModuleNotFoundError
    return _read(*map(str, folders))


def _folder(package: str) -> Path | None:
    found = find_spec(package)
    places = found.submodule_search_locations if found else None
    return Path(places[0]) if places else None


def _read(jieba: str, pypinyin: str) -> Words:
    counts, names = _counted(Path(jieba) / "dict.txt")
    for phrase in json.loads((Path(pypinyin) / "phrases_dict.json").read_text(encoding="utf-8")):
        if _WORD.fullmatch(phrase) and phrase not in counts:
            counts[phrase] = _PHRASE_COUNT.get(len(phrase), 1)
    raw = json.loads((Path(pypinyin) / "pinyin_dict.json").read_text(encoding="utf-8"))
    readings = {
        chr(int(code)): tuple(dict.fromkeys(said.translate(_TONES).split(","))) for code, said in raw.items()
    }
    total = math.log(sum(counts.values()))
    common = _common(counts)
    by_reading: dict[str, list[str]] = defaultdict(list)
    for hanzi in sorted(common):
        for said in readings.get(hanzi, ())[:2]:
            by_reading[said].append(hanzi)
    return Words(
        logs={word: math.log(count or 1) - total for word, count in counts.items()},
        counts=counts,
        names=names,
        inside=frozenset(
            word[at : at + 2] for word in counts if len(word) > 2 for at in range(len(word) - 1)
        ),
        in_four=frozenset(f"{at}{word[at : at + 2]}" for word in counts if len(word) == 4 for at in range(3)),
        common=common,
        traditional=_traditional(sorted(common)),
        readings=readings,
        by_reading={said: tuple(found) for said, found in by_reading.items()},
        gaps=_gaps(counts, names),
        unknown=math.log(0.5) - total,
    )


def _counted(path: Path) -> tuple[dict[str, int], frozenset[str]]:
    counts: dict[str, int] = {}
    names = []
    for line in path.read_text(encoding="utf-8").splitlines():
        word, count, kind = line.split(" ")
        if _WORD.fullmatch(word):
            counts[word] = int(count)
            if kind.startswith(("nr", "nz", "nt", "ns")):
                names.append(word)
    return counts, frozenset(names)


HOLE = "□"
RARE = {2: 20, 3: 3, 4: 1}
"""A word with a smaller count in the dictionary is no evidence."""


def _gaps(counts: Mapping[str, int], names: frozenset[str]) -> dict[str, frozenset[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for word, count in counts.items():
        if len(word) in (2, 3) and count >= RARE[len(word)] and word not in names:
            for at in range(len(word)):
                found[word[:at] + HOLE + word[at + 1 :]].append(word[at])
    return {key: frozenset(hanzi) for key, hanzi in found.items()}


def _common(counts: Mapping[str, int]) -> frozenset[str]:
    inside: dict[str, int] = defaultdict(int)
    for word, count in counts.items():
        if len(word) > 1 and count >= 3:
            for hanzi in word:
                inside[hanzi] += count
    alone = {word for word, count in counts.items() if len(word) == 1 and count >= _COMMON_ALONE}
    return frozenset(alone | {hanzi for hanzi, count in inside.items() if count >= _COMMON_INSIDE})


def _traditional(hanzi: Sequence[str]) -> frozenset[str]:
    from opencc import OpenCC

    simplified = OpenCC("t2s").convert("\n".join(hanzi)).split("\n")
    return frozenset(old for old, new in zip(hanzi, simplified, strict=True) if old != new)


@lru_cache(maxsize=8192)
def lookalikes(hanzi: str) -> Mapping[str, float]:
    """Common hanzi that sound or look like this one, and what taking them for it costs; call `words` first."""
    known = _dictionary()
    found: dict[str, float] = {}
    for said in known.readings.get(hanzi, ())[:1]:
        found.update(dict.fromkeys(known.by_reading.get(said, ()), 0.0))
        for near in sorted(_alike(said)):
            for other in known.by_reading.get(near, ()):
                found.setdefault(other, _ALIKE)
    found.update(dict.fromkeys(_shapes().get(hanzi, ()), 0.0))
    found.pop(hanzi, None)
    return found


@lru_cache(maxsize=1)
def by_count() -> tuple[tuple[str, ...], Mapping[str, int]]:
    """The common hanzi by how often they stand alone, and the place of each; call `words` first."""
    known = _dictionary()
    order = tuple(sorted(known.common, key=lambda hanzi: (-known.counts.get(hanzi, 0), hanzi)))
    return order, {hanzi: place for place, hanzi in enumerate(order)}


def _alike(said: str) -> set[str]:
    """Syllables that many speakers do not tell from this one."""
    begins = {said}
    for long, short in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        if said.startswith(long):
            begins.add(short + said[2:])
        elif said.startswith(short):
            begins.add(long + said[1:])
    for one, other in (("n", "l"), ("l", "n")):
        if said.startswith(one):
            begins.add(other + said[1:])
    ends = set()
    for each in begins:
        if each.endswith(("ang", "eng", "ing")):
            ends.add(each[:-1])
        elif each.endswith(("an", "en", "in")):
            ends.add(each + "g")
    return (begins | ends) - {said}


@lru_cache(maxsize=1)
def _shapes() -> Mapping[str, str]:
    found: dict[str, str] = defaultdict(str)
    for group in lexicon.shipped("shapes_zh.txt"):
        for hanzi in group:
            found[hanzi] += group.replace(hanzi, "")
    return found
