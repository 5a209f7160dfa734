from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest

from tilth.operators import grams as grams_module
from tilth.operators import vocabulary as vocabulary_module
from tilth.operators.candidates import Measure
from tilth.operators.grams import Documents, comparison_text, firsts, flat, hashed, portions, spans
from tilth.operators.lookup import Lookup
from tilth.operators.minhash import signatures
from tilth.operators.similarity import ngrams
from tilth.operators.sketch import Bounds, Compared
from tilth.operators.vocabulary import Vocabulary, encoded
from tilth.sample import Message, Sample

TEXTS = ["锅里有水", "锅里有水，水里有锅", "", "？！", "水", "Ａbc", "abC。", "😀锅里", "\ud800锅里有"]


@pytest.mark.parametrize("n", [1, 3, 8])
def test_hashed_counts_like_the_sets_of_ngrams(n):
    owner, gram = hashed([(text,) for text in TEXTS], n)
    sets = [ngrams(text, n) for text in TEXTS]
    mine = [set(gram[owner == at].tolist()) for at in range(len(TEXTS))]
    assert [len(one) for one in mine] == [len(one) for one in sets]
    for x in range(len(TEXTS)):
        for y in range(len(TEXTS)):
            assert len(mine[x] & mine[y]) == len(sets[x] & sets[y])


@pytest.mark.parametrize("portion", [1, 5, 9, 1000])
def test_what_is_hashed_together_changes_nothing(portion, monkeypatch):
    documents = list(zip(TEXTS, ["", *TEXTS[::-1]], strict=False))
    whole, signed = hashed(documents, 3), signatures(TEXTS, 3, 16)
    monkeypatch.setattr(grams_module, "PORTION", portion)
    assert [part.tolist() for part in hashed(documents, 3)] == [part.tolist() for part in whole]
    assert signatures(TEXTS, 3, 16).tolist() == signed.tolist()
    cuts = list(portions([4, 0, 5, 100, 0]))
    assert [at for cut in cuts for at in range(cut.start, cut.stop)] == [0, 1, 2, 3, 4], "each once, in order"
    assert list(portions([])) == [slice(0, 0)]


def test_the_same_words_in_another_part_are_other_ngrams():
    owner, gram = hashed([("锅里有水", "水"), ("水", "锅里有水")], 3)
    assert not set(gram[owner == 0].tolist()) & set(gram[owner == 1].tolist())


@pytest.mark.parametrize(("block", "characters"), [(4096, 10_000), (2, 10)])
def test_blocks_and_passes_change_nothing(block, characters, monkeypatch):
    documents = [(text,) for text in TEXTS * 3]
    whole, _ = Vocabulary.of(documents, 2, least=2)
    monkeypatch.setattr(grams_module, "BLOCK", block)
    monkeypatch.setattr(vocabulary_module, "PASS_CHARACTERS", characters)
    monkeypatch.setattr(vocabulary_module, "COUNTED", block)
    again, _ = Vocabulary.of(documents, 2, least=2)
    assert again.grams.tolist() == whole.grams.tolist()
    assert again.ranks.tolist() == whole.ranks.tolist()
    assert again.encode(documents).ranks.tolist() == whole.encode(documents).ranks.tolist()


def test_rare_ngrams_come_first():
    documents = [("甲乙",), ("甲乙丙",), ("甲乙丙丁",), ("戊己",), ("戊己",)]
    grams = encoded(documents, 2, least=1)
    assert grams.ranks.max() == grams.row(0)[0], "甲乙 stands in the most documents"
    assert grams.row(2)[0] == 0, "丙丁 in the fewest"


def test_an_empty_set_has_no_ngrams():
    found = Vocabulary.of([], 3, least=2)[0].encode([])
    assert (len(found), found.ranks.size) == (0, 0)


def test_spans():
    assert spans(np.array([5, 0, 9]), np.array([2, 0, 1])).tolist() == [5, 6, 9]
    assert spans(np.array([], dtype=int), np.array([], dtype=int)).tolist() == []


def test_documents_are_read_again_where_memory_ends():
    asked = []

    def read(place):
        asked.append(place)
        return Sample(id="0" * 16, place=place, messages=(Message("user", "水" * 10),))

    documents = Documents(["a", "b", "c"], read, lambda one: (one.question,), budget=15)
    documents.warm(np.array([0, 1, 2]))
    assert asked == ["a", "b"]
    assert [documents[at] for at in (0, 1, 2, 2)] == [("水" * 10,)] * 4
    assert asked == ["a", "b", "c", "c"]


