"""The words of the made rows: common hanzi and syllables put together by chance. None comes from a data set."""

from __future__ import annotations

import random
from itertools import accumulate

HANZI = b"".join(bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)).decode(
    "gb2312", "ignore"
)
"""The 3,755 common hanzi: level 1 of GB/T 2312-1980."""
VOCABULARY = 20_000
_ONSETS = (
    "b bl br c ch cl cr d dr f fl fr g gl gr h j k kn l m n p ph pl pr qu r s sc sh sk sl sm sn sp spr st str sw t th tr tw "
    "v w wh wr y z"
)
_VOWELS = "a e i o u a e i o u ai au ay ea ee ei ew ie oa oi oo ou ow ue y"
_CODAS = "- - - - b ck d ft g l ld lk ll lt m mp n nd ng nk nt p pt r rch rd rk rm rn rt s sh sp ss st t tch th x ze"


class Words:
    """Draws words of one language; the k-th word of the list comes about 1/k as often as the first (Zipf 1935)."""

    def __init__(self, rng: random.Random, chinese: bool) -> None:
        """Make the list.

        Args:
            rng: makes the words, and draws them later.
            chinese: one to three hanzi a word; else syllables.
        """
        self._words = [_hanzi(rng) if chinese else _syllables(rng) for _ in range(VOCABULARY)]
        self._weights = list(accumulate(1 / (rank + 10) for rank in range(VOCABULARY)))
        self._rng = rng

    def draw(self, count: int) -> list[str]:
        """So many words, drawn one by one."""
        return self._rng.choices(self._words, cum_weights=self._weights, k=count)


def _hanzi(rng: random.Random) -> str:
    return "".join(rng.choices(HANZI, k=rng.choice((1, 2, 2, 2, 2, 2, 2, 2, 3, 3))))


def _syllables(rng: random.Random) -> str:
    parts = (_ONSETS, _VOWELS, _CODAS) * rng.randint(1, 3)
    return "".join(rng.choice(part.split()) for part in parts).replace("-", "")
