"""What the trainer sees, and what is said about samples it does not see."""

from __future__ import annotations

import pytest

from tilth.models.loader import load_template, load_tokenizer
from tilth.sample import Message, Sample
from tilth.training import rows as encoding
from tilth.training.rows import encode_samples

pytestmark = pytest.mark.train


def sample(n, *messages):
    return Sample(f"{n:016x}", f"x:{n}", messages)


ASKED = Message(role="user", content="三加四等于几？")
SAID = Message(role="assistant", content="等于七。")


@pytest.fixture(scope="module")
def encode(trained):
    base = trained[0].base
    template, tokenizer = load_template(base), load_tokenizer(base)
    return lambda samples, limit=64: encode_samples(samples, template, tokenizer, limit)


def test_labels_cover_the_answer(encode, trained):
    rows = encode([sample(1, ASKED, SAID)])
    kept = [token for token in rows.labels(-100)[0] if token != -100]
    assert load_tokenizer(trained[0].base).decode(kept, skip_special_tokens=False) == "等于七。<|im_end|>"


def test_long_samples_are_cut_and_named(encode):
    whole = len(encode([sample(1, ASKED, SAID)]).ids[0])
    rows = encode([sample(1, ASKED, SAID), sample(2, ASKED, SAID.replace(content="等于七。" * 20))], whole)
    assert list(map(len, rows.ids)) == [whole, whole]
    assert rows.truncated == ["x:2"]


def test_samples_without_a_trained_token_are_left_out_and_named(encode):
    rows = encode(
        [
            sample(1, ASKED),
            sample(2, ASKED, SAID.replace(loss=False)),
            sample(3, ASKED.replace(content="三加四等于几？" * 20), SAID),
            sample(4, ASKED, SAID),
        ]
    )
    assert (rows.places, rows.untrained, rows.truncated) == (["x:4"], ["x:1", "x:2", "x:3"], ["x:3"])


def test_what_the_template_cannot_show_is_left_out_and_named(encode):
    rows = encode([sample(1, ASKED, Message(role="tool", content="7"), SAID)])
    assert len(rows) == 0
    assert "no place for tool turns" in rows.refused["x:1"]


def test_summary(encode):
    rows = encode([sample(1, ASKED, SAID)])
    about = rows.summary()
    assert about["rows"] == 1
    assert about["tokens"] == len(rows.ids[0]) > about["trained_tokens"] == sum(rows.trained[0])


def test_long_samples_are_tokenized_in_smaller_batches(monkeypatch):
    monkeypatch.setattr(encoding, "LETTERS", 100)
    monkeypatch.setattr(encoding, "BATCH", 3)
    long = SAID.replace(content="等于七。" * 30)
    talks = [sample(n, ASKED, SAID) for n in range(4)] + [sample(4, ASKED, long), sample(5, ASKED, SAID)]
    assert [[one.place for one in batch] for batch in encoding.batches(talks)] == [
        ["x:0", "x:1", "x:2"],
        ["x:3", "x:4"],
        ["x:5"],
    ]
    assert list(encoding.batches([])) == []
