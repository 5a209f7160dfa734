"""Plain files for other tools, and what each would silently lose."""

from __future__ import annotations

import json

import pytest

from tests.training.conftest import conversation, make_run
from tilth.errors import UserError
from tilth.training.plain import write_plain

MASKED = {
    "messages": [
        {"role": "user", "content": "一"},
        {"role": "assistant", "content": "1", "loss": False},
        {"role": "user", "content": "二"},
        {"role": "assistant", "content": "2", "loss": True},
    ]
}
THINKING = {
    "messages": [{"role": "user", "content": "一"}, {"role": "assistant", "content": "1", "thinking": "想"}]
}


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("tool", ["trl", "openai"])
def test_plain_conversations_stay_as_they_are(tmp_path, tool):
    record = conversation("水会累吗？", "不会。")
    run = make_run(tmp_path / "run", {"train": [record], "test": [record]})
    written = write_plain(run, "openai", tool, tmp_path / "out")
    assert set(written.values()) == {1}
    assert lines(tmp_path / "out" / "train.jsonl") == [record]


def test_openai_calls_the_mask_weight(tmp_path):
    write_plain(make_run(tmp_path / "run", {"train": [MASKED]}), "openai", "openai", tmp_path / "out")
    (found,) = lines(tmp_path / "out" / "train.jsonl")
    assert [turn.get("weight") for turn in found["messages"]] == [None, 0, None, 1]
    assert all("loss" not in turn for turn in found["messages"])


@pytest.mark.parametrize(
    ("record", "tool", "complaint"),
    [(MASKED, "trl", "TRL would learn it"), (THINKING, "openai", "has thinking")],
)
def test_what_a_tool_would_lose_is_refused(tmp_path, record, tool, complaint):
    run = make_run(tmp_path / "run", {"train": [record]})
    with pytest.raises(UserError, match=rf"train\.jsonl:1.*{complaint}"):
        write_plain(run, "openai", tool, tmp_path / "out")
