"""Token counts are those of training: one code path, every sample in its place."""

from __future__ import annotations

import pytest

from tilth.recipe.schema import Train
from tilth.sample import Message, Sample
from tilth.training.rows import encode_samples
from tilth.training.tokens import count_tokens

pytestmark = pytest.mark.train

SAMPLES = [
    Sample(
        f"{i}",
        f"a.jsonl:{i}",
        (Message("user", f"第{i}个问题？" * (1 + 40 * (i == 3))), Message("assistant", "好的。" * i)),
    )
    for i in range(1, 5)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tilth.models.template import INTERNLM2
    from tilth.training.tiny import save_tokenizer, train_tokenizer

    place = tmp_path_factory.mktemp("model")
    save_tokenizer(train_tokenizer([m.content for s in SAMPLES for m in s.messages]), place)
    (place / "chat_template.jinja").write_text(INTERNLM2, encoding="utf-8")
    return place


def test_counts_are_those_of_training(folder):
    from tilth.models.loader import load_template, load_tokenizer

    found = count_tokens(SAMPLES, folder, Train(base_model=str(folder), batch_size=2, epochs=3))
    rows = encode_samples(SAMPLES, load_template(folder), load_tokenizer(folder), 2048)
    assert [row["tokens"] for row in found.samples] == [len(ids) for ids in rows.ids]
    assert found.totals["trained"] == sum(map(sum, rows.trained))
    assert found.totals["prompt"] + found.totals["trained"] == found.totals["tokens"]
    assert found.totals["optimizer_steps"] == 6
    assert found.lint == ()


def test_what_does_not_fit_keeps_its_place_and_is_said(folder):
    found = count_tokens(SAMPLES, folder, Train(base_model=str(folder), max_length=40))
    third = found.samples[2]
    assert (third["place"], third["trained"], third["truncated"]) == ("a.jsonl:3", 0, True)
    assert third["tokens"] > 40
    assert {lint.rule for lint in found.lint} == {"truncated", "untrained"}


def test_the_mask_is_the_answer_and_its_end(folder):
    found = count_tokens(SAMPLES[:1], folder, Train(base_model=str(folder)))
    learned = [text for text, trained in found.shown.pieces if trained]
    assert learned == ["好的。<|im_end|>"]
