import pytest

from tests.evaluation.pieces import question
from tilth.evaluation.nearest import leaks, nearest
from tilth.sample import Message, Sample


def sample(n, text, answer="好"):
    return Sample(f"{n:016x}", f"train:{n}", (Message("user", text), Message("assistant", answer)))


DATA = [
    sample(1, "影子有没有重量"),
    sample(2, "我拿水兑水，得到的是稀水还是浓水"),
    sample(3, "水为什么是湿的"),
    sample(4, "水为什么是湿的"),
]


def test_the_nearest_come_first_and_equal_ones_in_order():
    found = nearest([question(1, "水为什么是干的"), question(2, "xyz")], DATA, k=2)
    assert [near.place for near in found["t.jsonl:1"]] == ["train:3", "train:4"]
    assert found["t.jsonl:1"][0].similarity == pytest.approx(4 / 8)
    assert found["t.jsonl:1"][0].answer == "好"
    assert found["t.jsonl:2"] == []


def test_nearest_agrees_with_brute_force():
    def grams(text):
        return {text[i : i + 2] for i in range(len(text) - 1)}

    texts = [f"{a}{b}{c}为什么{a}" for a in "水火土" for b in "湿热冷" for c in "高低远近"]
    data = [sample(n, text) for n, text in enumerate(texts, start=1)]
    asked = question(1, "水热远为什么火")
    scores = [len(grams(asked.text) & grams(t)) / len(grams(asked.text) | grams(t)) for t in texts]
    expected = sorted(range(len(texts)), key=lambda i: (-scores[i], i))[:5]
    found = nearest([asked], data, k=5)["t.jsonl:1"]
    assert [near.place for near in found] == [f"train:{i + 1}" for i in expected]
    assert [near.similarity for near in found] == pytest.approx([scores[i] for i in expected])


def test_the_showcase_pair_leaks():
    asked = [question(1, "我用水兑水，得到的是稀水还是浓水"), question(2, "影子会不会冷")]
    found = leaks(asked, {"train": DATA, "validation": [sample(9, "我用水兑水，得到的是稀水还是浓水？")]})
    assert [(leak.question.place, leak.place, leak.split) for leak in found] == [
        ("t.jsonl:1", "train:2", "train"),
        ("t.jsonl:1", "train:9", "validation"),
    ]
    assert found[0].similarity >= 0.73