def test_the_table_folds_as_the_comparison_text_does():
    rng = random.Random(4)
    signs = [chr(code) for first, last in grams_module._PLAIN_BLOCKS for code in range(first, last + 1)]
    odd = "\u0301\u3099ﬁé①½ßİ\U0001f600가각"
    for _ in range(2000):
        texts = ["".join(rng.choices(signs, k=rng.randint(0, 9))) for _ in range(3)]
        texts[0] += rng.choice(odd)
        points, lengths, order = grams_module._comparison_points(texts)
        found = {}
        for at, length in zip(order.tolist(), lengths.tolist(), strict=True):
            found[at] = "".join(map(chr, points[:length]))
            points = points[length:]
        assert [found[at] for at in range(3)] == [comparison_text(text) for text in texts]


def test_flat_hashes_stand_in_the_order_of_the_texts():
    hashes, starts = flat(TEXTS, 3)
    assert starts.tolist()[-1] == hashes.size
    for at, text in enumerate(TEXTS):
        alone, _ = flat([text], 3)
        assert hashes[int(starts[at]) : int(starts[at + 1])].tolist() == alone.tolist()


def test_a_sketch_never_promises_too_little():
    rng = random.Random(9)
    texts = ["".join(rng.choices("甲乙丙丁戊己庚辛壬癸子丑", k=rng.randint(0, 900))) for _ in range(60)]
    texts += [text[: rng.randint(0, 900)] + "寅" for text in texts]
    documents = [(text,) for text in texts]
    sets = [ngrams(text, 3) for text in texts]
    x, y = np.divmod(np.arange(len(texts) ** 2), len(texts))
    alike = np.array(
        [len(sets[a] & sets[b]) >= 0.7 * len(sets[a] | sets[b]) for a, b in zip(x, y, strict=True)]
    )
    measure = Measure("jaccard", 3, 0.7)
    compared = Compared.of(encoded(documents, 3, least=2))
    for may_be in (Bounds(documents, measure).may_be, partial(compared.may_be, measure)):
        halves = np.array_split(np.arange(x.size), 2)
        promised = np.concatenate([may_be(x[half], y[half]) for half in halves])
        assert promised[alike].all()
        assert not promised[~alike].all()


def test_documents_hashed_once_are_the_same_as_by_their_vocabulary(monkeypatch):
    rng = random.Random(5)
    documents = [("".join(rng.choices("甲乙丙丁戊", k=rng.randint(0, 40))), "子丑" * at) for at in range(30)]
    for some in (documents, documents[:1], []):
        for least in (1, 2):
            once, twice = encoded(some, 3, least), Vocabulary.of(some, 3, least)[0].encode(some)
            assert list(map(np.ndarray.tolist, vars(once).values())) == list(
                map(np.ndarray.tolist, vars(twice).values())
            )
    monkeypatch.setattr(vocabulary_module, "PASS_CHARACTERS", 300)
    assert (
        encoded(documents, 3, 2).ranks.tolist()
        == Vocabulary.of(documents, 3, 2)[0].encode(documents).ranks.tolist()
    )


def test_firsts_are_where_values_come_first():
    values = np.array([7, 3, 7, 1, 3, 9], dtype=np.uint64)
    assert firsts(values).tolist() == [3, 1, 0, 5]
    assert firsts(values[:0]).tolist() == []


@pytest.mark.parametrize("size", [0, 1, 2, 5, 1000])
def test_a_lookup_finds_what_is_there_and_nothing_else(size):
    rng = random.Random(size)
    values = sorted(rng.sample(range(1 << 50), size - size // 2) + rng.sample(range(1 << 20), size // 2))
    lookup = Lookup(np.array(values, dtype=np.uint64), 50)
    wanted = [0, (1 << 50) - 1, *values, *(value + 1 for value in values if value + 1 < 1 << 50)]
    at, found = lookup.find(np.array(wanted, dtype=np.uint64))
    assert found.tolist() == [value in values for value in wanted]
    assert [values[where] for where in at[found].tolist()] == [value for value in wanted if value in values]
