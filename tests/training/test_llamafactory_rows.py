"""LLaMA-Factory's way of cutting. `make test-exports` compares it with LLaMA-Factory itself."""

from __future__ import annotations

import pytest

from tests.training.test_xtuner_rows import sample, tokenizer  # noqa: F401  the fixture
from tilth.models.template import ChatTemplate
from tilth.training.llamafactory_rows import _shares, llamafactory_encoded

pytest.importorskip("tokenizers")
pytestmark = pytest.mark.train


@pytest.mark.parametrize(
    ("source", "target", "limit", "kept"),
    [(10, 10, 96, (10, 10)), (200, 10, 96, (86, 10)), (10, 200, 96, (10, 86)), (100, 100, 96, (48, 48))],
)
def test_shares(source, target, limit, kept):
    assert _shares(source, target, limit) == kept


def rows(tokenizer, turns, limit):  # noqa: F811
    return next(llamafactory_encoded([sample(*turns)], ChatTemplate(), 1, tokenizer, limit))


def test_a_question_longer_than_the_limit_leaves_room_for_its_answer(tokenizer):  # noqa: F811
    row = rows(tokenizer, [("user", "水会累吗？" * 90), ("assistant", "会。")], 40)
    learned = [i for i, mark in zip(row.ids, row.trained, strict=True) if mark]
    assert (len(row.ids), row.learns) == (40, True)
    assert tokenizer.decode(learned, skip_special_tokens=False) == "会。<|im_end|>\n"


def test_rounds_behind_the_limit_are_left_out(tokenizer):  # noqa: F811
    row = rows(
        tokenizer, [("user", "水"), ("assistant", "会。" * 90), ("user", "冰"), ("assistant", "会。")], 40
    )
    assert len(row.ids) == 40 < row.whole


def test_other_turns_are_encoded_by_the_template(tokenizer):  # noqa: F811
    row = rows(tokenizer, [("user", "水"), ("user", "冰"), ("assistant", "会。")], 200)
    assert (row.refused, row.learns) == ("", True)
