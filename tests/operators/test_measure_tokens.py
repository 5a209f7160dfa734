"""`measure.tokens` counts what the trainer will count."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tilth.errors import FormatError, UserError
from tilth.operators.base import OPERATORS, Facts
from tilth.operators.measure_tokens import Tokens
from tilth.sample import Message, Sample

tokenizers = pytest.importorskip("tokenizers")

TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}"
    "{{ m.role }} : {% if m.role == 'assistant' %}{% generation %}{{ m.content }} ;{% endgeneration %} "
    "{% else %}{{ m.content }} ; {% endif %}{% endfor %}"
)


@pytest.fixture
def model(tmp_path):
    words = {word: at for at, word in enumerate(("[UNK]", "user", "assistant", ":", ";", "fish", "swim"))}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}), encoding="utf-8")
    return str(tmp_path)


def talk(n, *words):
    roles = ("user", "assistant")
    return Sample(f"{n:016x}", f"a:{n}", tuple(Message(roles[i % 2], w) for i, w in enumerate(words)))


def test_tokens_are_counted_one_by_one_and_in_a_batch(model):
    operator = Tokens(model)
    samples = [talk(1, "fish", "swim swim"), talk(2, "fish fish fish", "swim")]
    rows = operator.observe_many(samples)
    assert rows.tolist() == [operator.observe(sample) for sample in samples] == [(9, 3), (10, 2)]
    found = dict(operator.decide(Facts(rows, [s.place for s in samples]), lambda place: samples[0]))
    assert found["a:1"].signals == {"tokens": 9, "prompt_tokens": 6, "trained_tokens": 3}


def test_a_sample_the_template_refuses_says_why(model):
    refused = Sample("0" * 16, "a:3", (Message("user", "fish"), Message("tool", "swim")))
    with pytest.raises(FormatError, match="no tools"):
        Tokens(model).observe(refused)
    with pytest.raises(FormatError, match="no tools"):
        Tokens(model).observe_many([talk(1, "fish", "swim"), refused])


def test_a_folder_without_a_tokenizer_is_missed_before_the_run(tmp_path):
    with pytest.raises(UserError, match=r"tokenizer"):
        Tokens(str(tmp_path))


def test_its_facts_are_fixed_width():
    assert np.dtype(Tokens.fact).itemsize == 16
    assert OPERATORS.get("measure.tokens").files == ("model",)
