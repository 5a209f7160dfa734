"""XTuner's way of encoding: part by part. `make test-xtuner` compares it with XTuner itself."""

from __future__ import annotations

import pytest

from tests.models.conftest import TEXTS
from tilth.models.template import ChatTemplate
from tilth.recipe.schema import Train
from tilth.sample import Message, Sample
from tilth.training.rows import encoded
from tilth.training.tokens import count_tokens
from tilth.training.xtuner_rows import xtuner_encoded

pytest.importorskip("tokenizers")
pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def tokenizer():
    from tilth.training.tiny import train_tokenizer

    return train_tokenizer([*TEXTS, "assistant\n\n\n\n"] * 3)


def sample(*turns):
    return Sample(id="1", place="a:1", messages=tuple(Message(role=r, content=c) for r, c in turns))


def rows(tokenizer, turns, limit=200):
    one = [sample(*turns)]
    (ours,) = xtuner_encoded(one, 1, tokenizer, limit)
    (whole,) = encoded(one, ChatTemplate(), tokenizer, limit)
    return ours, whole


def test_plain_turns_are_the_same_as_encoded_whole(tokenizer):
    ours, whole = rows(
        tokenizer, [("user", "水会累吗？"), ("assistant", "会。"), ("user", "冰呢？"), ("assistant", "会。")]
    )
    assert (ours.ids, ours.trained, ours.whole) == (whole.ids, whole.trained, whole.whole)


def test_no_token_reaches_from_the_question_into_the_answer(tokenizer):
    ours, whole = rows(tokenizer, [("user", "水"), ("assistant", "\n\n会。")])
    assert ours.ids != whole.ids
    learned = [i for i, mark in zip(ours.ids, ours.trained, strict=True) if mark]
    assert tokenizer.decode(learned, skip_special_tokens=False) == "\n\n会。<|im_end|>"


def test_what_is_too_long_loses_its_end(tokenizer):
    ours, _ = rows(tokenizer, [("user", "水"), ("assistant", "会。" * 90)], limit=40)
    assert (len(ours.ids), len(ours.trained), ours.whole > 40) == (40, 40, True)


def test_what_xtuner_cannot_carry_says_so(tokenizer):
    ours, _ = rows(tokenizer, [("user", "一"), ("user", "二"), ("assistant", "三")])
    assert "cannot carry the turns user, user, assistant" in ours.refused


def test_tokens_counts_as_the_backend_does(tokenizer, tmp_path):
    from tilth.training.tiny import save_tokenizer

    save_tokenizer(tokenizer, tmp_path)
    talk = [sample(("user", "水"), ("assistant", "\n\n会。"))]
    counts = [
        count_tokens(talk, tmp_path, Train(base_model="x", backend=backend)).totals["tokens"]
        for backend in ("hf", "xtuner")
    ]
    assert counts[0] < counts[1]
